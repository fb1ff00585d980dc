import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData

from mmsgg.evaluation import SceneGraphMetric
from mmsgg.evaluation.functional import predicted_graph
from mmsgg.structures import SGDataSample

from ...folders import REFERENCE
from .random_graphs import NUM_PREDICATES, make_sample, samples
from .slow_recall import slow_recalls

ZERO_SHOT = [[0, 0, 0], [0, 1, 2], [1, 0, 1], [1, 1, 1], [1, 1, 2]]
GENERAL = ('R', 'ng-R', 'mR', 'ng-mR', 'zR', 'ng-zR')
TOPK = (1, 2, 4, 100)


def build(metrics=GENERAL, **kwargs):
    kwargs = dict(topk=TOPK, zero_shot_triplets=ZERO_SHOT) | kwargs
    return SceneGraphMetric(metrics=metrics, **kwargs)


def evaluate(data_samples, metrics=GENERAL, **kwargs):
    metric = build(metrics, **kwargs)
    for sample in data_samples:
        metric.process(None, [sample])
    return metric.evaluate(len(data_samples))


def assert_equal(results, expected, tolerance=1e-12):
    assert results.keys() == expected.keys()
    for name, value in expected.items():
        assert results[name] == pytest.approx(
            value, abs=tolerance, rel=0, nan_ok=True
        ), name


def slow(data_samples, metrics):
    zero_shot = {tuple(row) for row in ZERO_SHOT}
    return slow_recalls(data_samples, metrics, TOPK, zero_shot, NUM_PREDICATES)


def one_hit():
    """Two objects, one relation, which the better of two pairs predicts."""
    boxes, labels = np.array([[0, 0, 9, 9], [20, 0, 29, 9]]), np.array([0, 1])
    return dict(
        gt_instances=dict(bboxes=boxes, labels=labels),
        gt_relations=dict(pairs=np.array([[0, 1]]), labels=np.array([2])),
        pred_instances=dict(bboxes=boxes, labels=labels, scores=np.ones(2)),
        pred_relations=dict(
            pairs=np.array([[0, 1], [1, 0]]),
            predicate_scores=np.array([[0.1, 0.2, 0.6], [0.3, 0.3, 0.3]]),
        ),
    )


def reference_samples(data, task):
    """The graphs of a task in the reference file, labels from 0."""
    data_samples = []
    while f'{task}/{len(data_samples)}/boxes' in data:
        graph = f'{task}/{len(data_samples)}'
        relations = data[f'{graph}/gt_relations']
        data_samples.append(
            dict(
                gt_instances=dict(
                    bboxes=data[f'{graph}/gt_boxes'],
                    labels=data[f'{graph}/gt_labels'] - 1,
                ),
                gt_relations=dict(
                    pairs=relations[:, :2], labels=relations[:, 2] - 1
                ),
                pred_instances=dict(
                    bboxes=data[f'{graph}/boxes'],
                    labels=data[f'{graph}/labels'] - 1,
                    scores=data[f'{graph}/scores'],
                ),
                pred_relations=dict(
                    pairs=data[f'{graph}/pairs'],
                    predicate_scores=data[f'{graph}/predicate_probs'][:, 1:],
                ),
            )
        )
    return data_samples


@pytest.mark.parametrize('task', ['predcls', 'sgcls', 'sgdet'])
def test_equals_reference_evaluators(task):
    data = np.load(REFERENCE / 'scene_graph_recall.npz')
    expected = json.loads(str(data[f'{task}/expected']))
    metrics, topk = zip(*(key.split('@') for key in expected), strict=True)
    data_samples = reference_samples(data, task)
    assert data_samples and {*GENERAL} <= {*metrics}
    metric = build(
        tuple(dict.fromkeys(metrics)),
        topk=sorted({*map(int, topk)}),
        zero_shot_triplets=data[f'{task}/zero_shot_triplets'] - 1,
        classwise=True,
    )
    metric.process(None, data_samples)
    results = metric.evaluate(len(data_samples))
    assert_equal(results, expected, tolerance=1e-9)
    for kind, arrays in (
        ('per_image', metric.image_recalls),
        ('per_predicate', metric.predicate_recalls),
    ):
        prefix = f'{task}/{kind}_'
        names = [key for key in data if key.startswith(prefix)]
        assert names
        for name in names:
            np.testing.assert_allclose(
                arrays[name.removeprefix(prefix)], data[name],
                rtol=0, atol=1e-12,
            )  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(samples())
def test_equals_plain_loops(data_samples):
    assert_equal(evaluate(data_samples), slow(data_samples, GENERAL))


@settings(max_examples=40, deadline=None)
@given(samples(same_objects=True))
def test_equals_plain_loops_on_annotated_objects(data_samples):
    metrics = (*GENERAL, 'A')
    assert_equal(evaluate(data_samples, metrics), slow(data_samples, metrics))


@settings(max_examples=30, deadline=None)
@given(samples(same_objects=True), st.randoms(use_true_random=False))
def test_order_of_images_changes_nothing(data_samples, random):
    shuffled = random.sample(data_samples, len(data_samples))
    metrics = (*GENERAL, 'A')
    # not a bit differs, so that the way images are spread does not show
    np.testing.assert_equal(
        evaluate(shuffled, metrics), evaluate(data_samples, metrics)
    )


@pytest.mark.parametrize('num_images', [1, 7, 9])
def test_three_processes_equal_one(num_images):
    rng = np.random.default_rng(3)
    data_samples = [
        make_sample(rng, 4, i % 4, 4, True, True) for i in range(num_images)
    ]
    metrics = (*GENERAL, 'A')
    share = -(-num_images // 3)
    parts = []
    for process in range(3):  # as a sampler spreads and pads the images
        metric = build(metrics)
        for i in range(share):
            index = (process + 3 * i) % num_images
            metric.process(None, [data_samples[index]])
        parts.append(metric.results)
    gathered = [entry for row in zip(*parts, strict=True) for entry in row]
    results = build(metrics).compute_metrics(gathered[:num_images])
    np.testing.assert_equal(results, evaluate(data_samples, metrics))


def test_one_small_entry_an_image_also_without_relations():
    rng = np.random.default_rng(0)
    metric = build()
    metric.process(None, [make_sample(rng, 3, r, 3, True, 0) for r in (0, 2)])
    assert [len(entry['triplets']) for entry in metric.results] == [0, 2]
    assert all(
        len(ranks) == len(entry['triplets'])
        for entry in metric.results
        for ranks in entry['ranks'].values()
    )


def test_image_without_relations_is_left_out():
    empty = make_sample(np.random.default_rng(0), 3, 0, 3, True, False)
    results = evaluate([one_hit(), empty], ('R',))
    assert results['R@1'] == 1


@settings(max_examples=30, deadline=None)
@given(samples())
def test_a_test_set_may_leave_out_images_without_relations(data_samples):
    related = [s for s in data_samples if len(s['gt_relations']['labels'])]
    metrics = (*GENERAL, 'pooled-R', 'pooled-phr-R', 'F')
    for names in (metrics, ('phr-R',)):
        np.testing.assert_equal(
            evaluate(related, names), evaluate(data_samples, names)
        )


def test_image_without_prediction_counts_zero():
    sample = one_hit()
    sample['pred_instances'] = dict(
        bboxes=np.zeros((0, 4)), labels=np.zeros(0), scores=np.zeros(0)
    )
    sample['pred_relations'] = dict(
        pairs=np.zeros((0, 2)), predicate_scores=np.zeros((0, 3))
    )
    results = evaluate([one_hit(), sample], (*GENERAL, 'A'))
    assert results['R@1'] == results['A@1'] == results['zR@1'] == 0.5
    assert results['mR@1'] == pytest.approx(0.5 / 3)


def test_no_prediction_at_all_and_no_columns():
    sample = one_hit()
    sample['pred_relations'] = dict(
        pairs=np.zeros((0, 2)), predicate_scores=np.zeros(0)
    )
    assert set(evaluate([sample], (*GENERAL, 'A')).values()) == {0.0}


def test_nothing_to_recall_is_nan():
    sample = one_hit()
    sample['gt_relations'] = dict(pairs=np.zeros((0, 2)), labels=np.zeros(0))
    results = evaluate([sample], (*GENERAL, 'A'))
    assert len(results) == 7 * len(TOPK)
    assert all(math.isnan(value) for value in results.values())


def test_pairs_are_judged_by_scores_where_given():
    sample = one_hit()
    relations = sample['pred_relations']
    assert evaluate([sample], ('R',))['R@1'] == 1
    relations['scores'] = np.array([0.3, 0.6])
    assert evaluate([sample], ('R', 'ng-R'))['R@1'] == 0
    relations['scores'] = np.array([0.6, 0.6])
    assert evaluate([sample], ('R',))['R@1'] == 1


def test_overlap_threshold_is_inclusive():
    sample = one_hit()
    shifted = sample['gt_instances']['bboxes'].copy()
    shifted[0] = [0, 0, 9, 4]  # half of 10 x 10 pixels
    sample['pred_instances'] |= dict(bboxes=shifted)
    assert evaluate([sample], ('R',))['R@1'] == 1
    assert evaluate([sample], ('R',), iou_thr=0.51)['R@1'] == 0


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16', 'float32'])
def test_takes_data_samples_of_tensors(dtype):
    arrays = one_hit()
    sample = SGDataSample()
    for field in (
        'gt_instances', 'gt_relations', 'pred_instances', 'pred_relations',
    ):  # fmt: skip
        data = {k: torch.as_tensor(v) for k, v in arrays[field].items()}
        for name in ('scores', 'predicate_scores'):
            if name in data:
                data[name] = data[name].to(getattr(torch, dtype))
        setattr(sample, field, InstanceData(**data))
    evaluator = Evaluator(dict(type='mmsgg.SceneGraphMetric', topk=[20]))
    evaluator.dataset_meta = dict(predicates=('on', 'has', 'in'))
    evaluator.process([sample], None)
    results = evaluator.evaluate(1)
    assert results == {
        'R@20': 1.0, 'ng-R@20': 1.0,
        'mR@20': 1 / 3, 'ng-mR@20': 1 / 3,
    }  # fmt: skip


def test_arrays_of_halves_become_single():
    """The product of three small scores would be 0."""
    sample = one_hit()
    sample['pred_instances']['scores'] = np.full(2, 1e-3, np.float16)
    table = sample['pred_relations']['predicate_scores']
    sample['pred_relations']['predicate_scores'] = table.astype(np.float16)
    graph = predicted_graph(sample)
    assert graph.scores.dtype == graph.predicate_scores.dtype == np.float32


def test_logs_a_table_of_predicates():
    stream = []
    logger = MMLogger.get_current_instance()
    handler = type('Handler', (type(logger.handlers[0]),), {})()
    handler.emit = lambda record: stream.append(record.getMessage())
    logger.addHandler(handler)
    try:
        metric = build(('R', 'ng-R'), classwise=True, topk=20)
        metric.dataset_meta = dict(predicates=['on', 'has', 'riding'])
        metric.process(None, [one_hit()])
        metric.evaluate(1)
    finally:
        logger.removeHandler(handler)
    lines = next(text for text in stream if 'riding' in text).splitlines()
    assert lines[1].split() == ['predicate', 'relations', 'R@20', 'ng-R@20']
    assert lines[2].split() == ['riding', '1', '1.0000', '1.0000']
    assert lines[3].split() == ['on', '0', '-', '-']


def test_unknown_metric_names_the_known_ones():
    with pytest.raises(ValueError, match=r"'ng-mR'\?.*R, ng-R, mR.*, A"):
        SceneGraphMetric(metrics=('R', 'ngmR'))


@pytest.mark.parametrize('name', ['zR', 'ng-zR'])
def test_zero_shot_needs_triplets(name):
    with pytest.raises(ValueError, match=r'zero_shot_triplets.*\(Z, 3\)'):
        SceneGraphMetric(metrics=(name,))


def test_triplets_are_given_to_be_used():
    metric = SceneGraphMetric(zero_shot_triplets=ZERO_SHOT)
    assert metric.metrics == ('R', 'ng-R', 'mR', 'ng-mR', 'zR', 'ng-zR')
    metric = SceneGraphMetric(zero_shot_triplets=ZERO_SHOT, protocol='psg')
    assert metric.metrics == ('R', 'mR', 'zR')
    metric = SceneGraphMetric(('R',), zero_shot_triplets=ZERO_SHOT)
    assert metric.metrics == ('R',)


def test_first_arguments_by_position():
    metric = SceneGraphMetric(('zR',), (20, 50), 0.6, ZERO_SHOT, True)
    assert metric.topk == (20, 50) and metric.rules.iou_thr == 0.6
    assert metric.zero_shot_triplets.tolist() == ZERO_SHOT
    assert metric.classwise


@pytest.mark.parametrize('topk', [(), 0, (20, -1)])
def test_topk_must_be_positive(topk):
    with pytest.raises(ValueError, match='topk'):
        SceneGraphMetric(topk=topk)


def test_background_column_is_refused():
    metric = build(('R',))
    metric.dataset_meta = dict(predicates=('on', 'has'))
    with pytest.raises(ValueError, match='background'):
        metric.process(None, [one_hit()])


def test_predicates_from_one_are_refused():
    sample = one_hit()
    sample['gt_relations']['labels'] = np.array([3])
    with pytest.raises(ValueError, match='counted from 0'):
        build(('R',)).process(None, [sample])


def test_zero_shot_triplets_from_one_are_refused():
    metric = build(('zR',), zero_shot_triplets=[[1, 2, 3]])
    with pytest.raises(ValueError, match='subtract 1'):
        metric.process(None, [one_hit()])
    # the last predicate is in no triplet, the last class is
    for triplet in ([1, 2, 2], [2, 1, 2]):
        metric = build(('zR',), zero_shot_triplets=[triplet])
        metric.dataset_meta = dict(classes=('cat', 'hat'))
        with pytest.raises(ValueError, match=r'class 2, .* are 2.*subtract 1'):
            metric.process(None, [one_hit()])


def test_accuracy_is_refused_on_detected_objects():
    sample = make_sample(np.random.default_rng(1), 2, 2, 4, True, False)
    assert len(sample['pred_relations']['pairs']) > 0
    with pytest.raises(ValueError, match='sgdet'):
        build(('A',)).process(None, [sample])


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ('field', 'name'),
    [
        ('gt_instances', 'bboxes'),
        ('pred_instances', 'bboxes'),
        ('pred_instances', 'scores'),
        ('pred_relations', 'predicate_scores'),
        ('pred_relations', 'scores'),
    ],
)
def test_values_that_are_not_finite_are_refused(field, name, value):
    sample = dict(one_hit(), img_id=7)
    sample['pred_relations']['scores'] = np.array([0.6, 0.3])
    build().process(None, [sample])
    halves = dict(sample['gt_instances'])  # their squares are not finite
    halves['bboxes'] = 20 * halves['bboxes'].astype(np.float16)
    build().process(None, [dict(sample, gt_instances=halves)])
    changed = sample[field][name].astype(float)
    changed.flat[-1] = value
    sample[field] = sample[field] | {name: changed}
    with pytest.raises(ValueError, match=rf'image 7: {field}\.{name}'):
        build().process(None, [sample])
