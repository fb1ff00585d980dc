train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadRelationAnnotations'),
    dict(type='mmdet.Resize', scale=(592, 592), keep_ratio=True),
    # no predicate of VG150 says left or right
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='PackSGInputs'),
]
# annotations after Resize: ground truth stays in original-image pixels
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(592, 592), keep_ratio=True),
    dict(type='LoadRelationAnnotations'),
    dict(type='PackSGInputs'),
]
train_dataloader = dict(
    batch_size=6,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='VG150Dataset',
        data_root='data/vg',
        split='train',
        filter_empty_relations=True,
        filter_duplicate_relations=True,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='VG150Dataset',
        data_root='data/vg',
        split='val',
        filter_empty_relations=True,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='VG150Dataset',
        data_root='data/vg',
        split='test',
        # the metric passes over them
        filter_empty_relations=True,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
# a list: mmengine takes a bare dict with 'metrics' for an Evaluator
val_evaluator = [dict(type='SceneGraphMetric')]
test_evaluator = val_evaluator
del train_pipeline, test_pipeline
