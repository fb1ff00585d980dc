# Stage 2 on the toy data set: LinkNet on ground-truth boxes.
_base_ = './predcls.py'

model = dict(task='sgcls')
