# Iterative message passing (Xu et al., CVPR 2017) on the detector and the
# regions of LinkNet, without frequency bias as in the paper.
_base_ = './linknet_vgg16.py'

features = _base_.model.relation_head.features
features.union_head = features.object_head
model = dict(
    relation_head=dict(
        _delete_=True,
        type='IMPRelHead',
        num_classes=150,
        num_predicates=50,
        sampler=dict(type='RelationSampler', num=256, pos_fraction=0.25),
        features=features,
        frequency_bias=False,
        hidden_channels=512,
        num_iters=2,
    )
)
del features
