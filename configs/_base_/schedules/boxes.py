# A relation head on boxes and classes: minutes on a CPU.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=12)
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
    # attention can blow up at this rate
    clip_grad=dict(max_norm=1),
)
param_scheduler = [
    dict(
        type='LinearWarmupLR', num_iters=100, start_factor=0.04, by_epoch=False
    ),
    # without T_max it ends with the run
    dict(type='CosineAnnealingLR', convert_to_iter_based=True),
]
custom_hooks = [
    # counts where an ablation switches the frequency bias on
    dict(type='FrequencyBiasHook', must_overlap=False),
    dict(type='PredicateCountHook'),
    dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.01),
]
