# Stage 1 on the toy data set: the object detector.
_base_ = [
    '../detection/faster-rcnn_vgg16_vg150.py',
    '../_base_/models/small_detector.py',
]

model = _base_.small_detector

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(type='mmdet.Resize', scale=(128, 128), keep_ratio=True),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(128, 128), keep_ratio=True),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(type='mmdet.PackDetInputs', meta_keys=_base_.meta_keys),
]
toy = dict(type='ToyVGDataset', data_root='data/toy_vg', num_val=100)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=train_pipeline, **toy),
)
val_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=test_pipeline, **toy),
)
test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=test_pipeline, **toy),
)

train_cfg = dict(max_epochs=2, val_interval=1)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=1e-4)
)
param_scheduler = [
    dict(type='LinearWarmupLR', num_iters=50, by_epoch=False),
    # without T_max it ends with the run
    dict(type='CosineAnnealingLR', convert_to_iter_based=True),
]
