"""Queries as objects, in one pass with the losses of their detector."""

from copy import deepcopy

import pytest
import torch
from mmdet.structures.bbox import bbox_cxcywh_to_xyxy

from mmsgg.registry import MODELS, TASK_UTILS

from ..mmdet_models import SIZE
from .test_any_detector import data_of, small

DETECTORS = {
    'detr': 'detr/detr_r50_8xb2-150e_coco.py',
    'deformable': 'deformable_detr/deformable-detr_r50_16xb2-50e_coco.py',
    'dino': 'dino/dino-4scale_r50_8xb2-12e_coco.py',
}
QUERIES, CLASSES = 9, 80


def detector_of(name):
    cfg = small(name)
    cfg.num_queries = QUERIES
    if 'dn_cfg' in cfg:
        cfg.dn_cfg.group_cfg.num_dn_queries = 4
    return dict(cfg, _scope_='mmdet')


@pytest.fixture(scope='module', params=DETECTORS)
def built(request):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='SceneGraphDetector',
            detector=detector_of(DETECTORS[request.param]),
            object_source=dict(type='QueryObjects'),
            relation_head=dict(
                type='FrequencyRelHead', num_classes=CLASSES, num_predicates=3
            ),
            freeze_detector=False,
        )
    )
    for parameter in model.detector.parameters():
        if parameter.dim() > 1:  # of level_embed, what was in the memory
            torch.nn.init.normal_(parameter, std=0.05)
    return model


@pytest.fixture
def model(built):
    built.zero_grad()
    built.freeze_detector = False
    built.detector.requires_grad_(True)
    built.object_source.loss_layers = None
    return built


def batch_of(model, *sizes):
    return model.data_preprocessor(data_of(*sizes))


def losses_of(model, monkeypatch):
    """A step in which the relations lose the sum of what they are shown."""
    seen = {}

    def loss(x, objects, samples):
        seen.update(x=x, objects=objects)
        fields = ('attention_queries', 'attention_keys', 'features')
        return dict(
            loss_relation=sum(o[f].sum() for o in objects for f in fields)
        )

    monkeypatch.setattr(model.relation_head, 'loss', loss)
    return model(**batch_of(model, 3, 1), mode='loss'), seen


def test_fields_are_those_of_the_decoder(model):
    """Attention weights as torch gives them, states and boxes as mmdet's."""
    model.eval()
    batch = batch_of(model, 2, 3)
    weights, outputs = [], []
    attentions = [
        layer.self_attn.attn for layer in model.detector.decoder.layers
    ]
    hooks = [
        attention.register_forward_hook(lambda *args: weights.append(args[2]))
        for attention in attentions
    ]
    hooks.append(
        model.detector.bbox_head.register_forward_hook(
            lambda *args: outputs.append(args[2])
        )
    )
    x = model.extract_feat(batch['inputs'])
    found = model.find(x, batch['data_samples'], None)
    for hook in hooks:
        hook.remove()
    [(logits, boxes)] = outputs
    heads = attentions[0].num_heads
    size = torch.tensor([SIZE[1], SIZE[0]] * 2)
    for i, image in enumerate(found.objects):
        queries, keys = (
            image[name].unflatten(2, (heads, -1)).transpose(0, 2)
            for name in ('attention_queries', 'attention_keys')
        )  # heads, L, Q, e
        products = queries @ keys.transpose(2, 3) / keys.shape[-1] ** 0.5
        ours = products.softmax(dim=-1).mean(dim=0)
        expected = torch.stack([layer[1][i] for layer in weights])
        torch.testing.assert_close(ours, expected)
        corners = bbox_cxcywh_to_xyxy(boxes[:, i]) * size
        torch.testing.assert_close(image.layer_bboxes.transpose(0, 1), corners)
        assert torch.equal(image.bboxes, image.layer_bboxes[:, -1])
        known = image.logits[:, : logits.shape[-1]]
        assert torch.equal(known, logits[-1, i])
        assert image.logits.shape == (QUERIES, CLASSES + 1)
        if logits.shape[-1] == CLASSES:  # no query can be background
            assert not image.logits.softmax(dim=1)[:, -1].any()
        assert torch.equal(image.features, image.layer_states[:, -1])
        assert image.img_shape == SIZE
        assert not image.bboxes.requires_grad


def test_a_step_decodes_once_and_trains_the_detector(model, monkeypatch):
    model.train()
    calls = []
    hook = model.detector.decoder.register_forward_hook(
        lambda module, *args: calls.append(module.training)
    )
    losses, seen = losses_of(model, monkeypatch)
    hook.remove()
    assert calls == [True]
    assert all(len(image) == QUERIES for image in seen['objects'])
    losses.pop('loss_relation').backward(retain_graph=True)
    first = model.detector.decoder.layers[0].self_attn.attn
    assert first.in_proj_weight.grad.any()
    model.zero_grad()
    loss, _ = model.parse_losses(losses)
    loss.backward()
    unused = [
        name
        for name, parameter in model.detector.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    assert not unused
    for module in model.modules():
        assert not module._forward_pre_hooks


def test_losses_are_those_of_the_detector(model, monkeypatch):
    model.eval()  # without dropout
    model.detector.training = True  # and with what its losses need
    torch.manual_seed(0)
    losses, seen = losses_of(model, monkeypatch)
    # queries that denoise are no objects, and tell the others nothing
    batch = batch_of(model, 3, 1)
    x = model.extract_feat(batch['inputs'])
    in_test = model.find(x, batch['data_samples'], None).objects
    for one, other in zip(seen['objects'], in_test, strict=True):
        torch.testing.assert_close(one.logits, other.logits)
        torch.testing.assert_close(one.attention_keys, other.attention_keys)
    torch.manual_seed(0)
    expected = model.detector.loss(*batch_of(model, 3, 1).values())
    for key, value in expected.items():
        torch.testing.assert_close(losses[f'detector.{key}'], value)
    assert len(losses) == len(expected) + 1
    model.object_source.loss_layers = 0
    assert [*losses_of(model, monkeypatch)[0]] == ['loss_relation']
    if hasattr(model.detector, 'dn_query_generator'):
        return  # has losses of its first queries too
    model.object_source.loss_layers = 1
    last, _ = losses_of(model, monkeypatch)
    names = ['loss_cls', 'loss_bbox', 'loss_iou']
    assert [*last] == [*(f'detector.{n}' for n in names), 'loss_relation']
    for key in last:
        torch.testing.assert_close(last[key], losses[key])


def test_a_frozen_detector_stays_as_in_a_test(model, monkeypatch):
    model.freeze_detector = True
    model.detector.requires_grad_(False)
    model.train()
    losses, seen = losses_of(model, monkeypatch)
    assert [*losses] == ['loss_relation']
    assert not losses['loss_relation'].requires_grad
    batch = batch_of(model.eval(), 3, 1)
    x = model.extract_feat(batch['inputs'])
    expected = model.find(x, batch['data_samples'], None).objects
    for one, other in zip(seen['objects'], expected, strict=True):
        for key in one.keys():
            assert torch.equal(one[key], other[key]), key


def test_the_head_sees_what_the_decoder_of_detr_sees(model):
    batch = batch_of(model.eval(), 2, 1)
    samples = batch['data_samples']
    samples[0].set_metainfo(dict(img_shape=(SIZE[0], 64)))
    maps = model.extract_feat(batch['inputs'])
    x = model.find(maps, samples, None).x
    if type(model.detector).__name__ != 'DETR':
        assert all(map(torch.equal, x, maps))
        return
    memory, positions, padding = x
    assert memory.shape == positions.shape == maps[-1].shape
    assert padding.dtype == torch.bool and padding.shape[:2] == (2, 1)
    assert padding[0].any() and not padding[1].any()
    assert not padding[0, 0, :, : padding.shape[3] * 64 // SIZE[1]].any()
    encoder, decoder = model.detector.pre_transformer(maps, samples)
    expected = model.detector.forward_encoder(**encoder)['memory']
    assert torch.equal(memory.flatten(2).transpose(1, 2), expected)
    expected = decoder['memory_pos']
    assert torch.equal(positions.flatten(2).transpose(1, 2), expected)
    samples[0].set_metainfo(dict(img_shape=SIZE))
    assert not model.find(maps, samples, None).x[2].any()


@pytest.mark.parametrize('task', ['predcls', 'sgcls'])
def test_given_boxes_have_no_query(model, task):
    with pytest.raises(ValueError, match=r'serves sgdet.*has no query'):
        model.predict(*batch_of(model, 1).values(), task=task)


def test_what_cannot_be_served_is_refused():
    name = 'deformable_detr/deformable-detr-refine_r50_16xb2-50e_coco.py'
    detector = MODELS.build(detector_of(name))
    source = dict(type='QueryObjects', detector=detector, num_classes=CLASSES)
    with pytest.raises(ValueError, match='leave out loss_layers'):
        TASK_UTILS.build(deepcopy(dict(source, loss_layers=1)))
    # the relation head may have the losses of all layers
    assert TASK_UTILS.build(dict(source, loss_layers=0)).loss_layers == 0
    with pytest.raises(TypeError, match='Linear has no decoder'):
        TASK_UTILS.build(dict(source, detector=torch.nn.Linear(1, 1)))
