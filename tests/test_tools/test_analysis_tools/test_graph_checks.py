"""Checks on arrays that no reader has looked at."""

import numpy as np
import pytest

from mmsgg.datasets import SceneGraphArrays

from ...scripts import load_tool

checks = load_tool('analysis_tools/dataset_checks')
box_problems, repeated_rows = (
    checks.graphs.box_problems,
    checks.graphs.repeated_rows,
)


def graphs(**changes):
    """Two images of 50 x 40 pixels, the second without a relation."""
    arrays = dict(
        img_ids=np.array([11, 12]),
        heights=np.array([40, 40]),
        widths=np.array([50, 50]),
        boxes=np.array([[0, 0, 9, 9], [5, 5, 50, 40], [0, 0, 9, 9.0]]),
        labels=np.array([0, 1, 0]),
        box_starts=np.array([0, 2, 3]),
        pairs=np.array([[0, 1], [1, 0]]),
        predicates=np.array([0, 0]),
        relation_starts=np.array([0, 2, 2]),
    )
    return SceneGraphArrays(**arrays | changes)


def problems(found):
    report = checks.ProblemReport()
    checks.check_graphs(
        report, 'train', found, num_classes=2, num_predicates=1
    )
    checks.check_self_relations(report, 'train', found)
    return report.examples


def test_nothing_wrong():
    assert problems(graphs()) == {}


def test_no_images_at_all():
    none = np.zeros(0, dtype=np.int64)
    assert problems(graphs().take(none)) == {
        'no images in the split': ['train']
    }


@pytest.mark.parametrize(
    'change, kind, words',
    [
        (
            dict(labels=np.array([0, 1, 2])),
            'class out of range',
            'item 1 (image 12) box 0: class 2, outside 0..1',
        ),
        (
            dict(predicates=np.array([0, -1])),
            'predicate out of range',
            'item 0 (image 11) relation 1: predicate -1, outside 0..0',
        ),
        (
            dict(pairs=np.array([[0, 1], [1, 2]])),
            'pair out of range',
            'item 0 (image 11) relation 1: boxes [1, 2] of 2',
        ),
        (
            dict(pairs=np.array([[0, 1], [1, 1]])),
            'relation of a box to itself',
            'item 0 (image 11) relation 1: boxes [1, 1] of 2',
        ),
        (
            dict(pairs=np.array([[0, 1], [0, 1]])),
            'duplicate relation',
            'item 0 (image 11) relation 1: boxes [0, 1]',
        ),
        (
            dict(img_ids=np.array(['7', '7'])),
            'image twice in a split',
            'item 1: image 7 came before',
        ),
        (
            dict(heights=np.array([40, 0])),
            'image size not positive',
            'item 1 (image 12) is 50 x 0 pixels',
        ),
    ],
)
def test_one_problem(change, kind, words):
    (example,) = problems(graphs(**change))[kind]
    assert words in example and example.startswith('train ')


def test_boxes():
    boxes = np.array(
        [
            [-0.9, 0, 50.9, 40],
            [-1.1, 0, 50, 40],
            [0, 0, 50, 42],
            [60, 0, 70, 40],
            [5, 5, 5, 9],
            [9, 5, 5, 9],
            [np.nan, 0, 50, 40],
        ]
    )
    useless, out = box_problems(boxes, np.full(7, 50), np.full(7, 40))
    assert useless.tolist() == [False] * 3 + [True] * 4
    assert out.tolist() == [False, True, True] + [False] * 4


def test_repeated_rows_against_a_slow_search():
    rows = np.random.default_rng(0).integers(0, 3, (60, 3))
    seen, slow = set(), []
    for i, row in enumerate(map(tuple, rows.tolist())):
        slow += [i] * (row in seen)
        seen.add(row)
    assert repeated_rows(rows).tolist() == slow
    assert repeated_rows(rows[:0]).tolist() == []


def test_report_keeps_a_few_examples():
    report = checks.ProblemReport(max_examples=2)
    report.add('duplicate box', range(4), lambda row: f'row {row}')
    report.add_one('missing image', 'gone.jpg')
    text = str(report)
    assert 'row 1\n  ... and 2 more' in text and 'row 2' not in text
    assert text.index('ERROR: missing image (1)') < text.index('warning: dup')
    assert text.endswith(
        '1 errors, 4 warnings: fix the errors before training'
    )
    assert 'fix: fetch the file, or correct' in text
    with pytest.raises(KeyError):
        report.add_one('sunshine', 'not a problem')
