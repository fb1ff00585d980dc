"""Random small samples that are rich in ties, duplicates and empty parts."""

import numpy as np
from hypothesis import strategies as st

NUM_CLASSES, NUM_PREDICATES = 2, 3


def make_sample(rng, num_gt, num_relations, num_pred, scored, same_objects):
    """One sample of arrays; boxes on a coarse grid, scores in quarters."""
    gt_boxes, gt_labels = _boxes(rng, num_gt), _labels(rng, num_gt)
    if same_objects:
        num_pred = num_gt
        boxes, labels = gt_boxes, gt_labels
    else:
        boxes, labels = _boxes(rng, num_pred), _labels(rng, num_pred)
        near = min(num_gt, num_pred)  # some predictions near the truth
        shift = rng.integers(-1, 2, (near, 4))
        boxes[:near] = gt_boxes[:near] + shift
        labels[:near] = gt_labels[:near]
    if num_gt == 0:
        num_relations = 0
    pairs = np.argwhere(~np.eye(num_pred, dtype=bool)).reshape(-1, 2)
    pairs = rng.permutation(pairs)[: rng.integers(len(pairs) + 1)]
    relations = dict(
        pairs=pairs,
        predicate_scores=_quarters(rng, (len(pairs), NUM_PREDICATES)),
    )
    if scored:
        relations['scores'] = _quarters(rng, len(pairs))
    return dict(
        gt_instances=dict(bboxes=gt_boxes, labels=gt_labels),
        gt_relations=dict(
            pairs=rng.integers(0, max(num_gt, 1), (num_relations, 2)),
            labels=rng.integers(0, NUM_PREDICATES, num_relations),
        ),
        pred_instances=dict(
            bboxes=boxes, labels=labels, scores=_quarters(rng, num_pred)
        ),
        pred_relations=relations,
    )


@st.composite
def samples(draw, same_objects=False):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = st.tuples(
        st.integers(0, 4), st.integers(0, 6), st.integers(0, 4), st.booleans()
    )
    return [
        make_sample(rng, *size, same_objects)
        for size in draw(st.lists(sizes, min_size=1, max_size=5))
    ]


def _boxes(rng, n):
    corner = rng.integers(0, 4, (n, 2))
    return np.concatenate([corner, corner + rng.integers(1, 6, (n, 2))], 1)


def _labels(rng, n):
    return rng.integers(0, NUM_CLASSES, n)


def _quarters(rng, shape):
    return (rng.integers(0, 5, shape) / 4).astype(np.float32)
