_base_ = [
    './faster-rcnn_r101-fpn_vg150.py',
    '../_base_/models/resnext101.py',
]

model = _base_.resnext101
