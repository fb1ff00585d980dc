# The transformer head of 0.1 on the toy data set.
_base_ = './sgcls.py'

linknet = _base_.model.relation_head
model = dict(
    relation_head=dict(
        _delete_=True,
        type='GatedTransformerRelHead',
        num_classes=12,
        num_predicates=11,
        sampler=linknet.sampler,
        features=linknet.features,
        num_object_layers=2,
        num_edge_layers=2,
        num_heads=4,
        feedforward_channels=128,
        embed_channels=32,
        hidden_channels=64,
    )
)
del linknet
