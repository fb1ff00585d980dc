# A detector: lr 1e-3 an image, lowered where mAP stands still.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=50, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=6e-3, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=5, norm_type=2),
)
auto_scale_lr = dict(enable=False, base_batch_size=6)
param_scheduler = [
    dict(type='LinearWarmupLR', num_iters=500, by_epoch=False),
    dict(
        type='ReduceOnPlateauLR',
        monitor='pascal_voc/mAP',
        rule='greater',
        factor=0.1,
        patience=3,
        threshold=1e-3,
        threshold_rule='abs',
        cooldown=1,
        by_epoch=True,
    ),
]
