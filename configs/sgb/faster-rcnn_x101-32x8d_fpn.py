# For the converted detector of Scene-Graph-Benchmark (model_final.pth); see
# docs/checkpoints.md.
_base_ = [
    '../_base_/models/faster-rcnn_x101-32x8d_fpn_sgb.py',
    '../_base_/datasets/vg150_detection.py',
    '../_base_/schedules/detection.py',
    '../_base_/default_runtime.py',
]

# relation models take 1000 proposals
model = dict(test_cfg=dict(rpn=dict(max_per_img=2000)))
default_hooks = dict(checkpoint=dict(save_best='pascal_voc/mAP'))

train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(type='TruncatedResize', size=600, max_size=1000),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='TruncatedResize', size=600, max_size=1000),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    _base_.val_dataloader.dataset.pipeline[-1],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
del train_pipeline, test_pipeline
