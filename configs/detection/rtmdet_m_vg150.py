# Stage 1: the detector of linknet_rtmdet_m.py by itself, RTMDet-m.
_base_ = [
    '../_base_/models/linknet_rtmdet_m.py',
    '../_base_/datasets/vg150_detection.py',
    '../_base_/schedules/detection.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, **_base_.model.detector)
default_hooks = dict(checkpoint=dict(save_best='pascal_voc/mAP'))
# mmdet's rate for 32 images an iteration, scaled to 6
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=7.5e-4, weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0,
        bias_decay_mult=0,
        bypass_duplicate=True,  # the levels share their convolutions
    ),
)
