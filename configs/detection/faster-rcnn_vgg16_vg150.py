# Stage 1: the detector of linknet_vgg16.py by itself, a
# VGG16 Faster R-CNN of linknet-pytorch.
_base_ = [
    '../_base_/models/linknet_vgg16.py',
    '../_base_/datasets/vg150_detection.py',
    '../_base_/schedules/detection.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, **_base_.model.detector)
default_hooks = dict(checkpoint=dict(save_best='pascal_voc/mAP'))
