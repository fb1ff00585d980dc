# LinkNet on mmdet's Faster R-CNN with the conv4 map of a ResNet-50, and res5
# on regions. The branches of LinkNet are res5, as the detector's, from which
# they start; fc6 on the 1024 channels of conv4 would be 200 million weights
# that start from nothing. A pair costs 6 times what fc6 and fc7 of VGG16 do
# (0.73 to 0.12 G multiply-adds).
_base_ = 'mmdet::_base_/models/faster-rcnn_r50-caffe-c4.py'

detector = _base_.model
# every batch is square, as with VGG16
detector.data_preprocessor.pad_size_divisor = 592
detector.roi_head.bbox_head.num_classes = 150

res5 = dict(detector.roi_head.shared_head, type='Res5Head', init_cfg=None)
roi_extractor = dict(
    detector.roi_head.bbox_roi_extractor, type='mmdet.SingleRoIExtractor'
)

model = dict(
    _delete_=True,
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
            object_head=res5,
            union_roi_extractor=dict(
                type='UnionRoIExtractor', roi_extractor=roi_extractor
            ),
            union_head=res5,
        ),
        global_context=dict(
            type='GlobalContext', in_channels=1024, out_channels=512
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
del detector, res5, roi_extractor
