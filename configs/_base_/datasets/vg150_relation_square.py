# Images as linknet-pytorch makes them: padded to squares, then resized.
_base_ = './vg150_relation.py'

# flipped first: SquareResize pads to the right and below
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='LoadRelationAnnotations'),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='SquareResize', size=592),
    dict(type='PackSGInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='SquareResize', size=592),
    dict(type='LoadRelationAnnotations'),
    dict(type='PackSGInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
del train_pipeline, test_pipeline
