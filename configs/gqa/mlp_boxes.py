# A plain network on each pair by itself, for comparison.
_base_ = './linknet_boxes.py'

model = dict(
    relation_head=dict(
        _delete_=True,
        type='MLPRelHead',
        num_classes=200,
        num_predicates=100,
        sampler=_base_.model.relation_head.sampler,
        dropout=0.4,
    )
)
