# Evaluated with the checkpoint of sgcls_cascade-rcnn_r50-fpn.py.
_base_ = [
    '../_base_/models/linknet_cascade-rcnn_r50-fpn.py',
    '../_base_/linknet_vg150.py',
]

model = _base_.predcls
