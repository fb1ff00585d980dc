# Evaluated with the checkpoint of sgcls_retinanet_r50_fpn.py.
_base_ = './sgcls_retinanet_r50_fpn.py'

model = dict(task='predcls')
