# LinkNet (Woo et al., NeurIPS 2018) on the VGG16 Faster R-CNN of
# linknet-pytorch.

# torchvision's; by its address it needs no torchvision
vgg16 = dict(
    type='Pretrained',
    checkpoint='https://download.pytorch.org/models/vgg16-397923af.pth',
)
detector = dict(
    type='mmdet.FasterRCNN',
    data_preprocessor=dict(
        type='mmdet.DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        # every batch is square, so that an image's context feature does not
        # depend on what it is batched with
        pad_size_divisor=592,
    ),
    backbone=dict(type='VGG16', frozen_stages=2, init_cfg=vgg16),
    rpn_head=dict(
        _scope_='mmdet',  # its defaults are unscoped names of mmdet
        type='RPNHead',
        in_channels=512,
        feat_channels=512,
        # clustered from the boxes of Visual Genome (linknet-pytorch)
        anchor_generator=dict(
            type='AnchorGenerator',
            ratios=[0.23232838, 0.63365731, 1.28478321, 3.15089189],
            scales=[
                2.22152954,
                4.12315647,
                7.21692515,
                12.60263013,
                22.7102731,
            ],
            strides=[16],
        ),
        bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True),
        loss_bbox=dict(type='L1Loss'),
    ),
    roi_head=dict(
        _scope_='mmdet',
        type='StandardRoIHead',
        bbox_roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0),
            out_channels=512,
            featmap_strides=[16],
        ),
        bbox_head=dict(
            type='mmsgg.FC67BBoxHead',
            fc67=dict(
                type='mmsgg.FC67Head',
                in_channels=512,
                out_channels=4096,
                init_cfg=dict(vgg16, prefix='classifier.'),
            ),
            num_classes=150,
            bbox_coder=dict(
                type='DeltaXYWHBBoxCoder', target_stds=[0.1, 0.1, 0.2, 0.2]
            ),
            loss_cls=dict(type='CrossEntropyLoss'),
            loss_bbox=dict(type='L1Loss'),
        ),
    ),
    train_cfg=dict(
        rpn=dict(
            assigner=dict(
                type='MaxIoUAssigner',
                pos_iou_thr=0.7,
                neg_iou_thr=0.3,
                min_pos_iou=0.3,
                ignore_iof_thr=-1,
            ),
            sampler=dict(
                type='RandomSampler',
                num=256,
                pos_fraction=0.5,
                neg_pos_ub=-1,
                add_gt_as_proposals=False,
            ),
            allowed_border=-1,
            pos_weight=-1,
            debug=False,
        ),
        rpn_proposal=dict(
            nms_pre=12000,
            max_per_img=2000,
            nms=dict(type='nms', iou_threshold=0.7),
            min_bbox_size=0,
        ),
        rcnn=dict(
            assigner=dict(
                type='MaxIoUAssigner',
                pos_iou_thr=0.5,
                neg_iou_thr=0.5,
                min_pos_iou=0.5,
                match_low_quality=False,
                ignore_iof_thr=-1,
            ),
            sampler=dict(
                type='RandomSampler',
                num=256,
                pos_fraction=0.25,
                neg_pos_ub=-1,
                add_gt_as_proposals=True,
            ),
            pos_weight=-1,
            debug=False,
        ),
    ),
    test_cfg=dict(
        rpn=dict(
            nms_pre=6000,
            max_per_img=1000,
            nms=dict(type='nms', iou_threshold=0.7),
            min_bbox_size=0,
        ),
        rcnn=dict(
            score_thr=0.01,
            nms=dict(type='nms', iou_threshold=0.3),
            max_per_img=64,
        ),
    ),
)

roi_extractor = dict(
    type='mmdet.SingleRoIExtractor',
    # the union of two boxes is large: 0, as many as a bin needs, takes 10
    roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=2),
    out_channels=512,
    featmap_strides=[16],
)
fc67 = dict(type='FC67Head', in_channels=512, out_channels=4096)

model = dict(
    type='SceneGraphDetector',
    detector=detector,
    object_source=dict(
        type='TwoStageObjects',
        score_thr=0.01,
        nms=dict(type='nms', iou_threshold=0.3),
        max_per_img=64,
    ),
    relation_head=dict(
        type='LinkNetRelHead',
        num_classes=150,
        num_predicates=50,
        sampler=dict(type='RelationSampler', num=256, pos_fraction=0.25),
        features=dict(
            object_roi_extractor=roi_extractor,
            object_head=fc67,
            union_roi_extractor=dict(
                type='UnionRoIExtractor', roi_extractor=roi_extractor
            ),
            union_head=dict(fc67, last_relu=False),
        ),
        global_context=dict(
            type='GlobalContext', in_channels=512, out_channels=512
        ),
        geometric_layout=dict(
            type='GeometricLayout', out_channels=128, dropout=0.1
        ),
        frequency_bias=True,
        embed_channels=200,
        hidden_channels=256,
    ),
    freeze_detector=True,
)
del vgg16, detector, roi_extractor, fc67
