"""The command egtr_to_mmsgg.py, on random weights in the real layout."""

import json

import pytest
import torch
from mmengine.config import Config

from mmsgg.datasets import VG150_CLASSES, VG150_PREDICATES
from mmsgg.registry import MODELS

from ...folders import REFERENCE, ROOT
from ...scripts import load_tool
from .linknet_pytorch import random_weights

command = load_tool('model_converters/egtr_to_mmsgg')
LAYOUT = json.loads((REFERENCE / 'detr' / 'egtr_layout.json').read_text())
SHARED = 'model.class_embed.', 'model.bbox_embed.'


@pytest.fixture(scope='module')
def full_size():
    """Weights as in the file; the rows of large ones repeat."""
    weights = random_weights(LAYOUT['state_dict'], largest=10**5)
    for name in weights:
        if name.startswith(SHARED):
            first = name.replace(name.split('.')[2], '0', 1)
            weights[name] = weights[first]
    return weights


def model_of(path, **sizes):
    cfg = Config.fromfile(ROOT / 'configs' / path).model
    for part in (cfg.get('detector', cfg).bbox_head, cfg.get('relation_head')):
        for name, size in sizes.items() if part else ():
            if name in part:
                part[name] = size
    with torch.device('meta'):
        return MODELS.build(cfg)


def test_the_published_layout(full_size, convert, capsys):
    checkpoint = convert(dict(state_dict=full_size, epoch=3, callbacks={}))
    model = model_of('egtr/sgdet.py')
    weights = checkpoint['state_dict']
    model.load_state_dict(weights, strict=True, assign=True)
    assert not any(values.is_meta for values in model.state_dict().values())
    size = sum(p.numel() for p in model.parameters())
    assert size == pytest.approx(42.5e6, abs=0.05e6)
    layers = 'decoder.layers.3.self_attn.'
    for i, name in enumerate('qkv'):
        part = weights[f'detector.{layers}attn.in_proj_weight'].chunk(3)[i]
        theirs = full_size[f'model.model.{layers}{name}_proj.weight']
        assert torch.equal(part, theirs)
    table = weights['relation_head.frequency_bias.triplet_dist']
    theirs = full_size['model.triplet_dist']
    assert torch.equal(table, theirs[:-1, :-1])
    names = checkpoint['meta']['dataset_meta']
    assert names['classes'] == VG150_CLASSES
    assert list(VG150_CLASSES) == LAYOUT['labels']['classes']
    assert names['predicates'] == VG150_PREDICATES
    assert list(VG150_PREDICATES) == LAYOUT['labels']['predicates']
    out = capsys.readouterr().out
    assert 'for configs/egtr/sgdet.py' in out
    assert 'triplet_dist: the last row and column are not used' in out
    assert 'not used: epoch, callbacks' in out


def test_the_detector_alone(full_size, convert):
    """As a folder of Hugging Face has it, without Lightning's prefix."""
    parts = 'model.model.', *SHARED
    detector = {
        name.removeprefix('model.'): values
        for name, values in full_size.items()
        if name.startswith(parts)
    }
    weights = convert(detector)['state_dict']
    model = model_of('detection/deformable-detr_r50_vg150.py')
    model.load_state_dict(weights, strict=True, assign=True)
    whole = model_of('egtr/sgdet.py')
    missing, unexpected = whole.load_state_dict(
        weights, strict=False, assign=True
    )
    assert not unexpected
    assert all(name.startswith('relation_head.') for name in missing)


@pytest.mark.parametrize('num_classes', [601, 7])
def test_other_vocabularies(full_size, convert, capsys, num_classes):
    """Numbers of classes and predicates are taken from the file."""
    other = dict(full_size)
    classes, predicates = LAYOUT['variants']['open_images_v6'], 30
    assert classes.startswith('class logits 601, predicates 30')
    for name, values in full_size.items():
        if 'class_embed' in name:
            other[name] = torch.ones(num_classes, *values.shape[1:])
        elif 'rel_predictor.layers.2' in name:
            other[name] = values[:predicates]
    table = num_classes + 1, num_classes + 1, predicates
    other['model.triplet_dist'] = torch.zeros(table)
    other['model.rel_dist'] = torch.zeros(predicates)
    checkpoint = convert(dict(state_dict=other))
    assert not checkpoint['meta']
    sizes = dict(num_classes=num_classes, num_predicates=predicates)
    path = 'egtr/sgdet.py'
    if num_classes == 601:
        path, sizes = 'egtr/sgdet_open-images-v6.py', {}
    model = model_of(path, **sizes)
    model.load_state_dict(checkpoint['state_dict'], strict=True, assign=True)
    out = capsys.readouterr().out
    assert f'for configs/{path}' in out
    assert ('num_classes is 7: set it in' in out) == bool(sizes)
    assert ('num_predicates is 30' in out) == bool(sizes)


def test_what_does_not_fit_is_named(full_size, convert, tmp_path):
    more = full_size | {'model.mask.weight': torch.zeros(2, 3)}
    with pytest.raises(SystemExit, match=r'1 of its weights:\n  mask.weight'):
        convert(dict(state_dict=more))
    less = dict(full_size)
    del less['model.proj_k.2.bias']
    with pytest.raises(SystemExit, match=r'object_fcs.2.bias of the model is'):
        convert(dict(state_dict=less))
    less = dict(full_size)
    del less['model.model.decoder.layers.1.self_attn.v_proj.bias']
    with pytest.raises(SystemExit, match=r'v_proj.bias is not in it'):
        convert(dict(state_dict=less))
    other = dict(full_size)
    other['model.class_embed.4.bias'] = torch.rand(150)
    with pytest.raises(SystemExit, match='with box refinement'):
        convert(dict(state_dict=other))
    with pytest.raises(SystemExit, match='neither a state dict nor'):
        convert(dict(state_dict={}))
    assert not (tmp_path / 'new').exists()
