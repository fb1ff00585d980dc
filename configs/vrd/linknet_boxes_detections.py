# The same model on detections: relationship and phrase detection.
_base_ = './linknet_boxes.py'

model = dict(task='sgdet', given_pairs=False)

data_root = 'data/vrd'
pipeline = [
    dict(type='LoadDetections', ann_file=f'{data_root}/detections_test.json'),
    *_base_.pipeline,
]
test_dataloader = dict(dataset=dict(pipeline=pipeline))
recalls = dict(
    type='SceneGraphMetric',
    metrics=('pooled-R', 'pooled-phr-R'),
    topk=(50, 100),
)
test_evaluator = [
    recalls,
    dict(prefix='k=70', predicates_per_pair=70, **recalls),
]
