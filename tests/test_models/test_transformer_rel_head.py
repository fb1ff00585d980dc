"""The transformer head: its encoder, and its equations step by step."""

import pytest
import torch

from mmsgg.models.layers import ObjectSequences
from mmsgg.models.relation_heads.transformer_rel_head import ObjectTransformer
from mmsgg.registry import MODELS

from .samples import (
    NUM_CLASSES,
    SIZE,
    feature_map,
    gated_transformer_cfg,
    random_features,
    random_objects,
    transformer_cfg,
    union_features,
)

NUM_OBJECTS = [3, 0, 5, 1]


def torchs_encoder(net, dropout=0.0):
    """Torch's encoder, with the weights of ours."""
    layer = torch.nn.TransformerEncoderLayer(
        8, 2, 16, dropout, batch_first=True
    )
    encoder = torch.nn.TransformerEncoder(layer, len(net.layers))
    for theirs, ours in zip(encoder.layers, net.layers, strict=True):
        weights = dict(ours.named_parameters())
        parts = 'query_fc', 'key_fc', 'value_fc'
        for kind in ('weight', 'bias'):
            weights[f'self_attn.in_proj_{kind}'] = torch.cat(
                [weights.pop(f'{part}.{kind}') for part in parts]
            )
            out = weights.pop(f'out_fc.{kind}')
            weights[f'self_attn.out_proj.{kind}'] = out
        theirs.load_state_dict(weights)
    return encoder


@pytest.mark.parametrize('training', [False, True])
def test_transformer_reads_each_image_by_itself(training):
    x = random_features(9, 6).requires_grad_()
    torch.manual_seed(0)
    layer = dict(num_heads=2, feedforward_channels=16, dropout=0.0)
    net = ObjectTransformer(6, 8, 2, **layer).train(training)
    weights = [layer.linear1.weight for layer in net.layers]
    assert not torch.equal(*weights)
    out = net(x, ObjectSequences(NUM_OBJECTS))
    plain = torchs_encoder(net).train(training)
    expected = torch.cat(
        [
            plain(net.fc(rows)[None])[0]
            for rows in x.split(NUM_OBJECTS)
            if len(rows)
        ]
    )
    torch.testing.assert_close(out, expected)
    out.square().sum().backward()
    assert x.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize('gated', [False, True])
@torch.no_grad()
def test_the_equations_step_by_step(gated):
    torch.manual_seed(0)
    cfg = gated_transformer_cfg() if gated else transformer_cfg()
    head = MODELS.build(cfg).eval()
    torch.nn.init.normal_(head.frequency_bias.table.weight)
    objects, x = random_objects(3), feature_map(1)
    pairs = torch.tensor([[2, 0], [1, 2]])
    labels = objects.labels = torch.tensor([2, 0, 1])
    hiddens = []
    head.classifier.register_forward_hook(
        lambda layer, inputs, output: hiddens.append(*inputs)
    )
    [logits] = head(x, [objects], [pairs]).predicate_logits

    if gated:
        detected, boxes = objects.logits, head.box_embedding(objects.bboxes)
    else:
        detected = 1000 * torch.nn.functional.one_hot(
            objects.labels, NUM_CLASSES + 1
        )
        sizes = torch.full((3, 2), float(SIZE))
        boxes = head.box_embedding(objects.bboxes, sizes)
    sequences = ObjectSequences([3])
    regions = head.features.embed_objects(x, [objects.bboxes])
    words = detected.float().softmax(dim=1) @ head.object_embedding.weight
    hidden = head.object_encoder(
        torch.cat([regions, words, boxes], dim=1), sequences
    )
    torch.testing.assert_close(hiddens[0], hidden)
    edges = head.edge_encoder(
        torch.cat([regions, hidden, head.edge_embedding(labels)], dim=1),
        sequences,
    )
    subjects, targets = head.role_fc(edges).split(16, dim=1)
    unions = union_features(head, x, objects.bboxes, pairs)
    for (s, o), union, row in zip(pairs.tolist(), unions, logits, strict=True):
        roles = torch.cat([subjects[s], targets[o]])
        torch.testing.assert_close(
            row,
            head.predicate_fc(
                (head.gate_fc(roles).relu() if gated else head.gate_fc(roles))
                * union
            )
            + head.role_predicate_fc(roles)
            + head.frequency_bias(labels[[s, o]][None])[0],
        )


def test_weights_of_the_first_version_are_recognised():
    former = MODELS.build(gated_transformer_cfg()).state_dict()
    with pytest.raises(ValueError, match="type='GatedTransformerRelHead'"):
        MODELS.build(transformer_cfg()).load_state_dict(former)
