# Neural motifs (Zellers et al., CVPR 2018) on LinkNet's data, detector and
# schedule. Evaluated with the checkpoint of sgcls.py.
_base_ = '../linknet/predcls.py'

model = dict(
    relation_head=dict(
        _delete_=True,
        type='MotifsRelHead',
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
        order='leftright',
        num_object_layers=2,
        num_edge_layers=4,
        embed_channels=200,
        hidden_channels=512,
    )
)
