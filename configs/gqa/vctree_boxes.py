# VCTree without regions, as motifs_boxes.py.
_base_ = './linknet_boxes.py'

model = dict(
    relation_head=dict(
        _delete_=True,
        type='VCTreeRelHead',
        num_classes=200,
        num_predicates=100,
        sampler=_base_.model.relation_head.sampler,
        frequency_bias=False,
        hidden_channels=256,
    )
)
