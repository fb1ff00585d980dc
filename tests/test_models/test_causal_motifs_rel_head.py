"""Causal Motifs: its effects; their values stand in test_sgb_heads.py."""

import pytest
import torch

from mmsgg.models.layers import FrequencyBias
from mmsgg.registry import MODELS

from .samples import (
    assert_same_graph,
    causal_motifs_cfg,
    class_targets,
    feature_map,
    metas,
    random_objects,
    random_sample,
)

EFFECTS = ('none', 'TDE', 'NIE', 'TE')


def build(effect, **kwargs):
    """A head whose means and frequency bias are no zeros."""
    torch.manual_seed(0)
    head = MODELS.build(causal_motifs_cfg(effect=effect, **kwargs)).eval()
    if head.frequency_bias is not None:
        torch.nn.init.normal_(head.frequency_bias.table.weight)
    for name, mean in head.named_buffers():
        if name.startswith('mean_'):
            mean.normal_()
    return head


@pytest.mark.parametrize('effect', EFFECTS)
@pytest.mark.parametrize('task', ['predcls', 'sgdet'])
@torch.no_grad()
def test_a_batch_and_chunks_equal_its_images_alone(effect, task):
    head, x = build(effect), feature_map(4)
    objects = [
        random_objects(n, seed, task) for seed, n in enumerate((5, 0, 1, 3))
    ]
    graphs = head.predict(x, objects, metas(4))
    head.features.max_pairs = 4
    for i, graph in enumerate(graphs):
        [alone] = head.predict(
            (x[0][i : i + 1],), objects[i : i + 1], metas(1)
        )
        assert_same_graph(graph, alone)


@torch.no_grad()
def test_effects_add_up():
    x, objects = feature_map(1), random_objects(4)
    pairs = [torch.tensor([[0, 1], [3, 2], [1, 0]])]
    direct, indirect, total = (
        build(effect)(x, [objects], pairs).predicate_logits[0]
        for effect in ('TDE', 'NIE', 'TE')
    )
    assert indirect.any()
    torch.testing.assert_close(direct + indirect, total)


@pytest.mark.parametrize('effect', EFFECTS)
@torch.no_grad()
def test_without_a_frequency_bias(effect):
    head = build(effect, frequency_bias=False)
    pairs = [torch.tensor([[0, 1], [1, 0]])]
    output = head(feature_map(1), [random_objects(2)], pairs)
    [logits] = output.predicate_logits
    assert logits.isfinite().all()
    assert logits.any() == (effect != 'NIE')


@torch.no_grad()
def test_training_ranks_by_no_effect():
    sample = random_sample(4, 6, 0)
    objects = random_objects(4)
    objects.bboxes = sample.gt_instances.bboxes
    losses = []
    for effect in ('none', 'TDE'):
        head = build(effect).train()
        torch.manual_seed(1)
        losses.append(head.loss(feature_map(1), [objects], [sample]))
    torch.testing.assert_close(*losses)
    assert {'loss_context', 'loss_union', 'loss_frequency'} < {*losses[0]}


@torch.no_grad()
def test_boxes_of_a_small_image_are_parts_of_100_pixels():
    head, objects = build('none'), random_objects(2)
    layouts = []
    head.layout_fc.register_forward_hook(
        lambda layer, inputs, output: layouts.append(*inputs)
    )
    head(feature_map(1), [objects], [torch.tensor([[1, 0]])])
    corners = layouts[0][0].unflatten(0, (4, 8))[:2, :4]
    torch.testing.assert_close(corners, objects.bboxes[[1, 0]] / 100)


@torch.no_grad()
def test_means_move_towards_what_training_sees():
    """Objects without pairs, or none at all, leave what they cannot show."""
    head = build('TDE', momentum=0.25).train()
    x, objects = feature_map(1), [random_objects(3)]
    targets = [class_targets([0, 2, 1])]
    before = {name: mean.clone() for name, mean in head.named_buffers()}
    context = head.encode(x, objects, targets)
    head(x, objects, [targets[0].pairs], targets)
    for name in ('inputs', 'context', 'words'):
        seen = getattr(context, name).mean(dim=0)
        expected = before[f'mean_{name}'].lerp(seen, 0.25)
        found = getattr(head, f'mean_{name}')
        torch.testing.assert_close(found, expected)
        before[f'mean_{name}'] = found.clone()
    none = class_targets([])
    head(x, [random_objects(0)], [none.pairs], [none])
    for name, mean in head.named_buffers():
        if name.startswith('mean_'):
            assert torch.equal(mean, before[name]), name


def test_an_unknown_effect_is_refused():
    with pytest.raises(ValueError, match='one of none, TDE, NIE, TE'):
        build('tde')


@torch.no_grad()
def test_the_bias_expected_of_distributions():
    bias = FrequencyBias(3, 2, background=True)
    torch.nn.init.normal_(bias.table.weight)
    subjects, objects = torch.rand(2, 5, 4).softmax(dim=2)
    joint = (subjects[:, :, None] * objects[:, None]).flatten(1)
    torch.testing.assert_close(
        bias.expected(subjects, objects), joint @ bias.table.weight
    )
