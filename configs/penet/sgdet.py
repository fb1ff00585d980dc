# Refine from the checkpoint of sgcls.py (load_from).
_base_ = [
    '../_base_/models/penet_vgg16.py',
    '../_base_/datasets/vg150_relation_overlap.py',
    '../_base_/schedules/relation_refine.py',
    '../_base_/default_runtime.py',
]

model = dict(
    task='sgdet',
    relation_head=dict(
        sampler=dict(
            _delete_=True,
            type='DetectionRelationSampler',
            num=64,
            # as Scene-Graph-Benchmark
            num_per_relation=4,
        ),
        overlap_only=True,
    ),
)
