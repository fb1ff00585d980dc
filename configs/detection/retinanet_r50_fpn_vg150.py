# Stage 1: the detector of linknet_retinanet_r50_fpn.py by itself, RetinaNet.
_base_ = [
    '../_base_/models/linknet_retinanet_r50_fpn.py',
    '../_base_/datasets/vg150_detection.py',
    '../_base_/schedules/detection.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, **_base_.model.detector)
default_hooks = dict(checkpoint=dict(save_best='pascal_voc/mAP'))
# mmdet's rate for 16 images an iteration, scaled to 6
optim_wrapper = dict(optimizer=dict(lr=3.75e-3))
