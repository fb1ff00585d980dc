# The same model on detections: relationship and phrase detection.
_base_ = './linknet_boxes.py'

model = dict(task='sgdet', given_pairs=False)

detections = dict(
    type='LoadDetections', ann_file='data/vrd/detections_test.json'
)
test_set = _base_.test_dataloader.dataset
test_dataloader = dict(dataset=dict(pipeline=[detections, *test_set.pipeline]))
recalls = dict(
    type='SceneGraphMetric',
    metrics=('pooled-R', 'pooled-phr-R'),
    topk=(50, 100),
)
test_evaluator = [
    recalls,
    dict(prefix='k=70', predicates_per_pair=70, **recalls),
]
del detections, test_set, recalls
