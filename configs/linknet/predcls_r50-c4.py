# Evaluated with the checkpoint of sgcls_r50-c4.py.
_base_ = ['../_base_/models/linknet_r50-c4.py', '../_base_/linknet_vg150.py']

model = _base_.predcls
