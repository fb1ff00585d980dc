# VCTree (Tang et al., CVPR 2019) on the detector and the regions of LinkNet,
# with the boxes drawn into their image.
_base_ = './linknet_vgg16.py'

features = _base_.model.relation_head.features
features.union_roi_extractor.draw_boxes = True
features.union_roi_extractor.drawn_in = 'image'
model = dict(
    relation_head=dict(
        _delete_=True,
        type='VCTreeRelHead',
        num_classes=150,
        num_predicates=50,
        sampler=dict(type='RelationSampler', num=256, pos_fraction=0.25),
        features=features,
        embed_channels=200,
        hidden_channels=512,
        late_nms_iou=0.5,
    )
)
del features
