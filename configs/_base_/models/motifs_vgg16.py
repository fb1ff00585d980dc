# Motifs (Zellers et al., CVPR 2018) as Scene-Graph-Benchmark has it, on the
# detector and the regions of LinkNet, with the boxes drawn into their image.
_base_ = './linknet_vgg16.py'

features = _base_.model.relation_head.features
features.union_roi_extractor.draw_boxes = True
features.union_roi_extractor.drawn_in = 'image'
features.union_head.last_relu = True
model = dict(
    relation_head=dict(
        _delete_=True,
        type='MotifsRelHead',
        num_classes=150,
        num_predicates=50,
        sampler=dict(type='RelationSampler', num=256, pos_fraction=0.25),
        features=features,
        late_nms_iou=0.5,
        order='rightleft',
        num_object_layers=1,
        num_edge_layers=1,
        embed_channels=200,
        hidden_channels=512,
    )
)
del features
