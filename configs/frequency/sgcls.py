# FREQ on the classes that the detector gives the boxes.
_base_ = './predcls.py'

model = dict(task='sgcls')
