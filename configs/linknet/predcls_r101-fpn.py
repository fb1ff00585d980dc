# Evaluated with the checkpoint of sgcls_r101-fpn.py.
_base_ = ['../_base_/models/linknet_r101-fpn.py', '../_base_/linknet_vg150.py']

model = _base_.predcls
