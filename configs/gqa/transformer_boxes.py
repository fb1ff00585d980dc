# The transformer of 0.1 without regions: it normalises the boxes, on which all
# rests here. It sees where each box is in its image, but not how the two boxes
# of a pair lie: that its drawings and union boxes would tell.
_base_ = './linknet_boxes.py'

model = dict(
    relation_head=dict(
        _delete_=True,
        type='GatedTransformerRelHead',
        num_classes=200,
        num_predicates=100,
        sampler=_base_.model.relation_head.sampler,
        frequency_bias=False,
        num_object_layers=2,
        num_edge_layers=1,
        feedforward_channels=512,
        hidden_channels=256,
    )
)
