# FREQ on detections.
_base_ = './predcls.py'

model = dict(task='sgdet')
