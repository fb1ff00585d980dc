# LinkNet and its detector, narrowed to what a CPU trains from scratch in
# minutes: a ResNet-18 at half width and stride 8, fc6 and fc7 of 256, for the
# toy data set.
detector = dict(
    type='mmdet.FasterRCNN',
    data_preprocessor=dict(
        type='mmdet.DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        # images of at most 128 pixels, in square batches
        pad_size_divisor=128,
    ),
    backbone=dict(
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
        _scope_='mmdet',  # its defaults are unscoped names of mmdet
        type='RPNHead',
        in_channels=128,
        feat_channels=128,
        anchor_generator=dict(
            type='AnchorGenerator',
            ratios=[0.5, 1.0, 2.0],
            scales=[2, 3.5, 6],
            strides=[8],
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
            roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=1),
            out_channels=128,
            featmap_strides=[8],
        ),
        bbox_head=dict(
            type='mmsgg.FC67BBoxHead',
            fc67=dict(
                type='mmsgg.FC67Head',
                in_channels=128,
                out_channels=256,
                dropout=0.0,
            ),
            num_classes=12,
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
                num=64,
                pos_fraction=0.5,
                neg_pos_ub=-1,
                add_gt_as_proposals=False,
            ),
            allowed_border=-1,
            pos_weight=-1,
            debug=False,
        ),
        rpn_proposal=dict(
            nms_pre=400,
            max_per_img=200,
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
                num=64,
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
            nms_pre=400,
            max_per_img=100,
            nms=dict(type='nms', iou_threshold=0.7),
            min_bbox_size=0,
        ),
        rcnn=dict(
            score_thr=0.05,
            nms=dict(type='nms', iou_threshold=0.3),
            max_per_img=32,
        ),
    ),
)

roi_extractor = dict(
    type='mmdet.SingleRoIExtractor',
    roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=1),
    out_channels=128,
    featmap_strides=[8],
)
fc67 = dict(type='FC67Head', in_channels=128, out_channels=256, dropout=0.0)

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
        num_classes=12,
        num_predicates=11,
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
            type='GlobalContext', in_channels=128, out_channels=64
        ),
        geometric_layout=dict(
            type='GeometricLayout', out_channels=128, dropout=0.1
        ),
        frequency_bias=True,
        embed_channels=32,
        hidden_channels=64,
    ),
    freeze_detector=True,
)
del detector, roi_extractor, fc67
