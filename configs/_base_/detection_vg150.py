# Detector training on VG150, all but the detector.
_base_ = [
    './datasets/vg150_detection.py',
    './schedules/sgd_plateau.py',
    './default_runtime.py',
]

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
default_hooks = dict(
    checkpoint=dict(save_best='pascal_voc/mAP', rule='greater')
)
