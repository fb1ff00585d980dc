# Evaluated with the checkpoint of sgcls_cascade-rcnn_r50_fpn.py.
_base_ = './sgcls_cascade-rcnn_r50_fpn.py'

model = dict(task='predcls')
