# LinkNet on the boxes and classes of Stanford VRD alone; no image is opened.
# Predicate detection: the pairs are given, their predicate is asked for.
_base_ = [
    '../_base_/models/linknet_boxes.py',
    '../_base_/schedules/boxes.py',
    '../_base_/default_runtime.py',
]

model = dict(given_pairs=True)

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
del vrd, meta_keys, pipeline, loader
