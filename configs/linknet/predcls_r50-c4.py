# Evaluated with the checkpoint of sgcls_r50-c4.py: the same model, to
# which the classes are given.
_base_ = './sgcls_r50-c4.py'

model = dict(task='predcls')
