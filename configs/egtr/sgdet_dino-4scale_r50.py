# On DINO; its detector comes from configs/detection/dino-4scale_r50_vg150.py
# with model.num_queries=200.
_base_ = [
    '../_base_/models/egtr_dino-4scale_r50.py',
    '../_base_/datasets/vg150_relation_detr.py',
    '../_base_/schedules/egtr.py',
    '../_base_/default_runtime.py',
]

model = dict(task='sgdet')
train_dataloader = dict(batch_size=4)
default_hooks = dict(checkpoint=dict(save_best='R@50'))
