# IMP on the toy data set.
_base_ = './sgcls.py'

linknet = _base_.model.relation_head
model = dict(
    relation_head=dict(
        _delete_=True,
        type='IMPRelHead',
        num_classes=12,
        num_predicates=11,
        sampler=linknet.sampler,
        features=linknet.features,
        frequency_bias=False,
        hidden_channels=64,
    )
)
del linknet
