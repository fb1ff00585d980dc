# On Open Images V6, whose unlikely pairs are drawn at random.
_base_ = './sgdet.py'

model = dict(
    detector=dict(bbox_head=dict(num_classes=601)),
    relation_head=dict(
        num_classes=601,
        num_predicates=30,
        random_negatives=True,
        loss_connectivity=dict(
            type='mmdet.CrossEntropyLoss', use_sigmoid=True, loss_weight=90.0
        ),
    ),
)

open_images = dict(
    _delete_=True,
    type='OpenImagesDataset',
    data_root='data/open_images',
    filter_empty_relations=True,
)
test_pipeline = _base_.test_dataloader.dataset.pipeline
train_dataloader = dict(
    dataset=dict(
        split='train',
        pipeline=_base_.train_dataloader.dataset.pipeline,
        **open_images,
    )
)
val_dataloader = dict(
    dataset=dict(
        split='val', test_mode=True, pipeline=test_pipeline, **open_images
    )
)
test_dataloader = dict(
    dataset=dict(
        split='test', test_mode=True, pipeline=test_pipeline, **open_images
    )
)
del open_images, test_pipeline
