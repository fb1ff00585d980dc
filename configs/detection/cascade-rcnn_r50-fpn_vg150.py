_base_ = [
    '../_base_/models/cascade-rcnn_r50-fpn.py',
    '../_base_/detection_vg150.py',
]
