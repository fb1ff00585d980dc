# Refine from the checkpoint of sgcls.py (load_from).
_base_ = [
    '../_base_/models/linknet_vgg16.py',
    '../_base_/datasets/open_images_relation.py',
    '../_base_/schedules/relation_refine.py',
    '../_base_/default_runtime.py',
]

model = dict(
    task='sgdet',
    detector=dict(roi_head=dict(bbox_head=dict(num_classes=601))),
    relation_head=dict(
        num_classes=601,
        num_predicates=30,
        sampler=dict(_delete_=True, type='DetectionRelationSampler', num=64),
        overlap_only=True,
    ),
)
# a pair of objects that do not overlap is never related in a test
train_dataloader = dict(dataset=dict(filter_non_overlap=True))
