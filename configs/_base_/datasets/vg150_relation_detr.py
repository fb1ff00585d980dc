# Images as DETR makes them: short side 800, by Pillow; smaller ones, and
# twice resized ones, in training.
_base_ = './vg150_relation.py'

short_sides = [
    [dict(type='TruncatedResize', size=size, max_size=1333)]
    for size in range(480, 801, 32)
]
smaller = [
    [dict(type='TruncatedResize', size=size, max_size=10000)]
    for size in (400, 500, 600)
]
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    # all predicates of a pair are learned, each once
    dict(type='LoadRelationAnnotations', merge_duplicates=True),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(
        type='mmcv.RandomChoice',
        transforms=[
            [dict(type='mmcv.RandomChoice', transforms=short_sides)],
            [
                dict(type='mmcv.RandomChoice', transforms=smaller),
                dict(type='mmcv.RandomChoice', transforms=short_sides),
            ],
        ],
    ),
    dict(type='PackSGInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='TruncatedResize', size=800, max_size=1333),
    dict(type='LoadRelationAnnotations'),
    dict(type='PackSGInputs'),
]
train_dataloader = dict(
    batch_size=2,
    dataset=dict(filter_duplicate_relations=False, pipeline=train_pipeline),
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
del short_sides, smaller, train_pipeline, test_pipeline
