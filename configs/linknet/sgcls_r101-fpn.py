# Train this one from the detector's checkpoint (load_from).
_base_ = './predcls_r101-fpn.py'

model = dict(task='sgcls')
