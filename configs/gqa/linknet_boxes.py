# LinkNet on the boxes and classes of GQA-200 alone; no image is opened. All
# pairs of boxes are judged. Trained and tested on parts of the test file: the
# first 6139 of its 8186 images with relations, and the last 2047.
_base_ = [
    '../_base_/models/linknet_boxes.py',
    '../_base_/schedules/boxes.py',
    '../_base_/default_runtime.py',
]

model = dict(relation_head=dict(num_classes=200, num_predicates=100))

meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape')
gqa = dict(
    type='GQA200Dataset',
    data_root='data/gqa',
    split='test',
    image_folders=(),
    filter_empty_relations=True,
    pipeline=[
        dict(type='LoadRelationAnnotations'),
        dict(type='PackSGInputs', meta_keys=meta_keys),
    ],
)
train_dataloader = dict(
    num_workers=0,
    batch_size=32,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(indices=6139, **gqa),
)
test_dataloader = dict(
    num_workers=0,
    batch_size=32,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(indices=-2047, test_mode=True, **gqa),
)
test_evaluator = [dict(type='SceneGraphMetric', metrics=('R', 'mR', 'ng-R'))]

train_cfg = dict(max_epochs=8)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
del meta_keys, gqa
