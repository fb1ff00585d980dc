# The transformer of mmsgg 0.1, a variant of Scene-Graph-Benchmark's, on the
# detector and the regions of LinkNet, with the boxes drawn into their union.
_base_ = './linknet_vgg16.py'

features = _base_.model.relation_head.features
features.union_roi_extractor.draw_boxes = True
model = dict(
    relation_head=dict(
        _delete_=True,
        type='GatedTransformerRelHead',
        num_classes=150,
        num_predicates=50,
        sampler=dict(type='RelationSampler', num=256, pos_fraction=0.25),
        features=features,
        num_object_layers=4,
        num_edge_layers=2,
        num_heads=8,
        feedforward_channels=2048,
        embed_channels=200,
        hidden_channels=512,
    )
)
del features
