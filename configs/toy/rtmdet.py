# A single-stage detector on the toy data set.
_base_ = [
    '../_base_/models/linknet_rtmdet_toy.py',
    '../_base_/datasets/toy_detection.py',
    '../_base_/schedules/toy_detection.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, **_base_.model.detector)
default_hooks = dict(checkpoint=dict(save_best='pascal_voc/mAP'))

train_dataloader = dict(batch_size=16)
train_cfg = dict(max_epochs=5)
optim_wrapper = dict(
    optimizer=dict(lr=2e-3, weight_decay=1e-2),
    paramwise_cfg=dict(
        norm_decay_mult=0,
        bias_decay_mult=0,
        bypass_duplicate=True,  # the levels share their convolutions
    ),
)
