# Train this one from the detector's checkpoint (load_from).
_base_ = './predcls_r50-c4.py'

model = dict(task='sgcls')
