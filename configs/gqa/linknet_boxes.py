# LinkNet on the boxes and classes of GQA-200 alone; no image is opened. All
# pairs of boxes are judged. Trained and tested on parts of the test file: the
# first 6139 of its 8186 images with relations, and the last 2047.
_base_ = '../vrd/linknet_boxes.py'

model = dict(
    given_pairs=False,
    relation_head=dict(num_classes=200, num_predicates=100),
)

gqa = dict(
    _delete_=True,
    type='GQA200Dataset',
    data_root='data/gqa',
    split='test',
    image_folders=(),
    filter_empty_relations=True,
    pipeline=_base_.train_dataloader.dataset.pipeline,
)
train_dataloader = dict(dataset=dict(indices=6139, **gqa))
test_dataloader = dict(dataset=dict(indices=-2047, test_mode=True, **gqa))
test_evaluator = [dict(type='SceneGraphMetric', metrics=('R', 'mR', 'ng-R'))]

train_cfg = dict(max_epochs=8)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
del gqa
