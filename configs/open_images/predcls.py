# Evaluated with the checkpoint of sgcls.py.
_base_ = './sgcls.py'

model = dict(task='predcls')
