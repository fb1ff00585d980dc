# FREQ-overlap on the classes of the detector.
_base_ = './predcls_overlap.py'

model = dict(task='sgcls')
