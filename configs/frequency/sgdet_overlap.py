# FREQ-overlap on detections.
_base_ = './predcls_overlap.py'

model = dict(task='sgdet')
