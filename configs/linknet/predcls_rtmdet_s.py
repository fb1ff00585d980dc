# Evaluated with the checkpoint of sgcls_rtmdet_s.py: the same model, to
# which the classes are given.
_base_ = './sgcls_rtmdet_s.py'

model = dict(task='predcls')
