import numpy as np

from mmsgg.evaluation import functional as F


def test_sums_do_not_depend_on_the_order_of_images():
    rng = np.random.default_rng(0)
    images = np.repeat(np.arange(200), rng.integers(1, 12, 200))
    ranks = rng.integers(0, 10, len(images))
    predicates = rng.integers(0, 4, len(images))
    for k in range(1, 9):
        other = rng.permutation(200)[images]
        order = np.argsort(other, kind='stable')
        shuffled = ranks[order], other[order]
        assert F.image_recall(ranks, images, k) == F.image_recall(*shuffled, k)
        np.testing.assert_array_equal(
            F.predicate_recall(ranks, images, predicates, 4, k),
            F.predicate_recall(*shuffled, predicates[order], 4, k),
        )
