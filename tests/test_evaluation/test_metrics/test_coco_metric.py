"""CocoMetric on samples, which bring their annotation along."""

import pytest
import torch
from mmengine.structures import InstanceData

from mmsgg.evaluation.metrics import CocoMetric
from mmsgg.registry import METRICS
from mmsgg.structures import SGDataSample


def sample(img_id, bboxes, labels, ignored=()):
    """A sample whose detections are its annotation."""
    bboxes, labels = torch.tensor(bboxes).float(), torch.tensor(labels)
    found = SGDataSample(metainfo=dict(img_id=img_id, ori_shape=(50, 60)))
    found.gt_instances = InstanceData(bboxes=bboxes, labels=labels)
    scores = torch.ones(len(labels))
    found.pred_instances = InstanceData(
        bboxes=bboxes.clone(), labels=labels.clone(), scores=scores
    )
    found.ignored_instances = InstanceData(
        bboxes=torch.tensor(ignored).float().reshape(-1, 4),
        labels=torch.zeros(len(ignored), dtype=torch.long),
    )
    return found


def score(*samples):
    metric = METRICS.build(dict(type='CocoMetric'))
    assert type(metric) is CocoMetric
    metric.dataset_meta = dict(classes=('cat', 'hat', 'rat'))
    metric.process({}, [one.to_dict() for one in samples])
    return metric.evaluate(size=len(samples))['coco/bbox_mAP']


def test_what_is_annotated_is_found():
    one = sample(7, [[1, 2, 30, 40], [5, 5, 20, 20]], [0, 2])
    other = sample(3, [[0, 0, 10, 10]], [2])
    assert score(one, other) == 1
    other.pred_instances.labels[:] = 0
    assert score(one, other) < 1


@pytest.mark.parametrize('ids', [(0, 1), (0, 0), ('a', 'a'), (7, 'a')])
def test_images_of_one_id_stay_apart(ids):
    first, second, third = (
        sample(img_id, [[1, 2, 30, 40]], [label])
        for img_id, label in zip((*ids, 2), (0, 1, 2), strict=True)
    )
    assert score(first, second, third) == 1
    # what is in one image is found in the other
    for one, other in ((first, second), (second, first)):
        one.pred_instances.labels = other.gt_instances.labels
    assert score(first, second, third) == pytest.approx(1 / 3, abs=1e-3)


def test_a_detection_in_a_region_to_ignore_is_no_error():
    scores = []
    for ignored in ((), [[20, 20, 58, 48]]):
        one = sample(7, [[1, 2, 18, 18]], [0], ignored)
        extra = InstanceData(
            bboxes=torch.tensor([[22.0, 22, 40, 40]]),
            labels=torch.tensor([0]),
            scores=torch.tensor([2.0]),
        )
        one.pred_instances = InstanceData.cat([one.pred_instances, extra])
        scores.append(score(one))
    assert scores == [pytest.approx(0.5, abs=0.01), 1]


def test_a_file_is_refused():
    with pytest.raises(ValueError, match=r"leave out ann_file='a\.json'"):
        CocoMetric(ann_file='a.json')
