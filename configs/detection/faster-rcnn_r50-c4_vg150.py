_base_ = [
    '../_base_/models/faster-rcnn_r50-c4.py',
    '../_base_/detection_vg150.py',
]
