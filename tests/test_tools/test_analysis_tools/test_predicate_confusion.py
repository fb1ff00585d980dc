import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from mmsgg.structures.bbox import box_ious

from ...scripts import load_tool

plots = load_tool('analysis_tools/predicate_plots')
predicate_confusion = load_tool(
    'analysis_tools/predicate_report'
).predicate_confusion

P = 3


def make_sample(rng, num_true, num_found, with_scores=True):
    """A prediction near the annotation, some of it missing or wrong."""

    def objects(count):
        corners = rng.integers(0, 2, (count, 2)) * 10
        boxes = np.concatenate([corners, corners + rng.integers(7, 12)], 1)
        return dict(bboxes=boxes, labels=rng.integers(0, 2, count))

    true, found = objects(num_true), objects(num_found)
    found['scores'] = rng.random(num_found)
    pairs = np.argwhere(~np.eye(num_true, dtype=bool)).reshape(-1, 2)
    pairs = pairs[rng.permutation(len(pairs))[:4]]
    pairs = np.concatenate([pairs, pairs[:1]])  # annotated twice
    guessed = np.argwhere(~np.eye(num_found, dtype=bool)).reshape(-1, 2)
    guessed = guessed[rng.permutation(len(guessed))[:40]]
    relations = dict(
        pairs=guessed,
        predicate_scores=rng.integers(0, 4, (len(guessed), P)) / 4,
    )
    if with_scores:
        relations['scores'] = rng.integers(0, 4, len(guessed)) / 4
    return dict(
        gt_instances=true,
        gt_relations=dict(pairs=pairs, labels=rng.integers(0, P, len(pairs))),
        pred_instances=found,
        pred_relations=relations,
    )


def slow_confusion(sample):
    """Loop over relations and pairs, best pair first."""
    counts, lost = np.zeros((P, P + 1), int), np.zeros(P, int)
    true, found = sample['gt_instances'], sample['pred_instances']
    guesses = sample['pred_relations']

    def same(i, j):
        overlap = box_ious(found['bboxes'][[i]], true['bboxes'][[j]])[0, 0]
        return found['labels'][i] == true['labels'][j] and overlap >= 0.5

    order = list(range(len(guesses['pairs'])))
    if 'scores' in guesses:
        order.sort(key=lambda k: -guesses['scores'][k])
    for (s, o), label in zip(*sample['gt_relations'].values(), strict=True):
        everywhere = range(len(found['labels']))
        if not all(any(same(i, j) for i in everywhere) for j in (s, o)):
            lost[label] += 1
            continue
        answer = P
        for k in order:
            a, b = guesses['pairs'][k]
            if same(a, s) and same(b, o):
                answer = int(guesses['predicate_scores'][k].argmax())
                break
        counts[label, answer] += 1
    return counts, lost


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 5),
    st.integers(0, 12),
    st.booleans(),
)
def test_it_counts_as_a_slow_loop_does(seed, num_true, num_found, scores):
    rng = np.random.default_rng(seed)
    samples = [make_sample(rng, num_true, num_found, scores) for _ in '123']
    confusion = predicate_confusion(samples, P)
    expected = [slow_confusion(sample) for sample in samples]
    np.testing.assert_array_equal(
        confusion.counts, sum(counts for counts, _ in expected)
    )
    np.testing.assert_array_equal(
        confusion.not_found, sum(lost for _, lost in expected)
    )
    shares = confusion.shares.sum(1)
    assert np.isclose(shares, confusion.counts.any(1)).all()


def test_the_samples_of_these_tests_have_all_there_is_to_count():
    rng = np.random.default_rng(0)
    confusion = predicate_confusion(
        [make_sample(rng, 5, 12) for _ in range(30)], P
    )
    assert confusion.not_found.min() > 0
    assert confusion.counts.min() > 0


def test_no_images_and_no_relations():
    assert predicate_confusion([], P).counts.sum() == 0
    sample = make_sample(np.random.default_rng(0), 3, 3)
    sample['gt_relations'] = dict(
        pairs=np.zeros((0, 2), int), labels=np.zeros(0, int)
    )
    assert predicate_confusion([sample], P).counts.sum() == 0


@pytest.mark.parametrize('num', [3, 70, 150])
def test_many_names_stand_in_columns(num, tmp_path, monkeypatch):
    """A picture that fits a screen, where each name has its line."""
    saved = []
    monkeypatch.setattr(
        Figure, 'savefig', lambda figure, *_, **__: saved.append(figure)
    )
    names = [f'predicate {i}' for i in range(num)]
    counts = np.random.default_rng(0).permutation(num) + 1
    recalls = {'R@20': counts / num / 2, 'R@50': counts / num}
    plots.plot_predicates(tmp_path / 'a.png', names, counts)
    plots.plot_predicate_recalls(tmp_path / 'b.png', names, counts, recalls)
    bars, both = saved
    for figure, panels in ((bars, bars.axes), (both, both.axes[::2])):
        width, height = figure.get_size_inches()
        assert height < 12 and (num < 50 or width / height < 2)
        shown = [text for axes in panels for text in axes.get_yticklabels()]
        assert [text.get_text() for text in shown] == [
            names[i] for i in np.argsort(-counts)
        ]
        lengths = [bar.get_width() for a in panels for bar in a.patches]
        assert lengths == sorted(counts, reverse=True)
        assert len({axes.get_xlim() for axes in panels}) == 1
    lengths = [bar.get_width() for a in both.axes[1::2] for bar in a.patches]
    assert sorted(lengths) == sorted([*recalls['R@20'], *recalls['R@50']])


@pytest.mark.parametrize('num_predicates', [1, 21])
def test_plots(num_predicates, tmp_path):
    names = [f'a long predicate {i}' for i in range(num_predicates)]
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 9, (num_predicates, num_predicates + 1))
    plots.plot_confusion(tmp_path / 'confusion.png', names, counts)
    recalls = rng.random(num_predicates)
    plots.plot_predicate_recalls(
        tmp_path / 'recall.png',
        names,
        counts.sum(1),
        {'R@20': recalls / 2, 'R@50': recalls},
    )
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert len(sizes) == 2
    assert min(sizes.values()) > 1000
