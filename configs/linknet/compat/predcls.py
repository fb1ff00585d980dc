# For converted checkpoints of linknet-pytorch (vgrel-N.tar); see
# docs/checkpoints.md.
_base_ = ['../predcls.py', '../../_base_/models/motifs_detector.py']

roi_extractor = _base_.motifs_detector.roi_head.bbox_roi_extractor
model = dict(
    relation_head=dict(
        object_roi_extractor=roi_extractor,
        union_roi_extractor=dict(roi_extractor=roi_extractor, draw_boxes=True),
        global_context=dict(out_channels=None, activation='softmax'),
    ),
    **_base_.motifs_detector,
)

# flipped first: SquareResize pads to the right and below
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='LoadRelationAnnotations'),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='SquareResize', size=592),
    dict(type='PackSGInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='SquareResize', size=592),
    dict(type='LoadRelationAnnotations'),
    dict(type='PackSGInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
