# Images as DETR makes them, for a detector: as in vg150_relation_detr.py, and
# half of those in training with a part cut out.
_base_ = './vg150_detection.py'

# no 'flip': test images are not augmented
meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')
short_sides = [
    [dict(type='TruncatedResize', size=size, max_size=1333)]
    for size in range(480, 801, 32)
]
smaller = [
    [dict(type='TruncatedResize', size=size, max_size=10000)]
    for size in (400, 500, 600)
]
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(
        type='mmcv.RandomChoice',
        transforms=[
            [dict(type='mmcv.RandomChoice', transforms=short_sides)],
            [
                dict(type='mmcv.RandomChoice', transforms=smaller),
                dict(
                    type='mmdet.RandomCrop',
                    crop_type='absolute_range',
                    crop_size=(384, 600),
                    allow_negative_crop=True,
                ),
                dict(type='mmcv.RandomChoice', transforms=short_sides),
            ],
        ],
    ),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='TruncatedResize', size=800, max_size=1333),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(type='mmdet.PackDetInputs', meta_keys=meta_keys),
]
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
del short_sides, smaller, train_pipeline, test_pipeline, meta_keys
