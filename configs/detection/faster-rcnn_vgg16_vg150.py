_base_ = [
    '../_base_/models/faster-rcnn_vgg16.py',
    '../_base_/detection_vg150.py',
]
