_base_ = './predcls.py'

model = dict(task='sgcls')
