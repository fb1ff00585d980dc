# Stage 1: the detector of egtr_deformable-detr_r50.py by itself, as EGTR's was
# trained, on 8 processes of 4 images.
_base_ = [
    '../_base_/models/egtr_deformable-detr_r50.py',
    '../_base_/datasets/vg150_detection_detr.py',
    '../_base_/schedules/detection.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, **_base_.model.detector)
default_hooks = dict(checkpoint=dict(save_best='pascal_voc/mAP'))
train_cfg = dict(max_epochs=200)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1),
    paramwise_cfg=dict(
        custom_keys={
            'backbone': dict(lr_mult=0.1),
            'reference_points_fc': dict(lr_mult=0.1),
            'sampling_offsets': dict(lr_mult=0.1),
        }
    ),
)
auto_scale_lr = dict(base_batch_size=32)
# the authors stopped by the loss
param_scheduler = [
    dict(
        type='ReduceOnPlateauLR',
        monitor='pascal_voc/mAP',
        rule='greater',
        factor=0.1,
        patience=15,
        by_epoch=True,
    ),
]
custom_hooks = [dict(type='StopAtLowRateHook', ratio=999)]
