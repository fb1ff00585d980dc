# Detector training on VG150, all but the detector.
_base_ = [
    './datasets/vg150_detection.py',
    './schedules/sgd_plateau.py',
    './default_runtime.py',
]

param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=500),
    dict(
        type='ReduceOnPlateauLR',
        monitor='pascal_voc/mAP',
        rule='greater',
        factor=0.1,
        patience=3,
        by_epoch=True,
    ),
]
default_hooks = dict(
    checkpoint=dict(save_best='pascal_voc/mAP', rule='greater')
)
