"""VCTree: its trees and LSTMs against plain ones, and what its head does."""

import numpy as np
import pytest
import torch

from mmsgg.models.layers import ObjectSequences
from mmsgg.models.relation_heads.object_trees import ObjectTrees
from mmsgg.models.relation_heads.tree_lstm import TreeLabelDecoder, TreeLSTM
from mmsgg.models.relation_heads.vctree_rel_head import overlap_numbers
from mmsgg.registry import MODELS

from ..scripts import load_tool
from .samples import (
    NO_REGIONS,
    NUM_CLASSES,
    feature_map,
    given_objects,
    metas,
    random_boxes,
    random_features,
    random_sample,
    vctree_cfg,
)

NUM_OBJECTS = [5, 0, 9, 1]
Recursion = load_tool('analysis_tools/benchmark_tree_lstm').Recursion


def random_scores(levels=None):
    """(B, L, L), rounded to few levels so that there are ties."""
    size = max(NUM_OBJECTS)
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(len(NUM_OBJECTS), size, size, generator=generator)
    return scores if levels is None else (scores * levels).round() / levels


def random_trees():
    return ObjectTrees(random_scores(), NUM_OBJECTS)


def slow_tree(scores):
    """Parent, left and right child of each node, by plain search."""
    size = len(scores)
    root = int(np.mean(scores, axis=1).argmax())
    inside, children = [root], {node: [] for node in range(size)}
    while len(inside) < size:
        best = max(
            (
                (scores[parent][child], -age, -child)
                for age, parent in enumerate(inside)
                for child in range(size)
                if child not in inside
            ),
        )
        children[inside[-best[1]]].append(-best[2])
        inside.append(-best[2])
    kin = np.full((size, 3), -1)
    for parent, own in children.items():
        for before, node in zip([None, *own], own, strict=False):
            above, side = (parent, 1) if before is None else (before, 2)
            kin[node, 0], kin[above, side] = above, node
    return kin


@pytest.mark.parametrize('levels', [None, 4, 0])
def test_trees_are_those_of_a_plain_search(levels):
    """Ties included; with 0 levels all are nan, which is as good as 0."""
    scores = random_scores(levels)
    trees = ObjectTrees(scores, NUM_OBJECTS)
    kin = np.column_stack([trees.parents, trees.children])
    first = 0
    for image, size in zip(scores, NUM_OBJECTS, strict=True):
        expected = slow_tree(image[:size, :size].nan_to_num().numpy()) if (
            size
        ) else np.zeros((0, 3))  # fmt: skip
        found = kin[first : first + size]
        assert np.where(found < 0, -1, found - first).tolist() == (
            expected.tolist()
        )
        first += size
    assert len(trees) == trees.depths.max() + 1


def test_of_equal_scores_that_of_the_older_parent_counts():
    """Its child, 3, then has a better score for 2 than 1 has."""
    scores = torch.zeros(4, 4)
    scores[0] = torch.tensor([0.0, 0.9, 0.1, 0.5])
    scores[1, 2], scores[3, 2] = 0.5, 0.8
    trees = ObjectTrees(scores[None], [4])
    kin = np.column_stack([trees.parents, trees.children])
    assert kin.tolist() == slow_tree(scores.numpy()).tolist()
    assert kin[2, 0] == 3


@pytest.mark.parametrize('sizes', [[], [0], [0, 0]])
def test_no_object_makes_no_tree(sizes):
    trees = ObjectTrees(torch.zeros(len(sizes), 1, 1), sizes)
    lstm = TreeLSTM(6, 8)
    assert lstm(torch.zeros(0, 6), trees).shape == (0, 8)


def test_lstm_equals_a_recursion():
    torch.manual_seed(0)
    lstm, x = TreeLSTM(6, 8), random_features(sum(NUM_OBJECTS), 6)
    trees = random_trees()
    assert len(trees) > 3
    gradients = []
    for way in (lstm, Recursion(lstm), Recursion(lstm, at_once=True)):
        lstm.zero_grad()
        out = way(x, trees)
        out.square().sum().backward()
        gradients.append([out.detach(), *(p.grad for p in lstm.parameters())])
    torch.testing.assert_close(gradients[1], gradients[0])
    torch.testing.assert_close(gradients[2], gradients[0])


@torch.no_grad()
def test_decoder_goes_on_from_the_class_of_the_parent():
    torch.manual_seed(0)
    decoder = TreeLabelDecoder(6, 8, NUM_CLASSES, embed_channels=5).eval()
    decoder.classifier.weight.mul_(10)  # or one class is the likeliest
    context, trees = random_features(sum(NUM_OBJECTS), 6), random_trees()
    logits = decoder(context, trees)
    lstm, states, used = decoder.lstm, {}, set()
    for node in np.argsort(trees.depths, kind='stable').tolist():
        parent = int(trees.parents[node])
        label, state = NUM_CLASSES, torch.zeros(2, 1, 8)
        if parent >= 0:
            label, state = states[parent]
        used.add(label)
        x = torch.cat([context[node], decoder.embedding.weight[label]])[None]
        state = lstm.step(lstm.px(x), lstm.gates_x(x), state)
        expected = decoder.classifier(state[0])[0]
        torch.testing.assert_close(logits[node], expected)
        states[node] = int(expected[:-1].argmax()), state
    assert len(used) > 2  # it matters what came before


@torch.no_grad()
def test_classes_are_drawn_in_training():
    torch.manual_seed(0)
    decoder = TreeLabelDecoder(6, 8, 2, embed_channels=5).train()
    decoder.classifier.bias.copy_(torch.tensor([0.0, 1.0, 50.0]))
    decoder.classifier.weight.zero_()
    drawn = decoder._choose(decoder.classifier(torch.zeros(4000, 8))[:, :-1])
    share = torch.tensor([0.0, 1.0]).softmax(dim=0)[1]
    assert drawn.float().mean() == pytest.approx(float(share), abs=0.03)
    assert decoder.eval()._choose(torch.tensor([[0.0, 1.0]])).tolist() == [1]


def test_overlaps_of_boxes_stay_in_their_image():
    generator = torch.Generator().manual_seed(0)
    boxes = random_boxes(7, generator)
    images = torch.tensor([0, 0, 0, 0, 2, 2, 3])
    together = overlap_numbers(boxes, images)
    for image in (0, 2, 3):
        own = boxes[images == image]
        alone = overlap_numbers(own, torch.zeros(len(own)))
        torch.testing.assert_close(together[images == image], alone)
    assert (together[:, 0] >= 1).all()


@torch.no_grad()
def test_scores_of_pairs_are_those_of_a_loop():
    torch.manual_seed(0)
    scorer = MODELS.build(vctree_cfg()).tree_scores.eval()
    sizes, total = [3, 0, 2], 5
    widths = [
        scorer.region_fc.in_features, scorer.embed_fc.in_features, 9, 6
    ]  # fmt: skip
    parts = [random_features(total, w, i) for i, w in enumerate(widths)]
    classes = random_features(total, NUM_CLASSES + 1, 9).softmax(dim=1)
    logits = scorer(parts, classes, ObjectSequences(sizes))
    query = scorer._query(parts)
    child, parent = (
        scorer.child_fc(query).relu(),
        scorer.parent_fc(query).relu(),
    )
    table = scorer.class_prior.view(NUM_CLASSES + 1, -1)
    for image, rows in ((0, range(3)), (2, range(3, 5))):
        for i in rows:
            for j in rows:
                prior = classes[i] @ table @ classes[j]
                seen = [child[j] * parent[i], child[j], parent[i], prior[None]]
                vision = scorer.vision_fc(torch.cat(seen)).sigmoid()
                torch.testing.assert_close(
                    logits[image, i - rows[0], j - rows[0]],
                    (vision * prior)[0],
                )


def test_the_prior_starts_from_the_counts():
    head = MODELS.build(vctree_cfg())
    shape = NUM_CLASSES, NUM_CLASSES, head.num_predicates + 1
    counts = np.random.default_rng(0).integers(0, 9, shape)
    head.frequency_bias.set_counts(counts)
    head.start_from_frequencies()
    table = head.frequency_bias.table.weight.detach()
    rows = NUM_CLASSES + 1
    sums = table.view(rows, rows, -1).sum(dim=2)
    torch.testing.assert_close(
        head.tree_scores.class_prior.detach().view(rows, rows), sums + sums.T
    )


def test_trees_learn_who_is_related():
    torch.manual_seed(0)
    head = MODELS.build(vctree_cfg()).train()
    samples = [random_sample(n, 3, seed=n) for n in (5, 4)]
    objects = [given_objects(sample, i) for i, sample in enumerate(samples)]
    parameters = head.tree_scores.parameters()
    optimizer = torch.optim.Adam(parameters, 0.03)
    history = []
    for _ in range(80):
        losses = head.loss(feature_map(2), objects, samples)
        optimizer.zero_grad()
        losses['loss_tree'].backward()
        optimizer.step()
        history.append(losses['loss_tree'].item())
    assert history[-1] < 0.75 * history[0]


@torch.no_grad()
def test_the_loss_of_the_trees_is_the_mean_over_the_images():
    """Of all images, as there; one without an object loses nothing."""
    torch.manual_seed(0)
    head = MODELS.build(vctree_cfg(**NO_REGIONS)).eval()
    samples = [random_sample(n, n, seed=n) for n in (4, 0, 3)]
    objects = [given_objects(sample, 0) for sample in samples]

    def loss(images):
        chosen = [objects[i] for i in images]
        pairs = [head.all_pairs(image.bboxes) for image in chosen]
        output = head((), chosen, pairs)
        return head.auxiliary_losses(output, [samples[i] for i in images])[
            'loss_tree'
        ]

    alone = [loss([i]) for i in range(3)]
    assert alone[1] == 0 < alone[0] != alone[2] > 0
    torch.testing.assert_close(loss([0, 1, 2]), sum(alone) / 3)


@torch.no_grad()
def test_trees_are_the_same_under_autocast():
    """Of rounded scores they would be others."""
    torch.manual_seed(0)
    scorer = MODELS.build(vctree_cfg()).tree_scores.eval()
    widths = [
        scorer.region_fc.in_features, scorer.embed_fc.in_features, 9, 6
    ]  # fmt: skip
    parts = [random_features(5, w, i) for i, w in enumerate(widths)]
    classes = random_features(5, NUM_CLASSES + 1, 9).softmax(dim=1)
    decoder = TreeLabelDecoder(6, 8, NUM_CLASSES, embed_channels=5).eval()
    lstm, trees = TreeLSTM(6, 8), random_trees()
    context = random_features(sum(NUM_OBJECTS), 6)

    def run():
        scores = scorer(parts, classes, ObjectSequences([3, 2]))
        return scores, lstm(context, trees), decoder(context, trees)

    plain = run()
    with torch.autocast('cpu', torch.bfloat16):
        assert all(map(torch.equal, run(), plain))


def test_it_gets_along_without_regions():
    """An image with no object among them."""
    torch.manual_seed(0)
    head = MODELS.build(vctree_cfg(**NO_REGIONS)).train()
    assert not head.uses_image
    samples = [random_sample(n, n, seed=n) for n in (4, 0, 1)]
    samples[2].gt_relations = samples[1].gt_relations
    objects = [given_objects(sample, i) for i, sample in enumerate(samples)]
    losses = head.loss((), objects, samples)
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    without = [n for n, p in head.named_parameters() if p.grad is None]
    assert without == []
    graphs = head.eval().predict((), objects, metas(3))
    assert [len(relations) for _, relations in graphs] == [12, 0, 0]
