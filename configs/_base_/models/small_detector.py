# What makes of the VGG16 detector one that a CPU trains from scratch in
# minutes: a narrow ResNet-18 at stride 8, fc6 and fc7 of 256. No `model`, so
# that it goes together with detection and relation configs alike.
small_detector = dict(
    # images of at most 128 pixels, in square batches
    data_preprocessor=dict(pad_size_divisor=128),
    backbone=dict(
        _delete_=True,
        type='mmdet.ResNet',
        depth=18,
        base_channels=32,
        stem_channels=32,
        num_stages=3,
        strides=(1, 2, 1),
        dilations=(1, 1, 1),
        out_indices=(2,),
        norm_eval=False,
    ),
    rpn_head=dict(
        in_channels=128,
        feat_channels=128,
        anchor_generator=dict(
            scales=[2, 3.5, 6], ratios=[0.5, 1.0, 2.0], strides=[8]
        ),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(
            roi_layer=dict(sampling_ratio=1),
            out_channels=128,
            featmap_strides=[8],
        ),
        bbox_head=dict(
            fc67=dict(
                in_channels=128, out_channels=256, dropout=0.0, init_cfg=None
            ),
            num_classes=12,
        ),
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=64)),
        rpn_proposal=dict(nms_pre=400, max_per_img=200),
        rcnn=dict(sampler=dict(num=64)),
    ),
    test_cfg=dict(
        rpn=dict(nms_pre=400, max_per_img=100),
        rcnn=dict(score_thr=0.05, max_per_img=32),
    ),
)
