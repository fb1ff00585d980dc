import math
from html.parser import HTMLParser

import numpy as np
import pytest

from mmsgg.evaluation import SceneGraphMetric
from mmsgg.evaluation.functional import NO_HIT

from ...scripts import load_tool
from .test_predicate_confusion import make_sample

gallery = load_tool('analysis_tools/gallery')
image_results, best_and_worst = gallery.image_results, gallery.best_and_worst


def results_with(recalls):
    """Images with the given (hits, relations) at K = 20."""
    results = []
    for index, (hits, total) in enumerate(recalls):
        ranks = np.array([0] * hits + [NO_HIT] * (total - hits))
        empty = np.zeros((total, 3), int)
        results.append(gallery.ImageResult(index, empty, empty[:, :2], ranks))
    return results


def test_recalls_of_images_are_those_of_the_metric():
    rng = np.random.default_rng(3)
    samples = [make_sample(rng, 5, 12) for _ in range(20)]
    samples[4]['gt_relations'] = dict(
        pairs=np.zeros((0, 2), int), labels=np.zeros(0, int)
    )
    metric = SceneGraphMetric(['R'], [5, 30])
    for sample in samples:
        metric.process(None, [sample])
    metric.evaluate(len(samples))
    found = {r.index: r for r in image_results(samples, 30)}
    assert sorted(found) == [i for i in range(20) if i != 4]
    for k in (5, 30):
        expected = metric.image_recalls[f'R@{k}']
        assert np.nanmax(expected) > 0
        for index, result in found.items():
            assert result.recall(k) == expected[index]


def test_place_of_a_hit_counts_from_one():
    [result] = results_with([(1, 2)])
    assert (result.rank_of(0), result.rank_of(1)) == (1, None)
    [empty] = results_with([(0, 0)])
    assert math.isnan(empty.recall(20))


def test_best_and_worst():
    results = results_with([(1, 2), (2, 2), (0, 1), (3, 3), (0, 4), (2, 2)])
    best, worst = best_and_worst(results, 20, 4)
    assert [r.index for r in best] == [3, 1]
    assert [r.index for r in worst] == [4, 2]
    best, worst = best_and_worst(results, 20, 99)  # each once
    assert [r.index for r in best] == [3, 1, 5]
    assert [r.index for r in worst] == [4, 2, 0]
    best, worst = best_and_worst(results[:1], 20, 99)
    assert ([r.index for r in best], worst) == ([0], [])


@pytest.mark.parametrize('with_scores', [True, False])
def test_sample_for_the_visualizer(with_scores):
    raw = make_sample(np.random.default_rng(0), 4, 5, with_scores)
    sample = gallery.result_sample(raw, topk=3)
    relations = raw['pred_relations']
    order = range(len(relations['pairs']))
    if with_scores:
        order = sorted(order, key=lambda k: -relations['scores'][k])
    for row, k in zip(range(3), order, strict=False):
        pair = relations['pairs'][k]
        label = int(relations['predicate_scores'][k].argmax())
        assert sample.pred_relations.pairs[row].tolist() == pair.tolist()
        assert sample.pred_relations.labels[row] == label
        score = relations['predicate_scores'][k, label]
        score *= raw['pred_instances']['scores'][pair].prod()
        assert float(sample.pred_relations.scores[row]) == pytest.approx(score)
    assert len(sample.pred_relations) == 3
    pairs = sample.gt_relations.pairs.tolist()
    assert pairs == raw['gt_relations']['pairs'].tolist()
    assert len(sample.pred_instances) == 5


def test_sample_without_predictions():
    raw = make_sample(np.random.default_rng(0), 4, 0)
    raw['pred_relations']['predicate_scores'] = np.zeros(0)
    sample = gallery.result_sample(raw, topk=3)
    assert len(sample.pred_relations) == len(sample.pred_instances) == 0
    assert sample.pred_relations.pairs.shape == (0, 2)


class Reader(HTMLParser):
    """Collects tags, links and text, and sees that tags are closed."""

    def __init__(self):
        super().__init__()
        self.tags, self.links, self.text, self.open = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ('meta', 'img', 'br'):
            self.open.append(tag)
        self.links += [v for k, v in attrs if k in ('src', 'href')]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_page_is_closed_escaped_and_needs_nothing_from_the_net():
    nasty = '<script>alert("&")</script>'
    card = gallery.Card(
        'pictures/a b#1.jpg', nasty, {'R@20': 0.5}, [(nasty, 3), (nasty, None)]
    )
    page = gallery.gallery_page(
        nasty, nasty, [(nasty, [card, card]), ('None', [])]
    )
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert 'script' not in reader.tags
    assert 'link' not in reader.tags
    assert '//' not in page
    assert set(reader.links) == {'pictures/a%20b%231.jpg'}
    text = ''.join(reader.text)
    assert text.count(nasty) == 10  # title twice, summary, heading, cards
    assert '1 of 2 annotated relations found' in text
    assert 'at place 3' in text and 'missed' in text
