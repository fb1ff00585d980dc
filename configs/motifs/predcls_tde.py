# Evaluated with the checkpoint of sgcls_tde.py: it is the same model, to
# which the classes are given.
_base_ = './sgcls_tde.py'

model = dict(task='predcls')
