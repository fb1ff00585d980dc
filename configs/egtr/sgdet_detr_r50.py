# On plain DETR.
_base_ = [
    '../_base_/models/egtr_detr_r50.py',
    '../_base_/datasets/vg150_relation_detr.py',
    '../_base_/schedules/egtr.py',
    '../_base_/default_runtime.py',
]

model = dict(task='sgdet')
train_dataloader = dict(batch_size=4)
default_hooks = dict(checkpoint=dict(save_best='R@50'))
