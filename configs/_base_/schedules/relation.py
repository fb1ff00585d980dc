# A relation head on a frozen detector: lr 1e-3 an image, until recall stands
# still.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=50, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=6e-3, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=5, norm_type=2),
    constructor='TrainedOnlyConstructor',
    # these branches start from the detector's, so they move slowly
    paramwise_cfg=dict(
        custom_keys={
            'relation_head.features.object_head': dict(lr_mult=0.1),
            'relation_head.features.union_head': dict(lr_mult=0.1),
        }
    ),
)
auto_scale_lr = dict(enable=False, base_batch_size=6)
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
custom_hooks = [
    dict(type='FrequencyBiasHook', must_overlap=True),
    # with a GloVe file such as glove.6B.200d.txt, the word tables start
    # from it: --cfg-options custom_hooks.1.path=FILE
    dict(type='WordVectorHook', path=None),
    # at the first decay, since the branches run at a tenth of the rate
    dict(type='StopAtLowRateHook', ratio=99),
    # for a predicate loss that wants to know how often each one is
    dict(type='PredicateCountHook'),
]
