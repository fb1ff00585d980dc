import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmsgg.models.layers import (
    BoxEmbedding,
    FrequencyBias,
    GeometricLayout,
    GlobalContext,
    RelationalEmbedding,
    RobustBatchNorm1d,
    RobustBatchNorm2d,
)
from mmsgg.structures.bbox import detailed_geometry, relative_geometry


def slow_block(block, objects, scale=1.0, norm=False):
    """The equations of the paper for one image, one object at a time."""
    outputs, inputs = [], objects
    if norm:
        centred = objects - objects.mean(dim=1, keepdim=True)
        variance = centred.square().mean(dim=1, keepdim=True)
        objects = centred / (variance + 1e-5).sqrt()
    for i in range(len(objects)):
        scores = [
            scale * float(block.W(objects[i]) @ block.U(objects[j]))
            for j in range(len(objects))
        ]
        weights = np.exp(np.array(scores) - max(scores))
        weights /= weights.sum()
        mixed = sum(
            float(w) * block.H(o)
            for w, o in zip(weights, objects, strict=True)
        )
        residual = inputs[i] + block.fc0(mixed)
        outputs.append((residual, block.fc1(residual)))
    return outputs


@pytest.mark.parametrize('norm', [False, True])
@pytest.mark.parametrize('scale', [False, True])
@torch.no_grad()
def test_relational_embedding_follows_the_equations(scale, norm):
    torch.manual_seed(0)
    block = RelationalEmbedding(6, 5, reduction=2, scale=scale, norm=norm)
    assert block.W.out_features == 3
    # far from mean 0 and variance 1, so that a norm shows
    objects = 2 * torch.randn(4, 6) + 1
    residual, out = block(objects, [4])
    slow = slow_block(block, objects, 3**-0.5 if scale else 1.0, norm)
    for i, (slow_residual, slow_out) in enumerate(slow):
        torch.testing.assert_close(residual[i], slow_residual)
        torch.testing.assert_close(out[i], slow_out)


@torch.no_grad()
def test_relational_embedding_keeps_images_apart():
    torch.manual_seed(0)
    block = RelationalEmbedding(6, 5)
    images = [torch.randn(n, 6) for n in (3, 0, 1, 2)]
    residual, out = block(torch.cat(images), [3, 0, 1, 2])
    alone = [block(image, [len(image)]) for image in images]
    torch.testing.assert_close(residual, torch.cat([r for r, _ in alone]))
    torch.testing.assert_close(out, torch.cat([o for _, o in alone]))


def test_relational_embedding_of_nothing():
    block = RelationalEmbedding(6, 5)
    residual, out = block(torch.zeros(0, 6), [0, 0])
    assert residual.shape == (0, 6) and out.shape == (0, 5)
    out.sum().backward()  # a rank without objects still takes part
    assert block.W.weight.grad is not None


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


def test_momentum_of_neural_motifs():
    for layer in (GeometricLayout(), BoxEmbedding()):
        assert layer.norm.momentum == 0.001


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


def test_global_context_loss_reaches_the_layer_before_c():
    torch.manual_seed(0)
    context = GlobalContext(in_channels=3, num_classes=4, out_channels=5)
    c, logits = context((torch.rand(2, 3, 4, 4),))
    assert c.shape == (2, 5) and logits.shape == (2, 5)
    labels = [torch.tensor([1, 1, 3]), torch.zeros(0, dtype=torch.long)]
    loss = context.loss(logits, labels)
    present = torch.tensor([[0, 1, 0, 1], [0, 0, 0, 0.0]])
    probs = logits[:, :4].sigmoid()
    by_hand = -(present * probs.log() + (1 - present) * (1 - probs).log())
    torch.testing.assert_close(loss, by_hand.mean())
    loss.backward()
    assert context.embed[0].weight.grad.any()


def test_global_context_of_the_seed_is_the_pooled_map():
    context = GlobalContext(3, 4, out_channels=None, activation='softmax')
    fmap = torch.rand(2, 3, 4, 4)
    c, _ = context((torch.zeros(2, 9, 8, 8), fmap))  # the last level counts
    torch.testing.assert_close(c, fmap.mean(dim=(2, 3)))
    assert context.out_channels == 3


def test_global_context_reads_the_level_it_is_told():
    x = tuple(
        torch.full((2, 3, 8 // 2**i, 8 // 2**i), i + 1.0) for i in range(3)
    )
    context = GlobalContext(3, 4, out_channels=None, level=1)
    assert torch.equal(context(x)[0], torch.full((2, 3), 2.0))
    last = GlobalContext(3, 4, out_channels=None)
    assert torch.equal(last(x)[0], torch.full((2, 3), 3.0))


def test_global_context_refuses_an_unknown_activation():
    with pytest.raises(ValueError, match='sigmoid'):
        GlobalContext(3, 4, activation='relu')
