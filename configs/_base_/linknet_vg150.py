# LinkNet on VG150, all but its detector (_base_/models/linknet_*.py has both
# the detector and where LinkNet looks at its maps).
_base_ = [
    './datasets/vg150_relation.py',
    './schedules/sgd_plateau.py',
    './default_runtime.py',
]

# Scopes, since in a model that comes from a base of mmdet all other names are
# mmdet's.
predcls = dict(
    type='mmsgg.SceneGraphRCNN',
    task='predcls',
    freeze_detector=True,
    relation_head=dict(
        _scope_='mmsgg',
        type='LinkNetRelHead',
        num_classes=150,
        num_predicates=50,
        sampler=dict(type='RelationSampler', num=256, pos_fraction=0.25),
        geometric_layout=dict(
            type='GeometricLayout', out_channels=128, dropout=0.1
        ),
        frequency_bias=True,
        embed_channels=200,
        hidden_channels=256,
    ),
    test_cfg=dict(
        objects=dict(
            score_thr=0.01,
            nms=dict(type='nms', iou_threshold=0.3),
            max_per_img=64,
        )
    ),
)
sgdet = dict(
    task='sgdet',
    relation_head=dict(
        sampler=dict(_delete_=True, type='DetectionRelationSampler', num=64),
        overlap_only=True,
    ),
)

optim_wrapper = dict(
    constructor='TrainedOnlyConstructor',
    # these branches start from the detector's, so they move slowly
    paramwise_cfg=dict(
        custom_keys={
            'relation_head.object_head': dict(lr_mult=0.1),
            'relation_head.union_head': dict(lr_mult=0.1),
        }
    ),
)
param_scheduler = [
    dict(
        type='ReduceOnPlateauLR',
        monitor='R@100',
        rule='greater',
        factor=0.1,
        patience=3,
        threshold=1e-4,
        threshold_rule='abs',
        cooldown=1,
        by_epoch=True,
    )
]
default_hooks = dict(checkpoint=dict(save_best='R@100', rule='greater'))
custom_hooks = [
    dict(type='FrequencyBiasHook', must_overlap=True),
    # with a GloVe file such as glove.6B.200d.txt, the word tables start
    # from it: --cfg-options custom_hooks.1.path=FILE
    dict(type='WordVectorHook', path=None),
    # at the first decay, since the branches run at a tenth of the rate
    dict(type='StopAtLowRateHook', ratio=99),
]
