# Evaluated with the checkpoint of sgcls.py: the same model, to
# which the classes are given. As published, it is trained by itself.
_base_ = './sgcls.py'

model = dict(task='predcls')
