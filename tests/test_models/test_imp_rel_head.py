import pytest
import torch

from mmsgg.models.relation_heads.imp_rel_head import MessagePassing
from mmsgg.registry import MODELS

from .samples import (
    feature_map,
    features_cfg,
    imp_cfg,
    random_objects,
    union_features,
)


def passed_by_loops(net, nodes, edges, pairs):
    """Equations 3 and 4 of Xu et al., one node and one edge at a time."""

    def gate(i, node, edge):
        return torch.sigmoid(net.gates[i](torch.cat([node, edge])))

    nodes = [net.node_gru(x[None])[0] for x in nodes]
    edges = [net.edge_gru(x[None])[0] for x in edges]
    for _ in range(net.num_iters):
        to_edges, to_nodes = [], [torch.zeros(len(n)) for n in nodes]
        for (s, o), edge in zip(pairs.tolist(), edges, strict=True):
            to_edges.append(
                gate(0, nodes[s], edge) * nodes[s]
                + gate(1, nodes[o], edge) * nodes[o]
            )
            to_nodes[s] = to_nodes[s] + gate(2, nodes[s], edge) * edge
            to_nodes[o] = to_nodes[o] + gate(3, nodes[o], edge) * edge
        nodes, edges = (
            [
                gru(message[None], state[None])[0]
                for message, state in zip(messages, states, strict=True)
            ]
            for gru, messages, states in (
                (net.node_gru, to_nodes, nodes),
                (net.edge_gru, to_edges, edges),
            )
        )
    return torch.stack(nodes), torch.stack(edges)


@pytest.mark.parametrize('num_iters', [0, 1, 3])
@torch.no_grad()
def test_messages_against_loops(num_iters):
    torch.manual_seed(0)
    net = MessagePassing(6, num_iters)
    nodes, edges = torch.randn(4, 6), torch.randn(5, 6)
    # node 3 has no edge, one pair stands twice, one both ways
    pairs = torch.tensor([[0, 1], [1, 0], [2, 0], [2, 0], [1, 2]])
    expected = passed_by_loops(net, nodes, edges, pairs)
    for one, other in zip(net(nodes, edges, pairs), expected, strict=True):
        torch.testing.assert_close(one, other)


@torch.no_grad()
def test_edges_in_chunks_pass_the_same_messages():
    torch.manual_seed(0)
    net = MessagePassing(6, 2)
    nodes, edges = torch.randn(4, 6), torch.randn(12, 6)
    pairs = torch.ones(4, 4).fill_diagonal_(0).nonzero()
    whole = net(nodes, edges, pairs)
    sizes = []
    net.gates[0].register_forward_hook(
        lambda *args: sizes.append(len(args[-1]))
    )
    for one, other in zip(net(nodes, edges, pairs, 5), whole, strict=True):
        torch.testing.assert_close(one, other)
    assert sizes == [5, 5, 2] * 2


@torch.no_grad()
def test_a_test_passes_messages_of_so_many_pairs_at_once():
    head = MODELS.build(imp_cfg()).eval()
    head.features.max_pairs = 5
    sizes = []
    head.message_passing.gates[0].register_forward_hook(
        lambda *args: sizes.append(len(args[-1]))
    )
    head.predict(feature_map(1), [random_objects(4)], [{}])
    assert sizes == [5, 5, 2] * head.message_passing.num_iters


@torch.no_grad()
def test_no_edges_and_no_nodes():
    net = MessagePassing(6, 2)
    pairs = torch.zeros(0, 2, dtype=torch.long)
    for num in (0, 2):
        nodes, edges = net(torch.randn(num, 6), torch.zeros(0, 6), pairs)
        assert nodes.shape == (num, 6) and edges.shape == (0, 6)


@pytest.mark.parametrize('frequency_bias', [False, True])
@torch.no_grad()
def test_the_head_is_regions_messages_and_classifiers(frequency_bias):
    torch.manual_seed(0)
    head = MODELS.build(imp_cfg(frequency_bias=frequency_bias)).eval()
    objects, x = random_objects(3), feature_map(1)
    pairs = head.all_pairs(objects.bboxes)
    [logits] = head(x, [objects], [pairs]).object_logits
    labels = objects.labels = torch.tensor([2, 0, 1])
    bias = 0
    if frequency_bias:
        torch.nn.init.normal_(head.frequency_bias.table.weight)
        bias = head.frequency_bias(labels[pairs])
    [predicates] = head(x, [objects], [pairs]).predicate_logits

    regions = head.features.embed_objects(x, [objects.bboxes])
    unions = union_features(head, x, objects.bboxes, pairs)
    nodes, edges = passed_by_loops(
        head.message_passing,
        torch.relu(head.node_fc(regions)),
        torch.relu(head.edge_fc(unions)),
        pairs,
    )
    torch.testing.assert_close(logits, head.classifier(nodes))
    torch.testing.assert_close(predicates, head.predicate_fc(edges) + bias)


@pytest.mark.parametrize(
    'features',
    [
        None,
        features_cfg(union_roi_extractor=None, union_head=None),
        features_cfg(object_roi_extractor=None, object_head=None),
    ],
)
def test_without_what_it_starts_from_it_says_so(features):
    with pytest.raises(ValueError, match='features object_head and union_h'):
        MODELS.build(imp_cfg(features=features))
