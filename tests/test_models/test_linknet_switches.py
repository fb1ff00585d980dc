"""The switches of the paper's ablation, one by one and together."""

import pytest
import torch

from mmsgg.models.relation_heads import LinkNetRelHead
from mmsgg.models.relation_heads.linknet_rel_head import RelationalEmbedding
from mmsgg.registry import MODELS

from .samples import (
    NO_REGIONS,
    NUM_CLASSES,
    NUM_PREDICATES,
    feature_map,
    features_cfg,
    given_objects,
    linknet_cfg,
    random_objects,
    random_sample,
)

NO_UNION = features_cfg(union_roi_extractor=None, union_head=None)
NO_REGION = features_cfg(object_roi_extractor=None, object_head=None)
NO_IMAGE = dict(NO_REGIONS, global_context=None)
SWITCHES = dict(
    whole={},
    one_object_block=dict(num_object_blocks=1),
    no_object_blocks=dict(num_object_blocks=0),
    one_edge_block=dict(num_edge_blocks=1),
    three_blocks=dict(num_object_blocks=3, num_edge_blocks=3),
    no_attention=dict(attention=False),
    scaled_attention=dict(scale_attention=True),
    scaled_and_normed=dict(scale_attention=True, norm=True),
    other_reduction=dict(reduction=8),
    no_context=dict(global_context=None),
    no_geometry=dict(geometric_layout=None),
    no_frequency=dict(frequency_bias=False),
    no_union=dict(features=NO_UNION),
    no_region=dict(features=NO_REGION),
    no_image=NO_IMAGE,
    gated=NO_IMAGE | dict(layout_gate=True),
    least=NO_IMAGE
    | dict(
        geometric_layout=None,
        frequency_bias=False,
        num_object_blocks=0,
        num_edge_blocks=1,
    ),
)


@pytest.fixture(params=SWITCHES)
def head(request):
    torch.manual_seed(0)
    return MODELS.build(linknet_cfg(**SWITCHES[request.param]))


def data_of(head, *sizes):
    x = feature_map(len(sizes)) if head.uses_image else ()
    samples = [random_sample(n, 2 * n if n > 1 else 0, n) for n in sizes]
    objects = [random_objects(n, n) for n in sizes]
    for image_objects, sample in zip(objects, samples, strict=True):
        image_objects.bboxes = sample.gt_instances.bboxes
    return x, objects, samples


def test_gradients_reach_every_parameter(head):
    losses = head.train().loss(*data_of(head, 5, 4))
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    without = {
        name
        for name, parameter in head.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    }
    # a bias that adds the same to each row of softmax(Q K^T) changes nothing
    assert {name for name in without if not name.endswith('W.bias')} == set()


@torch.no_grad()
def test_a_batch_equals_its_images_alone(head):
    head.eval()
    x, objects, _ = data_of(head, 4, 0, 1, 3)
    metas = [dict(scale_factor=(1.0, 1.0))] * 4
    graphs = head.predict(x, objects, metas)
    for i, graph in enumerate(graphs):
        image = tuple(level[i : i + 1] for level in x)
        [alone] = head.predict(image, objects[i : i + 1], metas[:1])
        for one, other in zip(graph, alone, strict=True):
            for key, value in one.items():
                torch.testing.assert_close(value, other[key])
    assert [len(relations) for _, relations in graphs] == [12, 0, 0, 6]


def test_switches_say_what_is_there():
    def build(**kwargs):
        return MODELS.build(linknet_cfg(**kwargs))

    whole = build()
    assert whole.uses_image and not build(**NO_IMAGE).uses_image
    for name in ('global_context', 'geometric_layout'):
        lean = build(**{name: None})
        gone = set(whole.state_dict()) - set(lean.state_dict())
        assert gone and all(key.startswith(name) for key in gone)
        assert lean.uses_image
    lean = build(num_object_blocks=1, num_edge_blocks=1)
    assert lean.edge_blocks[0].fc1.out_features == 2 * 16
    # O3 is the residual output of the only block, as wide as [f, K0 l, c]
    assert lean.edge_blocks[0].fc1.in_features == 8 + (16 + 8 + 8)
    assert lean.object_blocks[0].fc1.out_features == NUM_CLASSES + 1
    with pytest.raises(ValueError, match='num_edge_blocks is 0'):
        build(num_edge_blocks=0)


@torch.no_grad()
def test_without_object_blocks_the_detector_has_the_last_word():
    head = MODELS.build(linknet_cfg(num_object_blocks=0)).eval()
    x, objects, _ = data_of(head, 3)
    pairs = [head.all_pairs(objects[0].bboxes)]
    [logits] = head(x, objects, pairs).object_logits
    assert torch.equal(logits, objects[0].logits)


@torch.no_grad()
def test_without_attention_objects_stand_alone():
    x = torch.randn(3, 8)
    block = RelationalEmbedding(8, 4, attention=False)
    residual, output = block(x, [3])
    alone = [block(row, [1]) for row in x.split(1)]
    torch.testing.assert_close(residual, torch.cat([a for a, _ in alone]))
    torch.testing.assert_close(output, torch.cat([b for _, b in alone]))
    torch.testing.assert_close(residual, x + block.fc0(block.H(x)))


@torch.no_grad()
def test_given_scores_and_pairs_are_kept(head):
    head.eval()
    x, [objects], _ = data_of(head, 4)
    objects.labels = torch.tensor([1, 0, 2, 1])
    objects.scores = torch.tensor([0.9, 0.5, 0.8, 0.7])
    pairs = torch.tensor([[0, 1], [2, 2], [3, 0]])
    [(instances, relations)] = head.predict(x, [objects], [{}], pairs=[pairs])
    assert torch.equal(instances.scores, objects.scores)
    assert torch.equal(instances.labels, objects.labels)
    assert sorted(relations.pairs.tolist()) == pairs.tolist()
    best = relations.predicate_scores.max(dim=1).values
    expected = objects.scores[relations.pairs].prod(dim=1) * best
    torch.testing.assert_close(relations.scores, expected)
    assert relations.predicate_scores.shape[1] == NUM_PREDICATES


@torch.no_grad()
def test_layout_gate_stands_for_the_union_feature_only():
    def gate(**kwargs):
        cfg = linknet_cfg(**kwargs, layout_gate=True)
        return MODELS.build(cfg).layout_gate

    assert gate() is None
    assert gate(**NO_IMAGE).out_features == 16
    assert gate(**NO_IMAGE | dict(geometric_layout=None)) is None


def test_switches_of_the_config():
    head = MODELS.build(linknet_cfg(frequency_bias=False, reduction=4))
    assert isinstance(head, LinkNetRelHead) and head.frequency_bias is None
    assert head.object_blocks[1].W.out_features == 16 // 4


@pytest.mark.parametrize('weight', [0.0, 0.25, 1.0])
def test_context_loss_has_its_weight(weight):
    torch.manual_seed(0)
    head = MODELS.build(linknet_cfg(context_loss_weight=weight)).train()
    x, samples = feature_map(2), [random_sample(n, n, n) for n in (3, 2)]
    objects = [given_objects(sample, 0) for sample in samples]
    losses = head.loss(x, objects, samples)
    _, logits = head.global_context(x)
    terms = []
    for sample, row in zip(samples, logits.sigmoid(), strict=True):
        present = set(sample.gt_instances.labels.tolist())
        for label in range(NUM_CLASSES):
            likely = row[label] if label in present else 1 - row[label]
            terms.append(-likely.log())
    torch.testing.assert_close(
        losses['loss_context'], weight * torch.stack(terms).mean()
    )
