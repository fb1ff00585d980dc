# Refine from the checkpoint of sgcls.py (load_from).
_base_ = [
    '../_base_/models/linknet_vgg16.py',
    '../_base_/datasets/vg150_relation_overlap.py',
    '../_base_/schedules/relation_refine.py',
    '../_base_/default_runtime.py',
]

model = dict(
    task='sgdet',
    detector=dict(roi_head=dict(bbox_head=dict(num_classes=200))),
    relation_head=dict(
        num_classes=200,
        num_predicates=100,
        sampler=dict(_delete_=True, type='DetectionRelationSampler', num=64),
        overlap_only=True,
    ),
)
gqa = dict(type='GQA200Dataset', data_root='data/gqa')
train_dataloader = dict(dataset=gqa)
val_dataloader = dict(dataset=gqa)
test_dataloader = dict(dataset=gqa)
del gqa
