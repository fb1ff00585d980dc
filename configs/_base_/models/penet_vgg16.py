# PE-Net (Zheng et al., CVPR 2023) on the detector and the regions of LinkNet,
# with the boxes drawn into their image. Its word tables take vectors of 300
# numbers (glove.6B.300d.txt).
_base_ = './linknet_vgg16.py'

features = _base_.model.relation_head.features
features.union_roi_extractor.draw_boxes = True
features.union_roi_extractor.drawn_in = 'image'
model = dict(
    relation_head=dict(
        _delete_=True,
        type='PENetRelHead',
        num_classes=150,
        num_predicates=50,
        sampler=dict(type='RelationSampler', num=256, pos_fraction=0.25),
        features=features,
        embed_channels=300,
        hidden_channels=512,
        channels=2048,
        late_nms_iou=0.5,
    )
)
del features
