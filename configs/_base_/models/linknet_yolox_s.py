# LinkNet on mmdet's YOLOX-s, as yolox_s_8xb8-300e_coco.py has it.
norm = dict(type='BN', momentum=0.03, eps=0.001)
act = dict(type='Swish')
detector = dict(
    _scope_='mmdet',
    type='YOLOX',
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        # every batch is square, and whole at stride 32
        pad_size_divisor=608,
    ),
    backbone=dict(
        type='CSPDarknet',
        deepen_factor=0.33,
        widen_factor=0.5,
        out_indices=(2, 3, 4),
        spp_kernal_sizes=(5, 9, 13),
        norm_cfg=norm,
        act_cfg=act,
    ),
    neck=dict(
        type='YOLOXPAFPN',
        in_channels=[128, 256, 512],
        out_channels=128,
        num_csp_blocks=1,
        upsample_cfg=dict(scale_factor=2, mode='nearest'),
        norm_cfg=norm,
        act_cfg=act,
    ),
    bbox_head=dict(
        type='YOLOXHead',
        num_classes=150,
        in_channels=128,
        feat_channels=128,
        stacked_convs=2,
        strides=(8, 16, 32),
        norm_cfg=norm,
        act_cfg=act,
        loss_cls=dict(
            type='CrossEntropyLoss', use_sigmoid=True, reduction='sum'
        ),
        loss_bbox=dict(
            type='IoULoss',
            mode='square',
            eps=1e-16,
            reduction='sum',
            loss_weight=5.0,
        ),
        loss_obj=dict(
            type='CrossEntropyLoss', use_sigmoid=True, reduction='sum'
        ),
        loss_l1=dict(type='L1Loss', reduction='sum'),
    ),
    train_cfg=dict(assigner=dict(type='SimOTAAssigner', center_radius=2.5)),
    test_cfg=dict(score_thr=0.01, nms=dict(type='nms', iou_threshold=0.65)),
)

roi_extractor = dict(
    type='mmdet.SingleRoIExtractor',
    roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0),
    out_channels=128,
    featmap_strides=[8, 16, 32],
)
fc67 = dict(type='FC67Head', in_channels=128, out_channels=1024)

model = dict(
    type='SceneGraphDetector',
    detector=detector,
    object_source=dict(type='SingleStageObjects', max_per_img=64),
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
            type='GlobalContext',
            in_channels=128,
            out_channels=512,
            level=0,
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
del norm, act, detector, roi_extractor, fc67
