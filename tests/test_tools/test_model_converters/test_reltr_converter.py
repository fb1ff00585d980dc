"""The command reltr_to_mmsgg.py, on random weights in the real layout."""

import json
from argparse import Namespace

import pytest
import torch
from mmengine.config import Config

from mmsgg.datasets import VG150_CLASSES, VG150_PREDICATES
from mmsgg.registry import MODELS

from ...folders import REFERENCE, ROOT
from ...scripts import load_tool
from .linknet_pytorch import random_weights

command = load_tool('model_converters/reltr_to_mmsgg')
LAYOUT = json.loads((REFERENCE / 'detr' / 'reltr_layout.json').read_text())
CONFIG = ROOT / 'configs' / 'reltr' / 'sgdet.py'
#: Of published files, beside the weights.
REST = dict(
    optimizer=dict(state={}), epoch=149, args=Namespace(lr=1e-4, dataset='vg')
)


def full_size(**other_shapes):
    """Random weights of full size; the rows of large ones repeat."""
    return random_weights(LAYOUT['state_dict'] | other_shapes, largest=10**4)


@pytest.fixture(scope='module')
def weights():
    return full_size()


def test_full_size(weights, convert):
    checkpoint = convert(dict(model=weights, **REST))
    with torch.device('meta'):
        model = MODELS.build(Config.fromfile(CONFIG).model)
    trained = [p.numel() for p in model.parameters() if p.requires_grad]
    assert sum(trained) == LAYOUT['architecture']['trainable_parameters']
    ours = checkpoint['state_dict']
    model.load_state_dict(ours, strict=True, assign=True)
    assert not any(values.is_meta for values in model.state_dict().values())
    names = checkpoint['meta']['dataset_meta']
    assert names['classes'] == VG150_CLASSES
    assert names['predicates'] == VG150_PREDICATES
    # the unused logit stands before the last one, all else as it was
    for there, here in (
        ('entity_class_embed', 'detector.bbox_head.fc_cls'),
        ('sub_class_embed', 'relation_head.subject_cls'),
        ('obj_class_embed', 'relation_head.object_cls'),
        ('rel_class_embed.layers.1', 'relation_head.predicate_cls.2'),
    ):
        bias, own = weights[f'{there}.bias'], ours[f'{here}.bias']
        assert torch.equal(own[:-2], bias[1:-1])
        assert own[-2:].tolist() == bias[[0, -1]].tolist()
    hidden = 'relation_head.predicate_cls.0.bias'
    assert torch.equal(ours[hidden], weights['rel_class_embed.layers.0.bias'])


def test_open_images(convert, capsys):
    weights = full_size(**LAYOUT['variants']['differing_shapes'])
    options = ['model.detector.num_unused=0',
               'model.detector.bbox_head.num_classes=289',
               'model.relation_head.num_unused=0',
               'model.relation_head.num_classes=289',
               'model.relation_head.num_predicates=31']  # fmt: skip
    argv = ['--cfg-options', *options]
    checkpoint = convert(dict(model=weights, **REST), *argv)
    ours = checkpoint['state_dict']
    bias = weights['entity_class_embed.bias']  # counted from 0 there, too
    assert torch.equal(ours['detector.bbox_head.fc_cls.bias'], bias)
    assert checkpoint['meta'] == {}
    assert 'no names of classes' in capsys.readouterr().out


def test_left_over_and_missing_weights_are_named(weights, convert, tmp_path):
    more = weights | {'so_mask_conv.x.bias': torch.zeros(3)}
    with pytest.raises(SystemExit) as raised:
        convert(dict(model=more))
    assert 'theirs.pth: nothing here stands for 1' in str(raised.value)
    assert 'so_mask_conv.x.bias (3,)' in str(raised.value)
    less = dict(weights)
    del less['so_embed.weight']
    less['input_proj.bias'] = torch.zeros(31)
    with pytest.raises(SystemExit) as raised:
        convert(dict(model=less))
    message = str(raised.value)
    assert 'decoder.role_embedding.weight of the model is not in' in message
    assert 'input_proj.bias makes detector.neck' in message
    assert '(31,), the model has (256,)' in message
    assert not (tmp_path / 'new').exists()


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (dict(model=3), 'neither a state dict nor a dict with one as model'),
        (dict(model={'fc.bias': torch.zeros(1)}), 'no checkpoint of RelTR'),
        (dict(model={}, extra=print), 'refused because it can run code'),
    ],
)
def test_what_is_no_such_checkpoint(convert, content, words):
    with pytest.raises(SystemExit, match=words) as raised:
        convert(content)
    assert 'theirs.pth' in str(raised.value)
