# The frequency prior alone on the classes that the detector gives the boxes.
_base_ = './frequency_predcls.py'

model = dict(task='sgcls')
