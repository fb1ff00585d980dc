# Motifs on the detector of Scene-Graph-Benchmark, as there: a union box is
# pooled from all levels, and both boxes are drawn into the image.
_base_ = './faster-rcnn_x101-32x8d_fpn_sgb.py'

pool = dict(
    type='InclusiveRoIExtractor',
    roi_layer=dict(
        type='RoIAlign', output_size=7, sampling_ratio=2, aligned=False
    ),
    out_channels=256,
    featmap_strides=[4, 8, 16, 32],
)
# fc6 and fc7 are as wide as the detector's, from which they start
fc67 = dict(type='FC67Head', in_channels=256, out_channels=4096, dropout=0.0)

model = dict(
    _delete_=True,
    type='SceneGraphDetector',
    detector=_base_.model,
    object_source=dict(
        type='TwoStageObjects',
        score_thr=0.01,
        # each class by itself, its boxes not moved away from the others
        nms=dict(
            type='nms',
            iou_threshold=0.3,
            offset=1,
            class_agnostic=True,
            split_thr=0,
        ),
        max_per_class=300,
        max_per_img=80,
        proposal_order=True,
    ),
    relation_head=dict(
        type='MotifsRelHead',
        num_classes=150,
        num_predicates=50,
        sampler=dict(type='RelationSampler', num=1024, pos_fraction=0.25),
        features=dict(
            object_roi_extractor=pool,
            object_head=fc67,
            union_roi_extractor=dict(
                type='UnionRoIExtractor',
                roi_extractor=dict(pool, type='ConcatRoIExtractor'),
                draw_boxes=True,
                drawn_in='image',
            ),
            union_head=fc67,
        ),
        late_nms_iou=0.5,
        order='rightleft',
        num_object_layers=1,
        num_edge_layers=1,
        embed_channels=200,
        hidden_channels=512,
    ),
    freeze_detector=True,
)
del pool, fc67
