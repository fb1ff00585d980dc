import pytest
import torch

from mmsgg.registry import MODELS

from .samples import NUM_CLASSES, feature_map, motifs_cfg, random_objects


def rank(order, box, logits):
    """What Python sorts by."""
    x1, y1, x2, y2 = box.tolist()
    return dict(
        leftright=(x1 + x2) / 2,
        size=-(x2 - x1) * (y2 - y1),
        confidence=-float(logits.softmax(dim=0)[:-1].max()),
    )[order]


@pytest.mark.parametrize('order', ['leftright', 'size', 'confidence'])
def test_objects_are_read_in_order(order):
    head = MODELS.build(motifs_cfg(order=order))
    objects = [random_objects(n, n) for n in (6, 0, 5)]
    rows = torch.cat([torch.arange(len(image)) for image in objects])
    padded = head.sequences(objects).pad(rows + 1) - 1
    for image, found in zip(objects, padded, strict=True):
        expected = sorted(
            range(len(image)),
            key=lambda i: rank(order, image.bboxes[i], image.logits[i]),
        )
        assert found[: len(image)].tolist() == expected
        assert len(image) == 0 or expected != sorted(expected)


def test_an_unknown_order_is_refused():
    with pytest.raises(ValueError, match='one of leftright, confidence, size'):
        MODELS.build(motifs_cfg(order='random'))


@torch.no_grad()
def test_the_decoder_is_told_what_is_known():
    head = MODELS.build(motifs_cfg()).eval()
    objects = [random_objects(2, i) for i in range(3)]
    objects[0].labels = torch.tensor([1, 2])
    objects[1].target_labels = torch.tensor([NUM_CLASSES, 3])
    forced = head.forced_labels(objects)
    assert forced.tolist() == [1, 2, NUM_CLASSES, 3, NUM_CLASSES, NUM_CLASSES]


@torch.no_grad()
def test_classes_depend_on_those_before_them():
    torch.manual_seed(0)
    head = MODELS.build(motifs_cfg()).train()
    head.box_embedding.dropout.p = 0.0
    objects = random_objects(3)
    order = (objects.bboxes[:, 0] + objects.bboxes[:, 2]).argsort()
    logits = []
    for label in range(2):
        objects.target_labels = torch.full((3,), label)
        [found], _ = head(
            feature_map(1), [objects], [torch.zeros(0, 2).long()]
        )
        logits.append(found[order])
    torch.testing.assert_close(logits[0][0], logits[1][0])
    assert not torch.allclose(logits[0][1:], logits[1][1:], atol=1e-4)


@torch.no_grad()
def test_pairs_are_the_product_of_three_features():
    torch.manual_seed(0)
    head = MODELS.build(motifs_cfg()).eval()
    torch.nn.init.normal_(head.frequency_bias.table.weight)
    objects, x = random_objects(3, task='predcls'), feature_map(1)
    edges = []
    head.role_fc.register_forward_hook(lambda *args: edges.append(args[2]))
    pairs = torch.tensor([[2, 0], [1, 2]])
    _, [logits] = head(x, [objects], [pairs])
    pooled = head.union_roi_extractor(x, [objects.bboxes], [pairs])
    for (s, o), union, row in zip(
        pairs.tolist(), head.union_head(pooled), logits, strict=True
    ):
        joint = edges[0][s, :16] * edges[0][o, 16:] * union
        bias = head.frequency_bias(objects.labels[[s, o]][None])[0]
        torch.testing.assert_close(row, head.predicate_fc(joint) + bias)
