"""Objects of single-stage detectors, against plain loops."""

from itertools import product
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmsgg.models.object_sources import SingleStageObjects
from mmsgg.models.object_sources.object_source import score_logits
from mmsgg.models.object_sources.single_stage import inside
from mmsgg.structures import SGDataSample
from mmsgg.structures.bbox import box_ious

NUM_CLASSES = 3


def source(**kwargs):
    detector = SimpleNamespace(bbox_head=object())
    return SingleStageObjects(detector, NUM_CLASSES, **kwargs)


def found(num, seed):
    """Boxes of a detector, some of them in one place."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.rand(4, 2, generator=generator) * 60
    corners = places[torch.randint(4, (num,), generator=generator)]
    corners = corners + torch.rand(num, 2, generator=generator) * 6
    sizes = 20 + torch.rand(num, 2, generator=generator) * 10
    return InstanceData(
        bboxes=torch.cat([corners, corners + sizes], dim=1),
        scores=torch.rand(num, generator=generator),
        labels=torch.randint(NUM_CLASSES, (num,), generator=generator),
    )


def iou(one, other):
    """As the NMS of mmcv has it, where a box ends at its corner."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(width, 0) * max(height, 0)
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return common / (sum(areas) - common)


def slow_clusters(result, merge_iou, max_per_img):
    """Objects, each with {class: (score, box)}, best box first."""
    boxes, scores = result.bboxes.tolist(), result.scores.tolist()
    left = sorted(range(len(boxes)), key=lambda i: -scores[i])
    kept = []
    for i in left:
        if all(iou(boxes[i], boxes[k]) <= merge_iou for k in kept):
            kept.append(i)
    kept = kept[:max_per_img]
    overlaps = box_ious(result.bboxes, result.bboxes)
    clusters = {k: {} for k in kept}
    for i in left:
        owners = [k for k in kept if overlaps[i, k] >= merge_iou]
        if i in kept or owners:
            row = clusters[i if i in kept else owners[0]]
            row.setdefault(int(result.labels[i]), (scores[i], boxes[i]))
    return [(boxes[k], clusters[k]) for k in kept]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 14),
    st.integers(0, 10**4),
    st.sampled_from([3, 64]),
    st.sampled_from([0.3, 0.6, 0.8]),
)
def test_clusters_against_loops(num, seed, max_per_img, merge_iou):
    result = found(num, seed)
    limits = dict(merge_iou=merge_iou, max_per_img=max_per_img)
    objects = source(**limits).cluster(result)
    expected = slow_clusters(result, **limits)
    assert objects.bboxes.tolist() == [box for box, _ in expected]
    scores = objects.logits[:, :-1].sigmoid()
    assert not objects.logits[:, -1].any()
    for i, (box, row) in enumerate(expected):
        for label in range(NUM_CLASSES):
            score, place = row.get(label, (0.0, box))
            assert scores[i, label] == pytest.approx(score, abs=2e-6)
            assert objects.class_bboxes[i, label].tolist() == place


def test_one_place_is_one_object_with_all_it_could_be():
    """NMS within classes leaves one place under two labels."""
    box, near, far = [0.0, 0, 30, 30], [1.0, 0, 31, 30], [60.0, 0, 90, 30]
    result = InstanceData(
        bboxes=torch.tensor([box, near, far]),
        scores=torch.tensor([0.6, 0.8, 0.3]),
        labels=torch.tensor([0, 2, 1]),
    )
    objects = source().cluster(result)
    assert objects.bboxes.tolist() == [near, far]
    assert objects.class_bboxes[0].tolist() == [box, near, near]
    likeliest = objects.logits[:, :-1].argmax(dim=1)
    assert likeliest.tolist() == [2, 1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5), st.integers(0, 9), st.integers(0, 10**4))
def test_given_boxes_take_the_best_candidate(num, num_candidates, seed):
    boxes, candidates = (
        found(num, seed).bboxes,
        found(num_candidates, seed + 1),
    )
    if num_candidates > 3:  # the same box with another label
        candidates.bboxes[1] = candidates.bboxes[0]
    logits = source().classify(boxes, candidates)
    assert logits.shape == (num, NUM_CLASSES + 1)
    overlaps = box_ious(boxes, candidates.bboxes)
    for row, overlap in zip(logits.tolist(), overlaps, strict=True):
        expected = dict.fromkeys(range(NUM_CLASSES), 0.0)
        best = float(overlap.max()) if len(overlap) else 0.0
        for i in range(num_candidates) if best > 0 else ():
            if overlap[i] == best:
                label = int(candidates.labels[i])
                score = float(candidates.scores[i])
                expected[label] = max(expected[label], score)
        scores = torch.tensor(row[:-1]).sigmoid().tolist()
        assert scores == pytest.approx(list(expected.values()), abs=2e-6)


def test_logits_are_those_of_at_most_one_class():
    """P(c | not two at once), by counting all that can be."""
    scores = torch.tensor([[0.2, 0.9, 0.5], [0.01, 0.02, 0.3]])
    probs = score_logits(scores).softmax(dim=1)
    for row, ours in zip(scores.tolist(), probs.tolist(), strict=True):
        worlds = {}
        for present in product([0, 1], repeat=NUM_CLASSES):
            if sum(present) <= 1:
                p = 1.0
                for s, there in zip(row, present, strict=True):
                    p *= s if there else 1 - s
                worlds[present.index(1) if any(present) else NUM_CLASSES] = p
        total = sum(worlds.values())
        expected = [worlds[c] / total for c in range(NUM_CLASSES + 1)]
        assert ours == pytest.approx(expected, rel=1e-4)
    assert score_logits(torch.tensor([[0.0, 1.0, 0.5]])).isfinite().all()


def test_boxes_are_clipped_to_the_image_and_wild_ones_go():
    inf, nan = float('inf'), float('nan')
    result = InstanceData(
        bboxes=torch.tensor(
            [[-5.0, 2, 200, 90], [nan, 0, 1, 1], [0, 0, inf, 9], [1, 1, 2, 2]]
        ),
        labels=torch.arange(4),
    )
    kept = inside(result, (50, 100))
    assert kept.bboxes.tolist() == [[0, 2, 100, 50], [1, 1, 2, 2]]
    assert kept.labels.tolist() == [0, 3]


def test_a_detector_without_boxes_is_refused():
    with pytest.raises(TypeError, match='no boxes to relate'):
        SingleStageObjects(SimpleNamespace(bbox_head=None), NUM_CLASSES)


class Head:
    """Gives back what it was told, in one image, and notes how it was asked.

    The first box reaches far beyond the image of 50 x 100 pixels.
    """

    def __init__(self, **test_cfg):
        self.test_cfg = ConfigDict(test_cfg)
        self.result = InstanceData(
            bboxes=torch.tensor([[60.0, 0, 300, 200], [50, 0, 90, 50]]),
            scores=torch.tensor([0.75, 0.5]),
            labels=torch.tensor([0, 1]),
        )

    def __call__(self, x):
        return (x,)

    def predict(self, x, samples, rescale):
        self.asked = dict(rescale=rescale)
        return [self.result]

    def predict_by_feat(self, x, batch_img_metas, cfg, rescale, with_nms):
        self.asked = dict(
            rescale=rescale, with_nms=with_nms, score_thr=cfg.score_thr
        )
        return [self.result]


class CornerHead(Head):
    def predict_by_feat(self, x, batch_img_metas, rescale):
        self.asked = dict(rescale=rescale)
        return [self.result]


def objects_of(head, given, **kwargs):
    objects = SingleStageObjects(
        SimpleNamespace(bbox_head=head), NUM_CLASSES, **kwargs
    )
    sample = SGDataSample(metainfo=dict(img_shape=(50, 100)))
    return objects.objects((torch.ones(1, 1, 1, 1),), [sample], given)[0]


def test_found_objects_lie_in_the_image():
    head = Head()
    objects = objects_of(head, None)
    assert objects.bboxes.tolist() == [[60, 0, 100, 50], [50, 0, 90, 50]]
    assert head.asked == dict(rescale=False)


@pytest.mark.parametrize('kind', [Head, CornerHead])
def test_given_boxes_are_compared_with_what_is_in_the_image(kind):
    """Of the candidate that reaches out they would have a small share."""
    given = InstanceData(bboxes=torch.tensor([[60.0, 0, 100, 50]]))
    objects = objects_of(kind(), [given])
    scores = objects.logits[0, :-1].sigmoid().tolist()
    assert scores == pytest.approx([0.75, 0, 0], abs=2e-6)


@pytest.mark.parametrize(
    ('test_cfg', 'score_thr'),
    [
        (dict(score_thr=0.05), 0.01),
        (dict(score_thr=0.001), 0.001),
        (dict(), 0),
    ],
)
def test_candidates_are_asked_for_before_the_nms(test_cfg, score_thr):
    given = InstanceData(bboxes=torch.zeros(0, 4))
    head = Head(**test_cfg)
    objects_of(head, [given], candidate_thr=0.01)
    assert head.asked == dict(
        rescale=False, with_nms=False, score_thr=score_thr
    )
    assert head.test_cfg == test_cfg  # the detector's stays


class LearnedHead(Head):
    """Its scores come out of a layer, in the type that autocast chooses."""

    layer = torch.nn.Conv2d(1, 2, 1)

    def __call__(self, x):
        return (self.layer(x[0]).sigmoid().flatten(),)

    def predict(self, x, samples, rescale):
        return self.predict_by_feat(*self(x))

    def predict_by_feat(self, scores, batch_img_metas=None, rescale=False):
        self.result.scores = scores.detach()
        return [self.result]


@pytest.mark.parametrize('boxes', [None, [[60.0, 0, 100, 50]]])
def test_objects_are_the_same_under_autocast(boxes):
    given = boxes and [InstanceData(bboxes=torch.tensor(boxes))]
    plain = objects_of(LearnedHead(), given)
    with torch.autocast('cpu', torch.bfloat16):
        mixed = objects_of(LearnedHead(), given)
    for one, other in zip(plain.values(), mixed.values(), strict=True):
        assert one.dtype == torch.float32
        assert torch.equal(one, other)
