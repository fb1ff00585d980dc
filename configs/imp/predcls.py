# Evaluated with the checkpoint of sgcls.py: it is the same model, to
# which the classes are given.
_base_ = './sgcls.py'

model = dict(task='predcls')
