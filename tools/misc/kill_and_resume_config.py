"""A training of seconds with all that a resumed run has to bring back.

LinkNet on the boxes of toy scenes, with dropout, random pairs, an average of
the weights, a warm-up, a rate that follows the score, and a best checkpoint.
"""

_base_ = [
    '../../configs/_base_/models/linknet_boxes.py',
    '../../configs/_base_/default_runtime.py',
]

model = dict(relation_head=dict(num_classes=12, num_predicates=11))

meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape')
pipeline = [
    dict(type='LoadRelationAnnotations'),
    dict(type='PackSGInputs', meta_keys=meta_keys),
]
toy = dict(
    type='ToyVGDataset',
    data_root='data/toy_vg',
    num_val=16,
    image_folders=(),
    filter_empty_relations=True,
    pipeline=pipeline,
)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(split='train', filter_duplicate_relations=True, **toy),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(split='val', test_mode=True, **toy),
)
val_evaluator = [dict(type='SceneGraphMetric')]
del meta_keys, pipeline, toy

train_cfg = dict(type='ResumableTrainLoop', max_epochs=6)
val_cfg = dict(type='ValLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=1),
)
param_scheduler = [
    dict(type='LinearWarmupLR', num_iters=10, by_epoch=False),
    dict(
        type='ReduceOnPlateauLR',
        monitor='R@100',
        rule='greater',
        factor=0.5,
        patience=0,
        threshold=0.02,
        threshold_rule='abs',
    ),
]
custom_hooks = [
    dict(type='FrequencyBiasHook', must_overlap=False),
    dict(type='EMAHook', momentum=0.1),
]
default_hooks = dict(
    logger=dict(interval=1),
    checkpoint=dict(max_keep_ckpts=2),
)
log_processor = dict(window_size=4)
