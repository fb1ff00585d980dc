# Stanford VRD (Lu et al., ECCV 2016): 100 classes, 70 predicates. It has no
# validation split; the test set stands in. Not trained yet: this is the
# config that the data tools take.
_base_ = '../linknet/sgcls.py'

model = dict(
    task='predcls',
    detector=dict(roi_head=dict(bbox_head=dict(num_classes=100))),
    relation_head=dict(num_classes=100, num_predicates=70),
)

# 'on the left of' does not survive a flip
train_pipeline = [
    step
    for step in _base_.train_dataloader.dataset.pipeline
    if step.type != 'mmdet.RandomFlip'
]
vrd = dict(_delete_=True, type='VRDDataset', data_root='data/vrd')
train_dataloader = dict(
    dataset=dict(
        ann_file='annotations_train.json',
        filter_empty_relations=True,
        filter_duplicate_relations=True,
        pipeline=train_pipeline,
        **vrd,
    )
)
test_set = dict(
    ann_file='annotations_test.json',
    filter_empty_relations=True,
    test_mode=True,
    pipeline=_base_.test_dataloader.dataset.pipeline,
    **vrd,
)
val_dataloader = dict(dataset=test_set)
test_dataloader = dict(dataset=test_set)
del train_pipeline, vrd, test_set
