# Boxes from elsewhere in place of the RPN's: a pickle {'VG_100K/1.jpg':
# dict(bboxes (n, 4) original-image pixels, scores (n,)), ...} as metric
# `mmdet.DumpProposals` writes it, of the images of all splits.
_base_ = './sgdet_r101-fpn.py'

model = dict(rpn_head=None)

load_proposals = dict(
    type='LoadProposals',
    proposal_file='data/vg/proposals.pkl',
    num_max_proposals=1000,
)
# a plain Resize leaves proposals as they are
resize = dict(
    type='mmdet.ProposalBroadcaster',
    transforms=[dict(type='mmdet.Resize', scale=(592, 592), keep_ratio=True)],
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    load_proposals,
    dict(type='LoadRelationAnnotations'),
    resize,
    dict(type='PackSGInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    load_proposals,
    resize,
    dict(type='LoadRelationAnnotations'),
    dict(type='PackSGInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
