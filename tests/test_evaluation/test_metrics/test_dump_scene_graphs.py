"""What DumpSceneGraphs leaves out changes no metric up to its K."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsgg.evaluation import DumpSceneGraphs, SceneGraphMetric, read_samples

from .random_graphs import make_sample, samples

METRICS = (
    'R', 'ng-R', 'mR', 'ng-mR', 'zR', 'phr-R', 'ng-phr-R', 'pooled-R',
    'pooled-phr-R',
)  # fmt: skip


def evaluate(data_samples, metrics, k, few):
    metric = SceneGraphMetric(
        metrics, range(1, k + 1), predicates_per_pair=few,
        zero_shot_triplets=[[0, 0, 0], [0, 1, 2], [1, 1, 1]],
    )  # fmt: skip
    metric.process(None, data_samples)
    return metric.evaluate(len(data_samples))


def compact(data_samples, k):
    dump = DumpSceneGraphs('never-written.pkl', topk=k)
    dump.process(None, data_samples)
    return dump.results


@settings(max_examples=40, deadline=None)
@given(samples(), st.integers(1, 5), st.integers(1, 3))
def test_metrics_stay_the_same(data_samples, k, few):
    # here the scores of the pairs have nothing to do with their candidates
    kept = compact(data_samples, k)
    np.testing.assert_equal(
        evaluate(kept, METRICS, k, few),
        evaluate(data_samples, METRICS, k, few),
    )
    for before, after in zip(data_samples, kept, strict=True):
        pairs = len(after['pred_relations']['pairs'])
        rows = len(before['gt_relations']['pairs'])
        assert pairs <= len(before['pred_relations']['pairs'])
        assert pairs <= 2 * k + rows


@settings(max_examples=30, deadline=None)
@given(samples(same_objects=True), st.integers(1, 3))
def test_accuracy_stays_the_same(data_samples, k):
    kept = compact(data_samples, k)
    np.testing.assert_equal(
        evaluate(kept, ('A', 'R'), k, 1),
        evaluate(data_samples, ('A', 'R'), k, 1),
    )


def test_writes_arrays_and_meta_data(tmp_path):
    path = tmp_path / 'preds.pkl'
    sample = make_sample(np.random.default_rng(0), 3, 2, 4, True, False)
    dump = DumpSceneGraphs(str(path), topk=7)
    dump.process(None, [dict(sample, img_id=5, unknown=1)])
    assert dump.evaluate(1) == {}
    [entry] = pickle.loads(path.read_bytes())
    assert (entry['img_id'], entry['topk']) == (5, 7)
    assert 'unknown' not in entry
    assert entry['pred_relations']['predicate_scores'].dtype == np.float32
    np.testing.assert_array_equal(
        entry['pred_instances']['bboxes'], sample['pred_instances']['bboxes']
    )


def test_topk_must_be_positive():
    with pytest.raises(ValueError, match='topk'):
        DumpSceneGraphs('preds.pkl', topk=0)


@pytest.mark.parametrize('name', ['bboxes', 'scores'])
def test_values_that_are_not_finite_are_not_written(tmp_path, name):
    sample = make_sample(np.random.default_rng(0), 3, 2, 4, True, False)
    values = sample['pred_instances'][name].astype(float)
    values.flat[-1] = np.nan
    sample['pred_instances'][name] = values
    with pytest.raises(ValueError, match=rf'image 5: pred_instances\.{name}'):
        DumpSceneGraphs('preds.pkl').process(None, [dict(sample, img_id=5)])
    # nor read, of a file that another tool or version wrote
    path = tmp_path / 'preds.pkl'
    path.write_bytes(pickle.dumps([dict(sample, img_id=5)]))
    with pytest.raises(ValueError, match=r"preds\.pkl', image 5: pred_inst"):
        read_samples(path)


@settings(max_examples=20, deadline=None)
@given(samples())
def test_a_file_without_pickles_gives_the_same(tmp_path_factory, data_samples):
    path = tmp_path_factory.mktemp('npz') / 'preds.npz'
    dump = DumpSceneGraphs(str(path), topk=2)
    dump.process(None, data_samples)
    dump.evaluate(len(data_samples))
    read = read_samples(path)
    for again, kept in zip(read, compact(data_samples, 2), strict=True):
        assert again['topk'] == 2
        for group, arrays in kept.items():
            if isinstance(arrays, dict):
                for name, values in arrays.items():
                    assert again[group][name].tolist() == values.tolist()


def test_another_ending():
    with pytest.raises(ValueError, match=r"'preds\.csv' does not end in"):
        DumpSceneGraphs('preds.csv')
