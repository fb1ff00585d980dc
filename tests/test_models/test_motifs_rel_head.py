"""Motifs: its layers against plain loops, and what its head does."""

import pytest
import torch

from mmsgg.models.layers import ObjectSequences
from mmsgg.models.relation_heads.motifs_lstm import LabelDecoder, ObjectLSTM
from mmsgg.registry import MODELS

from .samples import (
    NUM_CLASSES,
    class_targets,
    feature_map,
    motifs_cfg,
    product_motifs_cfg,
    random_features,
    random_objects,
    sorted_rows,
    union_features,
)

NUM_OBJECTS = [3, 0, 5, 1]


@torch.no_grad()
def test_lstm_reads_each_image_by_itself():
    x, keys = random_features(9, 6), random_features(9, 1, 1)[:, 0]
    torch.manual_seed(0)
    lstm = ObjectLSTM(6, 8, num_layers=2).eval()
    plain = torch.nn.LSTM(6, 4, 2, bidirectional=True)
    plain.load_state_dict(lstm.state_dict())
    expected = torch.zeros(9, 8)
    for rows in sorted_rows(NUM_OBJECTS, keys):
        if rows:
            expected[rows] = plain(x[rows][:, None])[0][:, 0]
    out = lstm(x, ObjectSequences(NUM_OBJECTS, keys))
    torch.testing.assert_close(out, expected)


@pytest.mark.parametrize('highway', [False, True])
@torch.no_grad()
def test_decoder_goes_on_from_the_class_before(highway):
    context, keys = random_features(9, 6), random_features(9, 1, 1)[:, 0]
    background = 4
    forced = torch.tensor([4, 0, 4, 3, 4, 4, 1, 2, 4])
    torch.manual_seed(0)
    decoder = LabelDecoder(
        6, 8, num_classes=background, embed_channels=5, highway=highway
    )
    expected = torch.zeros(9, background + 1)
    used = set()
    for rows in sorted_rows(NUM_OBJECTS, keys):
        state, label = None, background
        for row in rows:
            used.add(label)
            word = decoder.embedding.weight[label]
            state = decoder.cell(torch.cat([context[row], word])[None], state)
            expected[row] = decoder.classifier(state[0])[0]
            label = int(forced[row])
            if label == background:
                label = int(expected[row, :-1].argmax())
    logits = decoder(context, forced, ObjectSequences(NUM_OBJECTS, keys))
    torch.testing.assert_close(logits, expected)
    assert len(used) > 2  # it matters what came before


def test_a_channel_is_dropped_from_all_steps_of_an_image():
    torch.manual_seed(0)
    decoder = LabelDecoder(6, 8, 4, 5, dropout=0.5).train()
    states = []
    decoder.classifier.register_forward_hook(
        lambda layer, inputs, output: states.append(*inputs)
    )
    forced = torch.zeros(9, dtype=torch.long)
    decoder(random_features(9, 6), forced, ObjectSequences([5, 4]))
    dropped = (torch.stack(states)[:4] == 0).sum(dim=0)  # image, channel
    assert {*dropped.flatten().tolist()} == {0, 4}
    assert not torch.equal(*dropped)


@torch.no_grad()
def test_a_dropped_channel_stays_in_the_cell(monkeypatch):
    torch.manual_seed(0)
    decoder = LabelDecoder(6, 8, 4, 5, dropout=0.5).train()
    kept = torch.tensor([[0.0, 2] * 4])
    monkeypatch.setattr(torch.nn.functional, 'dropout', lambda *args: kept)
    context, state, expected = random_features(3, 6), None, []
    for x, label in zip(context, (4, 1, 2), strict=True):
        word = decoder.embedding.weight[label]
        hidden, cell = decoder.cell(torch.cat([x, word])[None], state)
        state = hidden * kept, cell
        expected.append(decoder.classifier(state[0])[0])
    forced = torch.tensor([1, 2, 3])
    logits = decoder(context, forced, ObjectSequences([3]))
    torch.testing.assert_close(logits, torch.stack(expected))


def rank(order, box, logits):
    """What Python sorts by."""
    x1, y1, x2, y2 = box.tolist()
    return dict(
        leftright=(x1 + x2) / 2,
        rightleft=-(x1 + x2) / 2,
        size=-(x2 - x1) * (y2 - y1),
        confidence=-float(logits.softmax(dim=0)[:-1].max()),
    )[order]


@pytest.mark.parametrize(
    'order', ['rightleft', 'leftright', 'size', 'confidence']
)
def test_objects_are_read_in_order(order):
    head = MODELS.build(motifs_cfg(order=order))
    objects = [random_objects(n, n) for n in (6, 0, 5)]
    rows = torch.cat([torch.arange(len(image)) for image in objects])
    sequences = head.sequences(
        [image.bboxes for image in objects],
        torch.cat([image.logits for image in objects]),
    )
    padded = sequences.pad(rows + 1) - 1
    for image, found in zip(objects, padded, strict=True):
        expected = sorted(
            range(len(image)),
            key=lambda i: rank(order, image.bboxes[i], image.logits[i]),
        )
        assert found[: len(image)].tolist() == expected
        assert len(image) == 0 or expected != sorted(expected)


def test_an_unknown_order_is_refused():
    with pytest.raises(
        ValueError, match='one of rightleft, leftright, confid'
    ):
        MODELS.build(motifs_cfg(order='random'))


@torch.no_grad()
def test_the_decoder_is_told_what_is_known():
    head = MODELS.build(motifs_cfg()).eval()
    objects = [random_objects(2, i) for i in range(3)]
    objects[0].labels = torch.tensor([1, 2])
    targets = [
        class_targets([0, 0]),  # what is given comes first
        class_targets([NUM_CLASSES, 3]),
        class_targets([NUM_CLASSES, 0]),
    ]
    known = head.known_classes(objects, targets)
    assert known.tolist() == [1, 2, NUM_CLASSES, 3, NUM_CLASSES, 0]
    known = head.known_classes(objects, None)
    assert known.tolist() == [1, 2, *[NUM_CLASSES] * 4]


@torch.no_grad()
def test_classes_depend_on_those_before_them():
    torch.manual_seed(0)
    head = MODELS.build(motifs_cfg()).train()
    objects = random_objects(3)
    order = (objects.bboxes[:, 0] + objects.bboxes[:, 2]).argsort().flip(0)
    logits = []
    for label in range(2):
        targets = class_targets([label] * 3)
        output = head(feature_map(1), [objects], [targets.pairs], [targets])
        logits.append(output.object_logits[0][order])
    torch.testing.assert_close(logits[0][0], logits[1][0])
    assert not torch.allclose(logits[0][1:], logits[1][1:], atol=1e-4)


@torch.no_grad()
def test_pairs_are_the_product_of_three_features():
    torch.manual_seed(0)
    head = MODELS.build(product_motifs_cfg()).eval()
    torch.nn.init.normal_(head.frequency_bias.table.weight)
    objects, x = random_objects(3, task='predcls'), feature_map(1)
    edges = []
    head.role_fc.register_forward_hook(lambda *args: edges.append(args[2]))
    pairs = torch.tensor([[2, 0], [1, 2]])
    [logits] = head(x, [objects], [pairs]).predicate_logits
    unions = union_features(head, x, objects.bboxes, pairs)
    for (s, o), union, row in zip(pairs.tolist(), unions, logits, strict=True):
        joint = edges[0][s, :16] * edges[0][o, 16:] * union
        bias = head.frequency_bias(objects.labels[[s, o]][None])[0]
        torch.testing.assert_close(row, head.predicate_fc(joint) + bias)


def test_weights_of_the_first_version_are_recognised():
    head = MODELS.build(motifs_cfg())
    former = MODELS.build(product_motifs_cfg())
    with pytest.raises(ValueError, match="type='ProductMotifsRelHead'"):
        head.load_state_dict(former.state_dict())
    MODELS.build(product_motifs_cfg()).load_state_dict(former.state_dict())
