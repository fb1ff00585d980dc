import numpy as np
import pytest

from mmsgg.evaluation import functional as F


@pytest.mark.parametrize(('iou_thr', 'num'), [(0.49, 2), (0.5, 2), (0.51, 1)])
def test_objects_match_from_the_threshold_on(iou_thr, num):
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 4]])  # the second is half
    match = F.match_objects(
        boxes, np.array([3, 3]), boxes[:1], np.array([3]), iou_thr
    )
    assert match.sum() == num
    other = F.match_objects(boxes, np.array([3, 3]), boxes, np.array([4, 4]))
    assert not other.any()


def test_triplet_may_hit_several_relations():
    hits = F.match_triplets(
        np.ones((2, 3), dtype=bool),
        np.array([[0, 1]]),
        np.array([4]),
        np.array([[0, 1], [0, 2], [2, 1], [0, 1]]),
        np.array([4, 4, 4, 3]),
    )
    np.testing.assert_array_equal(hits, [[True, True, True, False]])


def test_first_hits_without_triplets_or_relations():
    never = F.first_hits(np.zeros((0, 2), dtype=bool))
    assert never.tolist() == [F.NO_HIT, F.NO_HIT]
    assert F.first_hits(np.zeros((4, 0), dtype=bool)).shape == (0,)
