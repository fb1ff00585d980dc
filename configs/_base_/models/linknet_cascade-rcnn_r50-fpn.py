_base_ = ['./cascade-rcnn_r50-fpn.py', './fpn_branches.py']

model = dict(relation_head=_base_.fpn_branches)
