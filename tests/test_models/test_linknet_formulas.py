"""LinkNet's head against the formulas of the paper, object by object."""

import pytest
import torch

from mmsgg.registry import MODELS

from .samples import (
    NO_REGIONS,
    NUM_CLASSES,
    feature_map,
    linknet_cfg,
    random_objects,
    union_features,
)
from .test_base_relation_head import slow_late_nms


def slow_block(weights, name, rows):
    """O' = O + fc0(R (O H)) with R = softmax((O W)(O U)^T); O'' = fc1(O')."""

    def linear(layer, row):
        prefix = f'{name}.{layer}'
        return weights[f'{prefix}.weight'] @ row + weights[f'{prefix}.bias']

    residuals = []
    for row in rows:
        query = linear('W', row)
        likeness = [float(query @ linear('U', other)) for other in rows]
        shares = torch.tensor(likeness).softmax(dim=0)
        mixed = sum(
            share * linear('H', other)
            for share, other in zip(shares, rows, strict=True)
        )
        residuals.append(row + linear('fc0', mixed))
    return residuals, [linear('fc1', row) for row in residuals]


def slow_layout(weights, subject, target):
    """K2 b: where the object is, seen from the subject, in its size."""

    def centre_and_size(box):
        size = box[2:] - box[:2] + 1
        return box[:2] + size / 2, size

    (centre_i, size_i), (centre_j, size_j) = map(
        centre_and_size, (subject, target)
    )
    layout = torch.cat(
        [(centre_j - centre_i) / size_i, (size_j / size_i).log()]
    )
    norm = {
        key: weights[f'geometric_layout.norm.{key}']
        for key in ('weight', 'bias', 'running_mean', 'running_var')
    }
    layout = (layout - norm['running_mean']) / (
        norm['running_var'] + 1e-5
    ).sqrt()
    layout = layout * norm['weight'] + norm['bias']
    fc = 'geometric_layout.fc'
    layout = weights[f'{fc}.weight'] @ layout + weights[f'{fc}.bias']
    return layout.clamp(min=0)


def slow_linknet(head, x, objects, task):
    """Classes O4, labels, and {pair: predicate logits} of one image."""
    weights, boxes = head.state_dict(), objects.bboxes
    context = x[0][0].mean(dim=(1, 2))
    embed = 'global_context.embed.0'
    context = weights[f'{embed}.weight'] @ context + weights[f'{embed}.bias']
    regions = head.features.embed_objects(x, [boxes])
    words = objects.logits.softmax(dim=1) @ weights['object_embedding.weight']
    rows = [
        torch.cat([region, word, context.clamp(min=0)])
        for region, word in zip(regions, words, strict=True)
    ]  # O0
    _, rows = slow_block(weights, 'object_blocks.0', rows)
    hidden, classes = slow_block(weights, 'object_blocks.1', rows)  # O3, O4
    classes = torch.stack(classes)
    labels = classes[:, :-1].argmax(dim=1).tolist()
    if task == 'sgdet':
        scores = classes.softmax(dim=1)[:, :-1]
        labels = slow_late_nms(scores, objects.class_bboxes, 0.3)
    if task == 'predcls':
        labels = objects.labels.tolist()

    words = weights['edge_embedding.weight']
    rows = [
        torch.cat([words[label], row])
        for label, row in zip(labels, hidden, strict=True)
    ]  # E0
    _, rows = slow_block(weights, 'edge_blocks.0', rows)
    _, edges = slow_block(weights, 'edge_blocks.1', rows)  # E1
    width = len(edges[0]) // 2
    logits = {}
    for i in range(len(boxes)):
        for j in range(len(boxes)):
            if i == j:
                continue
            pair = torch.tensor([[i, j]])
            [union] = union_features(head, x, boxes, pair)
            joint = edges[i][:width] * edges[j][width:] * union  # G0
            layout = slow_layout(weights, boxes[i], boxes[j])
            logits[i, j] = (
                weights['predicate_fc.weight'] @ torch.cat([joint, layout])
                + weights['predicate_fc.bias']
                + weights['frequency_bias.table.weight'][
                    labels[i] * NUM_CLASSES + labels[j]
                ]
            )
    return classes, labels, logits


@torch.no_grad()
def make_head(**kwargs):
    """A head in which no bias, table or statistic is at its start."""
    torch.manual_seed(0)
    head = MODELS.build(linknet_cfg(**kwargs)).eval()
    for name, values in head.state_dict().items():
        if 'frequency_bias' in name or 'norm' in name:
            values.copy_(torch.rand(values.shape) + 0.5)
    return head


@pytest.mark.parametrize('task', ['predcls', 'sgcls', 'sgdet'])
@torch.no_grad()
def test_equals_the_formulas(task):
    head = make_head()
    if task == 'sgcls':  # background is likely everywhere, and no class
        head.object_blocks[1].fc1.bias[-1] = 9
    x = feature_map(1)
    objects = random_objects(5, seed=1, task=task)
    objects.logits = objects.logits * 3
    if task == 'sgdet':  # two boxes cannot be the same class twice
        for field in ('bboxes', 'class_bboxes', 'logits'):
            objects.get(field)[1] = objects.get(field)[0]
    classes, labels, expected = slow_linknet(head, x, objects, task)
    if task == 'sgdet':
        assert labels != classes[:, :-1].argmax(dim=1).tolist()

    pairs = head.all_pairs(objects.bboxes)
    output = head(x, [objects], [pairs])
    [logits] = output.predicate_logits
    torch.testing.assert_close(
        logits, torch.stack([expected[tuple(p)] for p in pairs.tolist()])
    )
    if task != 'predcls':
        torch.testing.assert_close(output.object_logits, [classes])
    assert output.labels[0].tolist() == labels
    [(instances, _)] = head.predict(x, [objects], [{}])
    assert instances.labels.tolist() == labels


@torch.no_grad()
def test_the_gate_is_a_rectified_layer_on_the_layout():
    head = make_head(**NO_REGIONS, global_context=None, layout_gate=True)
    weights, boxes = head.state_dict(), random_objects(3).bboxes
    edges = torch.randn(3, 16), torch.randn(3, 16)
    rows = torch.tensor([[0, 1], [2, 0]])
    expected = []
    for i, j in rows.tolist():
        layout = slow_layout(weights, boxes[i], boxes[j])
        gate = weights['layout_gate.weight'] @ layout
        gate = (gate + weights['layout_gate.bias']).clamp(min=0)
        joint = edges[0][i] * edges[1][j] * gate
        expected.append(
            weights['predicate_fc.weight'] @ torch.cat([joint, layout])
            + weights['predicate_fc.bias']
        )
    logits = head.score_pairs(boxes, edges, rows, torch.ones(1, 1))
    torch.testing.assert_close(logits, torch.stack(expected))


@pytest.mark.parametrize('layout', [True, False])
@torch.no_grad()
def test_dropout_drops_words_and_pairs_in_training_only(layout):
    geometry = dict() if layout else dict(geometric_layout=None)
    head = make_head(dropout=1.0, **geometry)
    hidden, boxes = torch.randn(3, 16), random_objects(3).bboxes
    rows = torch.tensor([[0, 1], [2, 0]])

    def run(labels):
        edges = head.embed_edges(hidden, torch.tensor(labels), [3])
        pairs = (torch.rand(3, 16), torch.rand(3, 16))
        return edges[0], head.score_pairs(boxes, pairs, rows, torch.ones(1, 1))

    for training in (True, False):
        head.dropout.train(training)
        one, other = run([0, 1, 2]), run([3, 3, 0])
        for a, b in zip(one, other, strict=True):
            assert torch.equal(a, b) == training
