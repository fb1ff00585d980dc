# EGTR and its detector together, from scratch.
_base_ = [
    '../_base_/models/egtr_toy.py',
    '../_base_/datasets/toy_relation.py',
    '../_base_/schedules/toy_relation.py',
    '../_base_/default_runtime.py',
]

model = dict(task='sgdet')
train_cfg = dict(max_epochs=5)
optim_wrapper = dict(
    optimizer=dict(lr=4e-4),
    clip_grad=dict(max_norm=1),
    paramwise_cfg=dict(
        _delete_=True,
        custom_keys={
            'sampling_offsets': dict(lr_mult=0.1),
            'reference_points_fc': dict(lr_mult=0.1),
            'relation_head': dict(lr_mult=5),
        },
    ),
)
visualizer = dict(relation_score_thr=0.1)
