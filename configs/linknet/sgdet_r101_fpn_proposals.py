# Boxes from files in place of the RPN's. A file holds for each image, by
# its name such as VG_100K/1.jpg, bboxes (n, 4), original-image pixels, and
# scores (n,), as the metric `DumpProposals` writes them of the test set of a
# config.
_base_ = './sgdet_r101_fpn.py'

model = dict(detector=dict(rpn_head=None))

image = dict(type='LoadImageFromFile')
annotations = dict(type='LoadRelationAnnotations')
# plain transforms leave proposals as they are
scale = dict(type='mmdet.Resize', scale=(592, 592), keep_ratio=True)
flip = dict(type='mmdet.RandomFlip', prob=0.5)
resize = dict(type='mmdet.ProposalBroadcaster', transforms=[scale])
augment = dict(type='mmdet.ProposalBroadcaster', transforms=[scale, flip])
pack = dict(type='PackSGInputs')
train, val, test = (
    dict(
        type='LoadProposals',
        num_max_proposals=1000,
        proposal_file=f'data/vg/proposals_{split}.npz',
    )
    for split in ('train', 'val', 'test')
)
train_dataloader = dict(
    dataset=dict(pipeline=[image, train, annotations, augment, pack])
)
val_dataloader = dict(
    dataset=dict(pipeline=[image, val, resize, annotations, pack])
)
test_dataloader = dict(
    dataset=dict(pipeline=[image, test, resize, annotations, pack])
)
del image, annotations, scale, flip, resize, augment, pack, train, val, test
