"""F, phrase, pooled and grouped recalls, and the values behind the means."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsgg.evaluation import SceneGraphMetric

from .random_graphs import NUM_PREDICATES, make_sample, samples
from .slow_recall import constrained, group_mean, slow_recalls, unconstrained

METRICS = (
    'F', 'ng-F', 'phr-R', 'ng-phr-R', 'pooled-R', 'pooled-phr-R', 'R', 'mR',
    'ng-mR',
)  # fmt: skip
TOPK = (1, 2, 4, 100)
GROUPS = dict(head=[1], rest=[2, 0])


def evaluate(data_samples, metrics=METRICS, names=None, **kwargs):
    metric = SceneGraphMetric(metrics, **dict(topk=TOPK) | kwargs)
    metric.dataset_meta = names and dict(predicates=names)
    for sample in data_samples:
        metric.process(None, [sample])
    results = metric.evaluate(len(data_samples))
    return results, metric


def assert_equal(results, expected):
    assert results.keys() == expected.keys()
    for name, value in expected.items():
        assert results[name] == pytest.approx(
            value, abs=1e-12, rel=0, nan_ok=True
        ), name


def graph(boxes, labels, pairs, predicate_scores, gt_rows):
    """Predictions on the true boxes; rows [subject, object, predicate]."""
    boxes, gt = np.array(boxes), np.array(gt_rows).reshape(-1, 3)
    return dict(
        gt_instances=dict(bboxes=boxes, labels=np.array(labels)),
        gt_relations=dict(pairs=gt[:, :2], labels=gt[:, 2]),
        pred_instances=dict(
            bboxes=boxes, labels=np.array(labels), scores=np.ones(len(boxes))
        ),
        pred_relations=dict(
            pairs=np.array(pairs), predicate_scores=np.array(predicate_scores)
        ),
    )


@settings(max_examples=60, deadline=None)
@given(samples(), st.integers(1, NUM_PREDICATES + 1))
def test_equals_plain_loops(data_samples, few):
    results, _ = evaluate(data_samples, predicates_per_pair=few)
    expected = slow_recalls(
        data_samples, METRICS, TOPK, None, NUM_PREDICATES, few=few
    )
    assert_equal(results, expected)


@settings(max_examples=30, deadline=None)
@given(samples())
def test_groups_equal_plain_loops(data_samples):
    metrics = ('mR', 'ng-mR')
    results, _ = evaluate(data_samples, metrics, predicate_groups=GROUPS)
    expected = slow_recalls(data_samples, metrics, TOPK, None, NUM_PREDICATES)
    for k in TOPK:
        for name, rank in (('mR', constrained), ('ng-mR', unconstrained)):
            for group, members in GROUPS.items():
                expected[f'{name}-{group}@{k}'] = group_mean(
                    data_samples, rank, k, 0.5, members
                )
    assert_equal(results, expected)


@settings(max_examples=30, deadline=None)
@given(samples(), st.randoms(use_true_random=False))
def test_order_of_images_changes_no_bit(data_samples, random):
    shuffled = random.sample(data_samples, len(data_samples))
    kwargs = dict(predicates_per_pair=2, predicate_groups=GROUPS)
    np.testing.assert_equal(
        evaluate(shuffled, **kwargs)[0], evaluate(data_samples, **kwargs)[0]
    )


@settings(max_examples=30, deadline=None)
@given(samples(same_objects=True))
def test_means_of_image_and_predicate_recalls(data_samples):
    for i, sample in enumerate(data_samples):
        sample['img_id'] = f'picture {i}'
    metrics = ('R', 'ng-R', 'mR', 'ng-mR', 'zR', 'A', 'phr-R')
    results, metric = evaluate(
        data_samples, metrics, classwise=True,
        zero_shot_triplets=[[0, 0, 0], [0, 1, 2], [1, 1, 1]],
    )  # fmt: skip
    values = metric.image_recalls
    assert values['img_id'] == [s['img_id'] for s in data_samples]
    assert {*values} - {'img_id'} == {
        f'{name}@{k}' for name in set(metrics) - {'mR', 'ng-mR'} for k in TOPK
    }
    for k in TOPK:
        for name in ('R', 'ng-R', 'zR', 'phr-R'):
            known = values[f'{name}@{k}']
            known = known[~np.isnan(known)]
            mean = known.mean() if len(known) else math.nan
            assert results[f'{name}@{k}'] == pytest.approx(mean, nan_ok=True)
        table = metric.predicate_recalls
        if table['relations'].sum():
            recalls = np.nan_to_num(table[f'ng-R@{k}'])
            assert results[f'ng-mR@{k}'] == pytest.approx(recalls.mean())


def test_table_of_predicates_only_where_asked():
    sample = make_sample(np.random.default_rng(2), 3, 4, 3, True, False)
    names = ['on', 'has', 'in']
    _, metric = evaluate([sample], ('R',), names, topk=5)
    assert metric.predicate_recalls == {}
    _, metric = evaluate([sample], ('R',), names, topk=5, classwise=True)
    table = metric.predicate_recalls
    assert list(table) == ['predicate', 'relations', 'R@5']
    assert table['predicate'] == names
    labels = sample['gt_relations']['labels']
    assert table['relations'].tolist() == np.bincount(labels, None, 3).tolist()
    assert np.isnan(table['R@5'][table['relations'] == 0]).all()


def test_phrase_needs_only_the_box_around_both():
    sample = graph(
        [[0, 0, 9, 9], [20, 0, 29, 9]], [0, 1], [[0, 1]], [[0.9]], [[0, 1, 0]]
    )
    sample['pred_instances']['bboxes'] = np.array(
        [[0, 0, 2, 9], [9, 0, 29, 9]]
    )
    results, _ = evaluate([sample], ('R', 'phr-R'), topk=1)
    assert results == {'R@1': 0.0, 'phr-R@1': 1.0}
    # the class of the subject still counts
    sample['pred_instances']['labels'] = np.array([1, 1])
    assert evaluate([sample], ('phr-R',), topk=1)[0] == {'phr-R@1': 0.0}


def test_triplet_uses_up_one_row_when_pooled():
    boxes = [[0, 0, 9, 9], [0, 0, 9, 8], [20, 0, 29, 9]]
    rows = [[0, 2, 0], [1, 2, 0]]  # two subjects at nearly one place
    once = graph(boxes, [0, 0, 1], [[1, 2]], [[0.9]], rows)
    results, _ = evaluate([once], ('R', 'pooled-R'), topk=5)
    assert results == {'R@5': 1.0, 'pooled-R@5': 0.5}
    # each takes the row that it covers best, so that one is left for the other
    both = graph(boxes, [0, 0, 1], [[1, 2], [0, 2]], [[0.9], [0.8]], rows)
    results, metric = evaluate([both, once], ('pooled-R',), topk=(1, 5))
    assert results == {'pooled-R@1': 0.5, 'pooled-R@5': 0.75}
    assert metric.image_recalls['pooled-R@5'].tolist() == [1.0, 0.5]


def test_several_predicates_of_a_pair():
    rows = [[0, 1, 0], [0, 1, 1], [0, 1, 2]]
    boxes = [[0, 0, 9, 9], [20, 0, 29, 9]]
    sample = graph(boxes, [0, 1], [[0, 1]], [[0.5, 0.3, 0.2]], rows)
    for few, recall in ((1, 1 / 3), (2, 2 / 3), (3, 1.0), (70, 1.0)):
        results, _ = evaluate(
            [sample], ('pooled-R',), topk=9, predicates_per_pair=few
        )
        assert results == {'pooled-R@9': recall}


def test_nothing_to_recall_and_nothing_recalled():
    sample = make_sample(np.random.default_rng(0), 3, 0, 3, True, False)
    results, _ = evaluate([sample], predicate_groups=GROUPS)
    assert all(math.isnan(value) for value in results.values())
    sample = graph(
        [[0, 0, 9, 9], [20, 0, 29, 9]], [0, 1], np.zeros((0, 2), int),
        np.zeros((0, 3)), [[0, 1, 0]],
    )  # fmt: skip
    results, _ = evaluate([sample], predicate_groups=GROUPS)
    assert set(results.values()) == {0.0}
    sample['pred_relations']['predicate_scores'] = np.zeros(0)  # P unknown
    results, _ = evaluate([sample], predicate_groups=dict(head=[7]))
    assert set(results.values()) == {0.0}


def test_groups_by_name():
    sample = make_sample(np.random.default_rng(2), 3, 4, 3, True, False)
    names = ['on', 'has', 'in']
    by_name = dict(head=['has'], rest=['in', 'on'])
    expected, _ = evaluate([sample], ('mR',), predicate_groups=GROUPS)
    results, _ = evaluate([sample], ('mR',), names, predicate_groups=by_name)
    assert results == expected
    assert list(results)[:3] == ['mR@1', 'mR-head@1', 'mR-rest@1']


@pytest.mark.parametrize(
    ('members', 'message'),
    [
        (['on', 'haas'], r"'head'.*'haas'.*did you mean 'has'"),
        ([0, 3], r'number 3, but there are 3 predicates, counted from 0'),
        ([-1], 'number -1'),
        (['on', 0], 'lists a predicate twice'),
        ([], 'must be a list of predicates'),
        ('on', 'must be a list of predicates'),
    ],
)
def test_groups_are_checked_at_the_first_image(members, message):
    sample = make_sample(np.random.default_rng(2), 3, 4, 3, True, False)
    metric = SceneGraphMetric(('mR',), predicate_groups=dict(head=members))
    metric.dataset_meta = dict(predicates=('on', 'has', 'in'))
    with pytest.raises(ValueError, match=message):
        metric.process(None, [sample])


def test_names_need_a_data_set_that_has_them():
    sample = make_sample(np.random.default_rng(2), 3, 4, 3, True, False)
    with pytest.raises(ValueError, match='give numbers'):
        evaluate([sample], ('mR',), predicate_groups=dict(head=['on']))


def test_arguments_that_have_no_effect_are_refused():
    with pytest.raises(ValueError, match='needs mR or ng-mR'):
        SceneGraphMetric(('R',), predicate_groups=GROUPS)
    with pytest.raises(ValueError, match='predicates_per_pair'):
        SceneGraphMetric(('pooled-R',), predicates_per_pair=0)
