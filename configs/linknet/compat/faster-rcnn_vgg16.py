# For converted detectors (vg-N.tar); see docs/checkpoints.md.
_base_ = [
    '../../_base_/models/linknet_vgg16_compat.py',
    '../../_base_/datasets/vg150_detection.py',
    '../../_base_/schedules/detection.py',
    '../../_base_/default_runtime.py',
]

model = dict(_delete_=True, **_base_.model.detector)
default_hooks = dict(checkpoint=dict(save_best='pascal_voc/mAP'))

# flipped first: SquareResize pads to the right and below
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='SquareResize', size=592),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='SquareResize', size=592),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    _base_.val_dataloader.dataset.pipeline[-1],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
del train_pipeline, test_pipeline
