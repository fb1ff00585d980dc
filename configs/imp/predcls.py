# Iterative message passing (Xu et al., CVPR 2017) on LinkNet's data, detector
# and schedule, without frequency bias as in the paper. Evaluated with the
# checkpoint of sgcls.py.
_base_ = '../linknet/predcls.py'

model = dict(
    relation_head=dict(
        _delete_=True,
        type='IMPRelHead',
        num_classes=150,
        num_predicates=50,
        sampler=dict(type='RelationSampler', num=256, pos_fraction=0.25),
        object_roi_extractor=_base_.roi_extractor,
        object_head=_base_.fc67,
        union_roi_extractor=dict(
            type='UnionRoIExtractor', roi_extractor=_base_.roi_extractor
        ),
        union_head=_base_.fc67,
        frequency_bias=False,
        hidden_channels=512,
        num_iters=2,
    )
)
