# Train this one from the detector's checkpoint (load_from).
_base_ = './predcls_cascade-rcnn_r50-fpn.py'

model = dict(task='sgcls')
