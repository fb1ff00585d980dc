# LinkNet on the frozen RTMDet of rtmdet.py (load_from), at once on detections;
# docs/detectors.md says what it reaches.
_base_ = [
    '../_base_/models/linknet_rtmdet_toy.py',
    '../_base_/datasets/toy_relation.py',
    '../_base_/schedules/toy_relation.py',
    '../_base_/default_runtime.py',
]

model = dict(
    task='sgdet',
    relation_head=dict(
        sampler=dict(
            _delete_=True,
            type='DetectionRelationSampler',
            num=64,
            overlap_only=False,
        )
    ),
)
visualizer = dict(relation_score_thr=0.1)
