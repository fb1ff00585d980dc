import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmsgg.models.layers import (
    BoxEmbedding,
    FrequencyBias,
    GeometricLayout,
    ObjectSequences,
    RelativeBoxEmbedding,
    RobustBatchNorm1d,
    RobustBatchNorm2d,
)
from mmsgg.models.relation_heads.pair_features import UnionRoIExtractor
from mmsgg.registry import MODELS
from mmsgg.structures.bbox import detailed_geometry, relative_geometry

from .samples import sorted_rows, vctree_cfg


def test_relative_geometry_against_numbers_worked_out_by_hand():
    subject = torch.tensor([[10.0, 20.0, 29.0, 59.0]])  # 20 x 40, at 20, 40
    target = torch.tensor([[30.0, 20.0, 39.0, 29.0]])  # 10 x 10, at 35, 25
    expected = torch.tensor([[15 / 20, -15 / 40, np.log(0.5), np.log(0.25)]])
    torch.testing.assert_close(
        relative_geometry(subject, target), expected, check_dtype=False
    )


def test_detailed_geometry_against_numbers_worked_out_by_hand():
    subject = torch.tensor([[10.0, 20.0, 29.0, 59.0]])  # 20 x 40, at 20, 40
    target = torch.tensor([[25.0, 50.0, 34.0, 69.0]])  # 10 x 20, at 30, 60
    expected = torch.tensor(  # 5 x 10 pixels in common
        [
            *(10 / 20, 20 / 40, -np.log(2), -np.log(2)),
            *(10 / 10, 20 / 20, 10 / 30, 20 / 60, 5 / 10, 10 / 20),
            *(50 / 950, 50 / 800, 50 / 200, -np.log(2), -np.log(2)),
        ]
    )
    expected = expected.sign() * torch.log(1 + expected.abs())
    torch.testing.assert_close(
        detailed_geometry(subject, target)[0], expected, check_dtype=False
    )


def test_detailed_geometry_of_boxes_apart():
    subject = torch.tensor([[0.0, 0.0, 9.0, 9.0]])
    target = torch.tensor([[20.0, 0.0, 24.0, 9.0]])  # 10 pixels to the right
    layout = detailed_geometry(subject, target)[0]
    torch.testing.assert_close(layout[8], -torch.tensor(3.0).log())
    assert not layout[10:13].any()


@given(
    corners=st.lists(st.integers(0, 400), min_size=8, max_size=8),
    shift=st.integers(0, 300),
    scale=st.integers(1, 4),
)
@pytest.mark.parametrize('geometry', [relative_geometry, detailed_geometry])
def test_geometry_knows_no_place_and_no_scale(geometry, corners, shift, scale):
    boxes = torch.tensor(corners).reshape(2, 2, 2).sort(dim=1)[0]
    boxes = boxes.flatten(1).double()
    one = boxes.new_tensor([0, 0, 1, 1])
    moved = scale * (boxes + one + shift) - one  # of the last pixels too
    torch.testing.assert_close(
        geometry(moved[:1], moved[1:]), geometry(boxes[:1], boxes[1:])
    )


@pytest.mark.parametrize('geometry', [relative_geometry, detailed_geometry])
def test_geometry_of_empty_boxes_is_finite(geometry):
    boxes = torch.tensor([[3.0, 3.0, 3.0, 3.0], [9.0, 9.0, 2.0, 2.0]])
    assert geometry(boxes, boxes.flip(0)).isfinite().all()


@pytest.mark.parametrize('detailed', [False, True])
@pytest.mark.parametrize('num_pairs', [0, 1, 5])
def test_geometric_layout_trains_on_any_number_of_pairs(num_pairs, detailed):
    layout = GeometricLayout(out_channels=6, detailed=detailed)
    boxes = torch.rand(num_pairs, 4) + torch.tensor([0, 0, 9, 9])
    out = layout(boxes, boxes.flip(0))
    assert out.shape == (num_pairs, 6)
    out.sum().backward()
    assert layout.fc.weight.grad is not None
    assert layout.norm.running_mean.isfinite().all()


def test_robust_batch_norm_is_batch_norm_on_real_batches():
    x = torch.randn(8, 3)
    ours, theirs = RobustBatchNorm1d(3), torch.nn.BatchNorm1d(3)
    torch.testing.assert_close(ours(x), theirs(x))
    ours, theirs = ours.eval(), theirs.eval()
    theirs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(ours(x), theirs(x))
    empty = RobustBatchNorm2d(3)
    assert empty(torch.zeros(0, 3, 2, 2)).shape == (0, 3, 2, 2)
    assert empty.running_mean.isfinite().all()


def test_running_statistics_are_a_mean_first_and_then_move():
    generator = torch.Generator().manual_seed(0)
    batches = 3 + 2 * torch.randn(60, 8, 3, generator=generator)
    norm = RobustBatchNorm1d(3, momentum=0.05)
    means, variances = batches.mean(dim=1), batches.var(dim=1)
    for n, batch in enumerate(batches, start=1):
        norm(batch)
        norm(batch[:1])  # too small to say anything
        if n <= 20:
            mean, variance = means[:n].mean(dim=0), variances[:n].mean(dim=0)
        else:
            mean = 0.95 * mean + 0.05 * means[n - 1]
            variance = 0.95 * variance + 0.05 * variances[n - 1]
        torch.testing.assert_close(norm.running_mean, mean)
        torch.testing.assert_close(norm.running_var, variance)


def test_without_momentum_the_statistics_are_a_mean():
    batches = torch.randn(3, 8, 3, generator=torch.Generator().manual_seed(0))
    norm = RobustBatchNorm1d(3, momentum=None)
    for batch in batches:
        norm(batch)
    torch.testing.assert_close(norm.running_mean, batches.mean(dim=(0, 1)))


def test_loaded_statistics_go_on_from_their_own_batches():
    one, other = torch.randn(2, 8, 3).unbind()
    norm, fresh = RobustBatchNorm1d(3), RobustBatchNorm1d(3).state_dict()
    norm(one)
    norm.load_state_dict(fresh)
    norm(other)
    torch.testing.assert_close(norm.running_mean, other.mean(dim=0))


def test_momentum_of_the_published_code():
    scores = MODELS.build(vctree_cfg()).tree_scores
    norms = [
        *(layer.norm for layer in (GeometricLayout(), BoxEmbedding())),
        RelativeBoxEmbedding()[1],
        *(layer[1] for layer in (scores.box_fc, scores.overlap_fc)),
    ]
    assert [norm.momentum for norm in norms] == [0.001] * 5
    drawing = UnionRoIExtractor._drawing_net(8)
    norms = [m for m in drawing if isinstance(m, RobustBatchNorm2d)]
    assert [norm.momentum for norm in norms] == [0.01] * 2


def test_frequency_bias_from_counts():
    bias = FrequencyBias(2, 2)
    assert not bias.table.weight.any()
    counts = np.zeros((2, 2, 3), dtype=np.int64)
    counts[0, 1] = [6, 1, 2]  # two predicates, then unrelated
    bias.set_counts(counts)
    out = bias(torch.tensor([[0, 1], [1, 0]]))
    seen = np.log(np.array([6, 1, 3]) / 10 + 1e-3)
    unseen = np.log(np.array([0, 0, 1]) + 1e-3)
    torch.testing.assert_close(
        out.detach(), torch.tensor(np.stack([seen, unseen])).float()
    )
    assert counts[0, 1, 2] == 2  # the caller's array is left alone


def test_frequency_bias_names_a_wrong_vocabulary():
    with pytest.raises(ValueError, match=r'\(3, 3, 3\).*\(2, 2, 3\)'):
        FrequencyBias(2, 2).set_counts(np.zeros((3, 3, 3)))


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
def test_box_embedding_sees_centre_and_size():
    embed = BoxEmbedding(3).eval()
    boxes = torch.tensor([[2.0, 4.0, 10.0, 8.0]])
    shape = torch.tensor([[6.0, 6.0, 8.0, 4.0]])
    expected = torch.relu(embed.fc(embed.norm(shape)))
    torch.testing.assert_close(embed(boxes), expected)
    assert embed(boxes[:0]).shape == (0, 3)
