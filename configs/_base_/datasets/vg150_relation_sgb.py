# Images as Scene-Graph-Benchmark makes them: short side 600, by Pillow.
_base_ = './vg150_relation.py'

train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='LoadRelationAnnotations'),
    dict(type='TruncatedResize', size=600, max_size=1000),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='PackSGInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='TruncatedResize', size=600, max_size=1000),
    dict(type='LoadRelationAnnotations'),
    dict(type='PackSGInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
del train_pipeline, test_pipeline
