# Evaluated with the checkpoint of sgcls_product.py: the same model, to
# which the classes are given.
_base_ = [
    '../_base_/models/motifs_vgg16_product.py',
    '../_base_/datasets/vg150_relation.py',
    '../_base_/schedules/relation.py',
    '../_base_/default_runtime.py',
]

model = dict(task='predcls')
