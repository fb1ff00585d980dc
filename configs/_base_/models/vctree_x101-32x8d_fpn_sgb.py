# VCTree of Scene-Graph-Benchmark, on its detector.
_base_ = './motifs_x101-32x8d_fpn_sgb.py'

features = _base_.model.relation_head.features
model = dict(
    relation_head=dict(
        _delete_=True,
        type='VCTreeRelHead',
        num_classes=150,
        num_predicates=50,
        sampler=dict(type='RelationSampler', num=1024, pos_fraction=0.25),
        features=features,
        late_nms_iou=0.5,
        embed_channels=200,
        hidden_channels=512,
    )
)
del features
