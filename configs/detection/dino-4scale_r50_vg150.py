# Stage 1: the detector of linknet_dino-4scale_r50.py by itself, DINO.
_base_ = [
    '../_base_/models/linknet_dino-4scale_r50.py',
    '../_base_/datasets/vg150_detection.py',
    '../_base_/schedules/detection.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, **_base_.model.detector)
default_hooks = dict(checkpoint=dict(save_best='pascal_voc/mAP'))
# mmdet's rate for 16 images an iteration, scaled to 6
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=4e-5, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)}),
)
