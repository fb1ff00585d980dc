# PE-Net on the toy data set.
_base_ = './sgcls.py'

linknet = _base_.model.relation_head
model = dict(
    relation_head=dict(
        _delete_=True,
        type='PENetRelHead',
        num_classes=12,
        num_predicates=11,
        sampler=linknet.sampler,
        features=linknet.features,
        embed_channels=32,
        hidden_channels=64,
        channels=128,
    )
)
del linknet
