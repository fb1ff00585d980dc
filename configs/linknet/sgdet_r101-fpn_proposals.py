# Boxes from files in place of the RPN's. A file is a pickle {'VG_100K/1.jpg':
# dict(bboxes (n, 4) original-image pixels, scores (n,)), ...}, as the metric
# `mmdet.DumpProposals` writes it of the test set of a config.
_base_ = './sgdet_r101-fpn.py'

model = dict(rpn_head=None)

image = dict(type='LoadImageFromFile')
proposals = dict(type='LoadProposals', num_max_proposals=1000)
annotations = dict(type='LoadRelationAnnotations')
# plain transforms leave proposals as they are
scale = dict(type='mmdet.Resize', scale=(592, 592), keep_ratio=True)
flip = dict(type='mmdet.RandomFlip', prob=0.5)
resize = dict(type='mmdet.ProposalBroadcaster', transforms=[scale])
augment = dict(type='mmdet.ProposalBroadcaster', transforms=[scale, flip])
pack = dict(type='PackSGInputs')

train_proposals = dict(proposals, proposal_file='data/vg/proposals_train.pkl')
val_proposals = dict(proposals, proposal_file='data/vg/proposals_val.pkl')
test_proposals = dict(proposals, proposal_file='data/vg/proposals_test.pkl')
train_pipeline = [image, train_proposals, annotations, augment, pack]
val_pipeline = [image, val_proposals, resize, annotations, pack]
test_pipeline = [image, test_proposals, resize, annotations, pack]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
