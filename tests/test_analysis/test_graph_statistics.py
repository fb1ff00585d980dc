"""The statistics agree with a slow count over the items."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from mmsgg.analysis import build_dataset, graph_statistics
from mmsgg.datasets import VG150Dataset, count_relations
from mmsgg.evaluation import (
    SceneGraphMetric,
    prior_probabilities,
    prior_recall,
)

from ..test_datasets.vg_files import VGFiles, settings


@pytest.fixture(params=['toy', 'random'])
def dataset(request, toy_config, tmp_path):
    """Toy graphs, and random ones that repeat pairs and whole relations."""
    if request.param == 'toy':
        toy = toy_config.train_dataloader.dataset
        toy.filter_duplicate_relations = False
        return build_dataset(toy_config, 'train')
    folder = VGFiles(num_images=40).write(tmp_path / 'random')
    return VG150Dataset(**settings(folder, split='test'))


def sizes_of(dataset):
    meta = dataset.metainfo
    return len(meta['classes']), len(meta['predicates'])


def test_counts(dataset):
    found = graph_statistics(dataset.scene_graphs, *sizes_of(dataset))
    predicates, classes, triplets = Counter(), Counter(), Counter()
    pairs, objects, relations = defaultdict(set), [], []
    for i in range(len(dataset)):
        item = dataset.get_data_info(i)
        labels = [one['bbox_label'] for one in item['instances']]
        classes.update(labels)
        objects.append(len(labels))
        relations.append(len(item['relations']))
        for relation in item['relations']:
            (s, o), p = relation['pair'], relation['predicate_label']
            predicates[p] += 1
            triplets[labels[s], labels[o], p] += 1
            pairs[i, s, o].add(p)
    num_classes, num_predicates = sizes_of(dataset)
    assert found.num_images == len(dataset)
    assert found.num_related_images == sum(n > 0 for n in relations)
    assert found.objects_an_image.tolist() == objects
    assert found.relations_an_image.tolist() == relations
    assert found.num_pairs == len(pairs)
    several = sum(len(names) > 1 for names in pairs.values())
    assert found.num_multi_pairs == several > 0
    assert found.multi_share == several / len(pairs)
    assert found.class_counts.tolist() == [
        classes[i] for i in range(num_classes)
    ]
    assert found.predicate_counts.tolist() == [
        predicates[i] for i in range(num_predicates)
    ]
    rows = map(tuple, found.triplets.tolist())
    assert dict(zip(rows, found.triplet_counts, strict=True)) == triplets
    assert (np.diff(found.triplet_counts) <= 0).all()
    for share in (0.3, 0.5, 0.9, 1.0):
        total, needed = 0, 0
        for _, count in predicates.most_common():
            if total < share * sum(relations):
                total, needed = total + count, needed + 1
        assert found.predicates_for(share) == needed


def test_nothing_to_count(dataset):
    none = dataset.scene_graphs.take(np.zeros(0, dtype=np.int64))
    found = graph_statistics(none, *sizes_of(dataset))
    assert found.num_images == found.num_pairs == found.multi_share == 0
    assert found.triplets.shape == (0, 3)
    assert not found.predicate_counts.any()


@pytest.mark.parametrize('must_overlap', [True, False])
def test_prior_recall_is_that_of_the_metric(dataset, must_overlap):
    counts = count_relations(dataset, must_overlap)
    probabilities = prior_probabilities(counts)
    found = prior_recall(probabilities, dataset.scene_graphs, topk=(2, 5, 20))
    metric = SceneGraphMetric(metrics=['R'], topk=(2, 5, 20))
    metric.dataset_meta = dataset.metainfo
    for i in range(len(dataset)):
        metric.process(None, [predicted_by_hand(dataset, i, counts)])
    assert found == pytest.approx(metric.evaluate(len(dataset)))
    assert 0 < found['R@2'] < found['R@20'] <= 1


def predicted_by_hand(dataset, i, counts):
    """A sample of the metric, filled pair by pair."""
    item = dataset.get_data_info(i)
    labels = np.array([one['bbox_label'] for one in item['instances']])
    boxes = np.array([one['bbox'] for one in item['instances']])
    pairs, scores = [], []
    for s in range(len(labels)):
        for o in range(len(labels)):
            if s != o:
                row = counts[labels[s], labels[o]]
                pairs.append([s, o])
                scores.append(row[:-1] / (row.sum() + 1))
    scores = np.array(scores).reshape(len(pairs), counts.shape[-1] - 1)
    relations = item['relations']
    return dict(
        gt_instances=dict(bboxes=boxes, labels=labels),
        gt_relations=dict(
            pairs=np.array([one['pair'] for one in relations]),
            labels=np.array([one['predicate_label'] for one in relations]),
        ),
        pred_instances=dict(
            bboxes=boxes, labels=labels, scores=np.ones(len(labels))
        ),
        pred_relations=dict(
            pairs=np.array(pairs),
            predicate_scores=scores,
            scores=scores.max(axis=1, initial=0),
        ),
    )


def test_prior_of_an_unseen_pair_is_unrelated():
    counts = np.zeros((2, 2, 4), dtype=np.int64)
    counts[0, 1] = [3, 1, 0, 5]
    probabilities = prior_probabilities(counts)
    assert probabilities[0, 1].tolist() == [0.3, 0.1, 0.0]
    assert not probabilities[1, 0].any()
    assert counts[0, 1, 3] == 5  # the counts are left alone


def test_prior_recall_without_relations(dataset):
    counts = count_relations(dataset)
    graphs = dataset.scene_graphs
    graphs = graphs.keep_relations(np.zeros(len(graphs.pairs), dtype=bool))
    found = prior_recall(prior_probabilities(counts), graphs)
    assert list(found) == ['R@20', 'R@50', 'R@100']
    assert np.isnan(list(found.values())).all()
