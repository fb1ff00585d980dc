# Refine from the checkpoint of sgcls_yolox_s.py (load_from).
_base_ = [
    '../_base_/models/linknet_yolox_s.py',
    '../_base_/datasets/vg150_relation_overlap.py',
    '../_base_/schedules/relation_refine.py',
    '../_base_/default_runtime.py',
]

model = dict(
    task='sgdet',
    relation_head=dict(
        sampler=dict(_delete_=True, type='DetectionRelationSampler', num=64),
        overlap_only=True,
    ),
)
