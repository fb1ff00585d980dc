# EGTR, trained as a whole from the detector's checkpoint (load_from).
_base_ = [
    '../_base_/models/egtr_deformable-detr_r50.py',
    '../_base_/datasets/vg150_relation_detr.py',
    '../_base_/schedules/egtr.py',
    '../_base_/default_runtime.py',
]

model = dict(task='sgdet')
train_dataloader = dict(batch_size=4)
default_hooks = dict(checkpoint=dict(save_best='R@50'))
