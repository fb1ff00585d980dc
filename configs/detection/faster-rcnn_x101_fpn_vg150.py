# Stage 1: the detector of linknet_x101_fpn.py by itself, a
# Faster R-CNN on ResNeXt-101 and its feature pyramid.
_base_ = [
    '../_base_/models/linknet_x101_fpn.py',
    '../_base_/datasets/vg150_detection.py',
    '../_base_/schedules/detection.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, **_base_.model.detector)
default_hooks = dict(checkpoint=dict(save_best='pascal_voc/mAP'))
