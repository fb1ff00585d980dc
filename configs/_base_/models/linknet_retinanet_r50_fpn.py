# LinkNet on mmdet's RetinaNet.
_base_ = 'mmdet::_base_/models/retinanet_r50_fpn.py'

detector = _base_.model
# every batch is square, and whole at stride 32
detector.data_preprocessor.pad_size_divisor = 608
# torchvision's; by its address it needs no torchvision
detector.backbone.init_cfg.checkpoint = (
    'https://download.pytorch.org/models/resnet50-0676ba61.pth'
)
detector.bbox_head.num_classes = 150

roi_extractor = dict(
    type='mmdet.SingleRoIExtractor',
    roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0),
    out_channels=256,
    featmap_strides=[8, 16, 32, 64],
)
fc67 = dict(type='FC67Head', in_channels=256, out_channels=1024)

model = dict(
    _delete_=True,
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
            in_channels=256,
            out_channels=512,
            level=2,
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
del detector, roi_extractor, fc67
