# Train this one from the detector's checkpoint (load_from).
_base_ = [
    '../_base_/models/penet_x101-32x8d_fpn_sgb.py',
    '../_base_/datasets/vg150_relation_sgb.py',
    '../_base_/schedules/relation_sgb.py',
    '../_base_/default_runtime.py',
]

model = dict(task='sgcls')
# lr 1e-3 an image
optim_wrapper = dict(optimizer=dict(lr=6e-3))
