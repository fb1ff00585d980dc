# Evaluated with the checkpoint of sgcls_dino-4scale_r50.py: the same model, to
# which the classes are given.
_base_ = './sgcls_dino-4scale_r50.py'

model = dict(task='predcls')
