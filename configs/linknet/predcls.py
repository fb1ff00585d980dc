# Evaluated with the checkpoint of sgcls.py: it is the same model, to which
# the classes are given.
_base_ = ['../_base_/models/linknet_vgg16.py', '../_base_/linknet_vg150.py']

model = _base_.predcls
