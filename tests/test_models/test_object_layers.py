"""The layers that run over the objects of an image, against plain loops."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmsgg.models.layers import (
    BoxEmbedding,
    LabelDecoder,
    ObjectLSTM,
    ObjectSequences,
    ObjectTransformer,
)

SIZES = [3, 0, 5, 1]


def random_features(num, channels, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num, channels, generator=generator)


def sorted_rows(sizes, keys):
    """The rows of each image in the order of Python's sort."""
    first = 0
    for size in sizes:
        yield sorted(range(first, first + size), key=keys.tolist().__getitem__)
        first += size


@given(st.lists(st.integers(0, 4), min_size=1, max_size=5), st.integers(0, 99))
def test_sequences_are_sorted_and_undone(sizes, seed):
    generator = torch.Generator().manual_seed(seed)
    # few values, so that there are ties
    keys = torch.randint(3, (sum(sizes),), generator=generator).float()
    x = torch.arange(2.0 * sum(sizes)).reshape(-1, 2) + 1
    sequences = ObjectSequences(sizes, keys)
    padded = sequences.pad(x)
    longest = max(*sizes, 1)
    assert padded.shape == (len(sizes), longest, 2)
    for image, rows in zip(padded, sorted_rows(sizes, keys), strict=True):
        assert torch.equal(image[: len(rows)], x[rows])
        assert not image[len(rows) :].any()
    assert torch.equal(sequences.unpad(padded), x)
    assert sequences.lengths.tolist() == [max(n, 1) for n in sizes]
    unused = [longest - max(n, 1) for n in sizes]
    assert sequences.padding.sum(dim=1).tolist() == unused
    in_given_order = ObjectSequences(sizes).pad(x)
    for image, rows in zip(in_given_order, x.split(sizes), strict=True):
        assert torch.equal(image[: len(rows)], rows)


@torch.no_grad()
def test_lstm_reads_each_image_by_itself():
    x, keys = random_features(9, 6), random_features(9, 1, 1)[:, 0]
    torch.manual_seed(0)
    lstm = ObjectLSTM(6, 8, num_layers=2).eval()
    plain = torch.nn.LSTM(6, 4, 2, bidirectional=True)
    plain.load_state_dict(lstm.state_dict())
    expected = torch.zeros(9, 8)
    for rows in sorted_rows(SIZES, keys):
        if rows:
            expected[rows] = plain(x[rows][:, None])[0][:, 0]
    out = lstm(x, ObjectSequences(SIZES, keys))
    torch.testing.assert_close(out, expected)


@pytest.mark.parametrize('training', [False, True])
def test_transformer_reads_each_image_by_itself(training):
    x = random_features(9, 6).requires_grad_()
    torch.manual_seed(0)
    net = ObjectTransformer(6, 8, 2, 2, 16, dropout=0.0).train(training)
    weights = [layer.linear1.weight for layer in net.encoder.layers]
    assert not torch.equal(*weights)
    out = net(x, ObjectSequences(SIZES))
    expected = torch.cat(
        [
            net.encoder(net.fc(rows)[None])[0]
            for rows in x.split(SIZES)
            if len(rows)
        ]
    )
    torch.testing.assert_close(out, expected)
    out.square().sum().backward()
    assert x.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in net.parameters())


@torch.no_grad()
def test_decoder_goes_on_from_the_class_before():
    context, keys = random_features(9, 6), random_features(9, 1, 1)[:, 0]
    background = 4
    forced = torch.tensor([4, 0, 4, 3, 4, 4, 1, 2, 4])
    torch.manual_seed(0)
    decoder = LabelDecoder(6, 8, num_classes=background, embed_channels=5)
    expected = torch.zeros(9, background + 1)
    used = set()
    for rows in sorted_rows(SIZES, keys):
        state, label = None, background
        for row in rows:
            used.add(label)
            word = decoder.embedding.weight[label]
            state = decoder.cell(torch.cat([context[row], word])[None], state)
            expected[row] = decoder.classifier(state[0])[0]
            label = int(forced[row])
            if label == background:
                label = int(expected[row, :-1].argmax())
    logits = decoder(context, forced, ObjectSequences(SIZES, keys))
    torch.testing.assert_close(logits, expected)
    assert len(used) > 2  # it matters what came before


@torch.no_grad()
def test_box_embedding_sees_centre_and_size():
    embed = BoxEmbedding(3).eval()
    boxes = torch.tensor([[2.0, 4.0, 10.0, 8.0]])
    shape = torch.tensor([[6.0, 6.0, 8.0, 4.0]])
    expected = torch.relu(embed.fc(embed.norm(shape)))
    torch.testing.assert_close(embed(boxes), expected)
    assert embed(boxes[:0]).shape == (0, 3)
