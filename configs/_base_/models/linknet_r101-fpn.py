_base_ = ['./faster-rcnn_r101-fpn.py', './fpn_branches.py']

model = dict(relation_head=_base_.fpn_branches)
