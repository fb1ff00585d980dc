# PE-Net on the detector of Scene-Graph-Benchmark, as published.
_base_ = './motifs_x101-32x8d_fpn_sgb.py'

features = _base_.model.relation_head.features
model = dict(
    relation_head=dict(
        _delete_=True,
        type='PENetRelHead',
        num_classes=150,
        num_predicates=50,
        sampler=dict(type='RelationSampler', num=512, pos_fraction=0.25),
        features=features,
        late_nms_iou=0.5,
        embed_channels=300,
        hidden_channels=512,
        channels=2048,
    )
)
del features
