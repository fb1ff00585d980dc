# The toy data set, for relations.
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadRelationAnnotations'),
    dict(type='mmdet.Resize', scale=(128, 128), keep_ratio=True),
    dict(type='PackSGInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(128, 128), keep_ratio=True),
    dict(type='LoadRelationAnnotations'),
    dict(type='PackSGInputs'),
]
toy = dict(type='ToyVGDataset', data_root='data/toy_vg', num_val=100)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        split='train',
        filter_empty_relations=True,
        filter_duplicate_relations=True,
        pipeline=train_pipeline,
        **toy,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        split='val',
        filter_empty_relations=True,
        test_mode=True,
        pipeline=test_pipeline,
        **toy,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        split='test',
        filter_empty_relations=True,
        test_mode=True,
        pipeline=test_pipeline,
        **toy,
    ),
)
# a list: mmengine takes a bare dict with 'metrics' for an Evaluator
val_evaluator = [dict(type='SceneGraphMetric')]
test_evaluator = val_evaluator
del train_pipeline, test_pipeline, toy
