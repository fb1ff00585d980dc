# LinkNet on the toy data set, narrowed to what a CPU trains in minutes.
_base_ = ['../linknet/predcls.py', '../_base_/models/small_detector.py']

fc67 = dict(in_channels=128, out_channels=256, dropout=0.0)
roi_extractor = dict(
    roi_layer=dict(sampling_ratio=1), out_channels=128, featmap_strides=[8]
)
model = dict(
    relation_head=dict(
        num_classes=12,
        num_predicates=11,
        object_roi_extractor=roi_extractor,
        object_head=fc67,
        union_roi_extractor=dict(roi_extractor=roi_extractor),
        union_head=fc67,
        global_context=dict(in_channels=128, out_channels=64),
        embed_channels=32,
        hidden_channels=64,
    ),
    **_base_.small_detector,
)

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

train_cfg = dict(max_epochs=3, val_interval=1)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=1e-4)
)
param_scheduler = [
    dict(type='LinearWarmupLR', num_iters=50, by_epoch=False),
    # without T_max it ends with the run
    dict(type='CosineAnnealingLR', convert_to_iter_based=True),
]
# toy relations reach beyond overlapping boxes
custom_hooks = [dict(type='FrequencyBiasHook', must_overlap=False)]
visualizer = dict(relation_score_thr=0.1)
