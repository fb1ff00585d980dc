_base_ = ['./sgcls_r101-fpn.py', '../_base_/models/resnext101.py']

model = _base_.resnext101
