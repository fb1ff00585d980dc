# A toy relation head: three epochs.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=3, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4),
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
    dict(type='LinearWarmupLR', num_iters=50, by_epoch=False),
    # without T_max it ends with the run
    dict(type='CosineAnnealingLR', convert_to_iter_based=True),
]
# toy relations reach beyond overlapping boxes
custom_hooks = [
    dict(type='FrequencyBiasHook', must_overlap=False),
    # for a predicate loss that wants to know how often each one is
    dict(type='PredicateCountHook'),
]
