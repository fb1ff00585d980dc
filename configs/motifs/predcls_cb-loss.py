# Evaluated with the checkpoint of sgcls_cb-loss.py: it is the same model, to
# which the classes are given.
_base_ = './sgcls_cb-loss.py'

model = dict(task='predcls')
