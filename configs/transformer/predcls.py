# The transformer predictor of Scene-Graph-Benchmark (Tang et al. 2020) on
# LinkNet's data, detector and schedule. Evaluated with the checkpoint of
# sgcls.py.
_base_ = '../linknet/predcls.py'

model = dict(
    relation_head=dict(
        _delete_=True,
        type='TransformerRelHead',
        num_classes=150,
        num_predicates=50,
        sampler=dict(type='RelationSampler', num=256, pos_fraction=0.25),
        object_roi_extractor=_base_.roi_extractor,
        object_head=_base_.fc67,
        union_roi_extractor=dict(
            type='UnionRoIExtractor',
            roi_extractor=_base_.roi_extractor,
            draw_boxes=True,
        ),
        union_head=dict(_base_.fc67, last_relu=False),
        num_object_layers=4,
        num_edge_layers=2,
        num_heads=8,
        feedforward_channels=2048,
        embed_channels=200,
        hidden_channels=512,
    )
)
