import torch

from mmsgg.models.layers import ObjectSequences
from mmsgg.registry import MODELS

from .samples import feature_map, random_objects, transformer_cfg


@torch.no_grad()
def test_the_equations_step_by_step():
    torch.manual_seed(0)
    head = MODELS.build(transformer_cfg()).eval()
    torch.nn.init.normal_(head.frequency_bias.table.weight)
    objects, x = random_objects(3), feature_map(1)
    pairs = torch.tensor([[2, 0], [1, 2]])
    [class_logits], _ = head(x, [objects], [pairs])
    labels = objects.labels = torch.tensor([2, 0, 1])
    _, [logits] = head(x, [objects], [pairs])

    sequences = ObjectSequences([3])
    regions = head.embed_regions(x, [objects.bboxes])
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
    pooled = head.union_roi_extractor(x, [objects.bboxes], [pairs])
    for (s, o), union, row in zip(
        pairs.tolist(), head.union_head(pooled), logits, strict=True
    ):
        roles = torch.cat([subjects[s], targets[o]])
        torch.testing.assert_close(
            row,
            head.predicate_fc(torch.relu(head.gate_fc(roles)) * union)
            + head.role_predicate_fc(roles)
            + head.frequency_bias(labels[[s, o]][None])[0],
        )
