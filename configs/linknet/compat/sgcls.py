# For converted checkpoints of linknet-pytorch (vgrel-N.tar); see
# docs/checkpoints.md.
_base_ = [
    '../../_base_/models/linknet_vgg16_compat.py',
    '../../_base_/datasets/vg150_relation_square.py',
    '../../_base_/schedules/relation.py',
    '../../_base_/default_runtime.py',
]

model = dict(task='sgcls')
