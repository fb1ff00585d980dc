# VCTree on the toy data set.
_base_ = './sgcls.py'

linknet = _base_.model.relation_head
model = dict(
    relation_head=dict(
        _delete_=True,
        type='VCTreeRelHead',
        num_classes=12,
        num_predicates=11,
        sampler=linknet.sampler,
        features=linknet.features,
        embed_channels=32,
        hidden_channels=64,
    )
)
del linknet
