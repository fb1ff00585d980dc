# Refine from the checkpoint of sgcls.py (load_from).
_base_ = [
    '../../_base_/models/linknet_vgg16_compat.py',
    '../../_base_/datasets/vg150_relation_square.py',
    '../../_base_/schedules/relation_refine.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    task='sgdet',
    object_source=dict(nms=dict(offset=1), relate_proposals=True),
    relation_head=dict(
        sampler=dict(_delete_=True, type='DetectionRelationSampler', num=64),
        overlap_only=True,
    ),
)
train_dataloader = dict(dataset=dict(filter_non_overlap=True))
