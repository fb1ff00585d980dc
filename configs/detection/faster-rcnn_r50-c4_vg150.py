# Stage 1: the detector of linknet_r50-c4.py by itself, a
# Faster R-CNN on the conv4 map of a ResNet-50.
_base_ = [
    '../_base_/models/linknet_r50-c4.py',
    '../_base_/datasets/vg150_detection.py',
    '../_base_/schedules/detection.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, **_base_.model.detector)
default_hooks = dict(checkpoint=dict(save_best='pascal_voc/mAP'))
