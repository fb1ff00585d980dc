# Train this one from the detector's checkpoint (load_from).
_base_ = [
    '../_base_/models/vctree_x101-32x8d_fpn_sgb.py',
    '../_base_/datasets/vg150_relation_sgb.py',
    '../_base_/schedules/relation_sgb.py',
    '../_base_/default_runtime.py',
]

model = dict(
    task='sgdet',
    relation_head=dict(
        sampler=dict(
            _delete_=True,
            type='DetectionRelationSampler',
            num=1024,
            overlap_only=False,
            num_per_relation=4,
        )
    ),
)
