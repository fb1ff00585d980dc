# Motifs on the toy data set.
_base_ = './sgcls.py'

linknet = _base_.model.relation_head
model = dict(
    relation_head=dict(
        _delete_=True,
        type='MotifsRelHead',
        num_classes=12,
        num_predicates=11,
        sampler=linknet.sampler,
        object_roi_extractor=linknet.object_roi_extractor,
        object_head=linknet.object_head,
        union_roi_extractor=linknet.union_roi_extractor,
        union_head=linknet.union_head,
        num_edge_layers=2,
        embed_channels=32,
        hidden_channels=64,
    )
)
