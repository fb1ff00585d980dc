# Stage 2 on the toy data set: LinkNet on ground-truth boxes.
_base_ = [
    '../_base_/models/linknet_toy.py',
    '../_base_/datasets/toy_relation.py',
    '../_base_/schedules/toy_relation.py',
    '../_base_/default_runtime.py',
]

model = dict(task='sgcls')
# on a CPU a step takes a tenth less so
default_hooks = dict(speed=dict(channels_last=True))
visualizer = dict(relation_score_thr=0.1)
