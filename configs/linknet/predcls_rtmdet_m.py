# Evaluated with the checkpoint of sgcls_rtmdet_m.py: the same model, to
# which the classes are given.
_base_ = './sgcls_rtmdet_m.py'

model = dict(task='predcls')
