_base_ = [
    '../_base_/models/faster-rcnn_r101-fpn.py',
    '../_base_/detection_vg150.py',
]
