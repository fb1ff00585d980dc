"""The blocks and the global context of LinkNet."""

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from mmsgg.models.layers import GlobalContext
from mmsgg.models.relation_heads.linknet_rel_head import RelationalEmbedding


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


@pytest.mark.parametrize('activation', ['sigmoid', 'softmax'])
def test_global_context_loss_reaches_the_layer_before_c(activation):
    torch.manual_seed(0)
    context = GlobalContext(3, 4, out_channels=5, activation=activation)
    c, logits = context((torch.rand(2, 3, 4, 4),))
    assert c.shape == (2, 5) and logits.shape == (2, 5)
    labels = [torch.tensor([1, 1, 3]), torch.zeros(0, dtype=torch.long)]
    loss = context.loss(logits, labels)
    present = torch.tensor([[0, 1, 0, 1], [0, 0, 0, 0.0]])
    probs = dict(sigmoid=logits.sigmoid(), softmax=logits.softmax(dim=1))
    probs = probs[activation][:, :4]  # background takes its share
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


@pytest.fixture
def autocast_on_gpu():
    """Its rules, which tensors without values obey where there is no GPU."""
    with FakeTensorMode(), torch.device('cuda'):
        try:
            torch.empty(1).uniform_()
        except RuntimeError:
            pytest.skip('torch 2.1, or one for the CPU alone')
        torch.set_autocast_enabled(True)
        yield
        torch.set_autocast_enabled(False)


@pytest.mark.parametrize('activation', ['sigmoid', 'softmax'])
def test_global_context_trains_with_amp_on_a_gpu(activation, autocast_on_gpu):
    encode = GlobalContext(3, 4, activation=activation)
    _, logits = encode((torch.empty(2, 3, 5, 5),))
    labels = [torch.empty(n, dtype=torch.long) for n in (2, 0)]
    assert logits.dtype == torch.float16
    assert encode.loss(logits, labels).dtype == torch.float32
