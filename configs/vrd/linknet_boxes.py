# LinkNet on the boxes and classes of Stanford VRD alone; no image is opened.
# Predicate detection: the pairs are given, their predicate is asked for.
_base_ = '../_base_/default_runtime.py'

model = dict(
    type='SceneGraphDetector',
    object_source=dict(type='GivenBoxes'),
    task='predcls',
    given_pairs=True,
    relation_head=dict(
        type='LinkNetRelHead',
        num_classes=100,
        num_predicates=70,
        sampler=dict(type='RelationSampler', num=64, pos_fraction=0.5),
        geometric_layout=dict(
            type='GeometricLayout',
            out_channels=128,
            dropout=0.1,
            detailed=True,
        ),
        layout_gate=True,
        # learns the 30,000 relations by heart
        frequency_bias=False,
        dropout=0.4,
    ),
)

vrd = dict(type='VRDDataset', data_root='data/vrd', image_folders=())
meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape')
pipeline = [
    dict(type='LoadRelationAnnotations'),
    dict(type='PackSGInputs', meta_keys=meta_keys),
]
loader = dict(num_workers=0, batch_size=32)
train_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(ann_file='annotations_train.json', pipeline=pipeline, **vrd),
    **loader,
)
test_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        ann_file='annotations_test.json',
        filter_empty_relations=True,
        test_mode=True,
        pipeline=pipeline,
        **vrd,
    ),
    **loader,
)
test_evaluator = [
    dict(type='SceneGraphMetric', metrics=('A',), topk=(50, 100))
]
test_cfg = dict(type='TestLoop')

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
    # attention can blow up at this rate
    clip_grad=dict(max_norm=1),
)
param_scheduler = [
    dict(
        type='LinearWarmupLR', num_iters=100, start_factor=0.04, by_epoch=False
    ),
    # without T_max it ends with the run
    dict(type='CosineAnnealingLR', convert_to_iter_based=True),
]
custom_hooks = [
    # counts where an ablation switches the frequency bias on
    dict(type='FrequencyBiasHook', must_overlap=False),
    dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.01),
]
del vrd, meta_keys, pipeline, loader
