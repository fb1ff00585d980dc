# Stage 1: the detector of linknet_cascade-rcnn_r50_fpn.py by itself, a
# Cascade R-CNN on ResNet-50 and its feature pyramid.
_base_ = [
    '../_base_/models/linknet_cascade-rcnn_r50_fpn.py',
    '../_base_/datasets/vg150_detection.py',
    '../_base_/schedules/detection.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, **_base_.model.detector)
default_hooks = dict(checkpoint=dict(save_best='pascal_voc/mAP'))
