"""The transformer head: its encoder, and its equations step by step."""

import pytest
import torch

from mmsgg.models.layers import ObjectSequences
from mmsgg.models.relation_heads.transformer_rel_head import ObjectTransformer
from mmsgg.registry import MODELS

from .samples import (
    feature_map,
    random_features,
    random_objects,
    transformer_cfg,
    union_features,
)

NUM_OBJECTS = [3, 0, 5, 1]


@pytest.mark.parametrize('training', [False, True])
def test_transformer_reads_each_image_by_itself(training):
    x = random_features(9, 6).requires_grad_()
    torch.manual_seed(0)
    net = ObjectTransformer(6, 8, 2, 2, 16, dropout=0.0).train(training)
    weights = [layer.linear1.weight for layer in net.encoder.layers]
    assert not torch.equal(*weights)
    out = net(x, ObjectSequences(NUM_OBJECTS))
    expected = torch.cat(
        [
            net.encoder(net.fc(rows)[None])[0]
            for rows in x.split(NUM_OBJECTS)
            if len(rows)
        ]
    )
    torch.testing.assert_close(out, expected)
    out.square().sum().backward()
    assert x.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in net.parameters())


@torch.no_grad()
def test_the_equations_step_by_step():
    torch.manual_seed(0)
    head = MODELS.build(transformer_cfg()).eval()
    torch.nn.init.normal_(head.frequency_bias.table.weight)
    objects, x = random_objects(3), feature_map(1)
    pairs = torch.tensor([[2, 0], [1, 2]])
    [class_logits] = head(x, [objects], [pairs]).object_logits
    labels = objects.labels = torch.tensor([2, 0, 1])
    [logits] = head(x, [objects], [pairs]).predicate_logits

    sequences = ObjectSequences([3])
    regions = head.features.embed_objects(x, [objects.bboxes])
    words = objects.logits.softmax(dim=1) @ head.object_embedding.weight
    boxes = head.box_embedding(objects.bboxes)
    hidden = head.object_encoder(
        torch.cat([regions, words, boxes], dim=1), sequences
    )
    torch.testing.assert_close(class_logits, head.classifier(hidden))
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
            head.predicate_fc(torch.relu(head.gate_fc(roles)) * union)
            + head.role_predicate_fc(roles)
            + head.frequency_bias(labels[[s, o]][None])[0],
        )
