# RelTR on the toy data set, from the backbone of faster-rcnn_r18.py
# (load_from).
_base_ = [
    '../_base_/models/reltr_toy.py',
    '../_base_/datasets/toy_relation.py',
    '../_base_/schedules/relation_detr.py',
    '../_base_/default_runtime.py',
]

train_cfg = dict(max_epochs=14, val_interval=3)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearWarmupLR', num_iters=200, by_epoch=False),
    # without T_max it ends with the run
    dict(type='CosineAnnealingLR', convert_to_iter_based=True),
]
visualizer = dict(relation_score_thr=0.1)
