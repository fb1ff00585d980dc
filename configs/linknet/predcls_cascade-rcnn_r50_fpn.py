# Evaluated with the checkpoint of sgcls_cascade-rcnn_r50_fpn.py: it is the same model, to
# which the classes are given.
_base_ = './sgcls_cascade-rcnn_r50_fpn.py'

model = dict(task='predcls')
