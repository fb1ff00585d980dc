# Evaluated with the checkpoint of sgcls_r101_fpn.py: the same model, to
# which the classes are given.
_base_ = './sgcls_r101_fpn.py'

model = dict(task='predcls')
