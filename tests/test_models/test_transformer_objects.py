"""Objects of detection transformers: what their queries found."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import InstanceData

from mmsgg.models.object_sources import TransformerObjects
from mmsgg.structures import SGDataSample
from mmsgg.structures.bbox import box_ious

NUM_CLASSES = 2


class Head:
    """Gives back what it was told, as the last of two decoder layers."""

    def __init__(self, scores, boxes, sigmoid):
        self.loss_cls = SimpleNamespace(use_sigmoid=sigmoid)
        self.layers = scores, boxes

    def forward(self, hidden_states, references):
        assert references == 'references'
        scores, boxes = self.layers
        return (
            torch.stack([torch.full_like(scores, 9), scores]),
            torch.stack([torch.zeros_like(boxes), boxes]),
        )

    __call__ = forward


def source(scores, boxes, sigmoid=False, **kwargs):
    states = torch.arange(scores.shape[1] * 3.0).reshape(1, -1, 3)
    states = states.repeat(len(scores), 1, 1)
    detector = SimpleNamespace(
        bbox_head=Head(scores, boxes, sigmoid),
        forward_transformer=lambda x, samples: dict(
            hidden_states=torch.stack([-states, states]),
            references='references',
            enc_outputs_class='not for the head',
        ),
    )
    return TransformerObjects(detector, NUM_CLASSES, **kwargs)


def samples(*shapes):
    return [SGDataSample(metainfo=dict(img_shape=s)) for s in shapes]


# centre and size, as shares of the image
BOXES = torch.tensor(
    [[[0.5, 0.5, 0.2, 0.4], [0.5, 0.5, 0.21, 0.4], [0.1, 0.1, 0.4, 0.1]]]
)
PIXELS = [[40.0, 15, 60, 35], [39.5, 15, 60.5, 35], [0, 2.5, 30, 7.5]]
LOGITS = torch.tensor([[[2.0, 0, 1], [3, 0, 1], [0, 1, 1]]])


def test_half_precision_does_not_round_the_size_of_the_image():
    """A bfloat16 333 is 332; autocast gives such boxes and logits."""
    half = torch.bfloat16
    whole = torch.tensor([[[0.5, 0.5, 1, 1]]], dtype=half)
    [image] = source(LOGITS[:, :1].to(half), whole).queries(
        (), samples((333, 1333))
    )
    assert image.bboxes.tolist() == [[0, 0, 1333, 333]]


def test_queries_become_boxes_in_pixels_and_logits():
    [queries] = source(LOGITS, BOXES).queries((), samples((50, 100)))
    torch.testing.assert_close(queries.bboxes, torch.tensor(PIXELS))
    assert torch.equal(queries.logits, LOGITS[0])
    assert queries.features.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    [queries] = source(LOGITS[..., :2], BOXES, sigmoid=True).queries(
        (), samples((50, 100))
    )
    torch.testing.assert_close(queries.logits[:, :2], LOGITS[0, :, :2])
    assert not queries.logits[:, 2].any()


def test_each_image_has_its_own_size():
    both = source(LOGITS.repeat(2, 1, 1), BOXES.repeat(2, 1, 1))
    one, other = both.queries((), samples((50, 100), (100, 50)))
    torch.testing.assert_close(one.bboxes, torch.tensor(PIXELS))
    assert other.bboxes[0].tolist() == pytest.approx([20, 30, 30, 70])


def test_the_best_queries_are_objects_each_place_once():
    objects = source(LOGITS, BOXES)
    [found] = objects.objects((), samples((50, 100)), None)
    # two are one class in one place, and the second of them is surer
    torch.testing.assert_close(found.bboxes, torch.tensor(PIXELS[1:]))
    places = found.bboxes[:, None].repeat(1, NUM_CLASSES, 1)
    assert torch.equal(found.class_bboxes, places)
    assert torch.equal(found.logits, LOGITS[0, 1:])
    assert found.features.tolist() == [[3, 4, 5], [6, 7, 8]]
    [best] = source(LOGITS, BOXES, max_per_img=1).objects(
        (), samples((50, 100)), None
    )
    assert torch.equal(best.bboxes, found.bboxes[:1])
    [each] = source(LOGITS, BOXES, merge_iou=0.96).objects(
        (), samples((50, 100)), None
    )
    assert len(each) == 3
    [none] = source(LOGITS, BOXES, score_thr=1.0).objects(
        (), samples((50, 100)), None
    )
    assert len(none) == 0 and none.features.shape == (0, 3)


def test_a_query_at_the_score_threshold_is_no_object():
    logits = torch.tensor([[[0.0, 0, -1e9]]])  # a half each
    for score_thr, number in ((0.5, 0), (0.49, 1)):
        [found] = source(logits, BOXES[:, :1], score_thr=score_thr).objects(
            (), samples((50, 100)), None
        )
        assert len(found) == number


def test_one_place_may_hold_objects_of_two_classes():
    logits = torch.tensor([[[2.0, 0, 1], [0, 3, 1], [0, 1, 1]]])
    [found] = source(logits, BOXES).objects((), samples((50, 100)), None)
    assert torch.equal(found.logits, logits[0, [1, 0, 2]])


def test_queries_that_ddq_drops_do_not_count():
    """It says so for each head of each image, in the last layer's mask."""
    objects = source(LOGITS.repeat(2, 1, 1), BOXES.repeat(2, 1, 1))
    kept = torch.tensor([[True, False, True], [False, True, True]])
    mask = kept.repeat_interleave(2, dim=0)[:, None].expand(4, 3, 3)
    objects.detector.bbox_head.cache_dict = dict(
        num_heads=2, distinct_query_mask=[~mask, mask]
    )
    one, other = objects.queries((), samples((50, 100), (50, 100)))
    assert torch.equal(one.logits, LOGITS[0, [0, 2]])
    assert other.features.tolist() == [[3, 4, 5], [6, 7, 8]]


@pytest.mark.parametrize('labels', [None, torch.tensor([1, 0, 1])])
def test_given_boxes_take_the_nearest_query(labels):
    boxes = torch.tensor(
        [[0.0, 0, 20, 10], [80, 40, 90, 50], [41, 15, 60, 34]]
    )
    given = InstanceData(bboxes=boxes)
    if labels is not None:
        given.labels = labels
    [objects] = source(LOGITS, BOXES).objects((), samples((50, 100)), [given])
    assert torch.equal(objects.bboxes, boxes)
    overlaps = box_ious(boxes, torch.tensor(PIXELS))
    nearest = overlaps.argmax(dim=1).tolist()
    assert nearest[0] == 2 and nearest[2] == 0
    assert torch.equal(objects.logits[0], LOGITS[0, 2])
    assert torch.equal(objects.logits[2], LOGITS[0, 0])
    # nothing is seen where no query is
    assert objects.logits[1].softmax(dim=0)[-1] > 0.99
    assert ('labels' in objects) == (labels is not None)
    assert objects.features[0].tolist() == [6, 7, 8]


def test_no_given_box_at_all():
    given = InstanceData(bboxes=torch.zeros(0, 4))
    [objects] = source(LOGITS, BOXES).objects((), samples((9, 9)), [given])
    assert objects.logits.shape == (0, NUM_CLASSES + 1)
