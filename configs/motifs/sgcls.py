# Train this one from the detector's checkpoint (load_from).
_base_ = './predcls.py'

model = dict(task='sgcls')
