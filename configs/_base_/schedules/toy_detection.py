# A toy detector: two epochs.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=2, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4),
    clip_grad=dict(max_norm=5, norm_type=2),
)
auto_scale_lr = dict(enable=False, base_batch_size=6)
param_scheduler = [
    dict(type='LinearWarmupLR', num_iters=50, by_epoch=False),
    # without T_max it ends with the run
    dict(type='CosineAnnealingLR', convert_to_iter_based=True),
]
