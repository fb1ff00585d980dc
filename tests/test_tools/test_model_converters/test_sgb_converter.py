"""The command sgb_to_mmsgg.py, on random weights in the real layout."""

import json

import pytest
import torch
from mmengine.config import Config

from mmsgg.datasets import VG150_CLASSES, VG150_PREDICATES
from mmsgg.registry import MODELS

from ...folders import REFERENCE, ROOT
from ...scripts import load_tool
from .linknet_pytorch import random_weights

command = load_tool('model_converters/sgb_to_mmsgg')
rules = load_tool('model_converters/sgb_rules')
LAYOUT = json.loads((REFERENCE / 'sgb' / 'sgb_layout.json').read_text())
DETECTOR = LAYOUT['state_dict: detector']


class Logger:
    """What a checkpoint should not hold."""


def full_size(kind):
    """Random weights of full size; the rows of large ones repeat."""
    shapes = dict(DETECTOR)
    if kind != 'detector':
        name = dict(causal_motifs='causal_motifs_sum').get(kind, kind)
        shapes |= LAYOUT[f'state_dict: {name}']
    weights = random_weights(shapes, largest=10**5)
    for stride, anchors in LAYOUT['rpn']['cell_anchors_xyxy'].items():
        level = LAYOUT['rpn']['strides'].index(int(stride))
        weights[f'{command.ANCHORS}{level}'] = torch.tensor(anchors)
    for duplicate in rules.KINDS[kind].duplicates:
        for name in weights:
            if name.startswith(duplicate.there):
                of = duplicate.of + name.removeprefix(duplicate.there)
                weights[name] = weights[of]
    return weights


@pytest.fixture(scope='module')
def detector():
    return full_size('detector')


@pytest.mark.parametrize('kind', rules.KINDS)
def test_full_size_there_and_back(kind, convert, tmp_path, capsys):
    weights = full_size(kind)
    wrapped = {f'module.{name}': values for name, values in weights.items()}
    checkpoint = convert(
        dict(model=wrapped, optimizer=dict(state={}), iteration=7)
    )
    path = ROOT / 'configs' / rules.KINDS[kind].config
    with torch.device('meta'):
        model = MODELS.build(Config.fromfile(path).model)
    model.load_state_dict(checkpoint['state_dict'], strict=True, assign=True)
    assert not any(values.is_meta for values in model.state_dict().values())
    names = checkpoint['meta']['dataset_meta']
    assert names['classes'] == VG150_CLASSES
    assert names['predicates'] == VG150_PREDICATES
    out = capsys.readouterr().out
    assert f'{kind} checkpoint' in out
    assert 'cell_anchors.4: not used; equal to those of the config' in out

    ours, back = tmp_path / 'new' / 'ours.pth', tmp_path / 'back.pth'
    command.main([str(ours), str(back), '--reverse'])
    theirs = torch.load(back, weights_only=True)['model']
    assert theirs.keys() == wrapped.keys()
    for name, values in wrapped.items():
        assert torch.equal(theirs[name], values), name


def small_detector():
    """Weights of two classes, each value another one."""
    shapes = {
        'backbone.body.layer1.0.bn1.running_mean': (2,),
        'roi_heads.box.predictor.cls_score.weight': (3, 2),
        'roi_heads.box.predictor.bbox_pred.bias': (12,),
    }
    numbers = iter(range(100))
    return {
        name: torch.tensor(
            [float(next(numbers)) for _ in range(torch.Size(shape).numel())]
        ).reshape(shape)
        for name, shape in shapes.items()
    }


def test_background_goes_last():
    source = small_detector()
    converted = command.convert(source, 'detector')
    ours = converted.state_dict
    head = 'roi_head.bbox_head'
    theirs = source['roi_heads.box.predictor.cls_score.weight']
    assert torch.equal(ours[f'{head}.fc_cls.weight'], theirs[[1, 2, 0]])
    theirs = source['roi_heads.box.predictor.bbox_pred.bias']
    assert torch.equal(ours[f'{head}.fc_reg.bias'], theirs[4:])
    assert ours['backbone.layer1.0.bn1.num_batches_tracked'] == 0


def test_what_was_trained_here_goes_back_without_the_background_box():
    source = small_detector()
    ours = command.convert(source, 'detector').state_dict
    theirs, zero = command.revert(ours, 'detector', {})
    name = 'roi_heads.box.predictor.bbox_pred.bias'
    assert zero == [name]
    assert theirs.pop(name).tolist() == [0.0] * 4 + source[name][4:].tolist()
    assert all(torch.equal(theirs[key], source[key]) for key in theirs)


@pytest.mark.parametrize('name', ['ROLL', 'ROLL_PAIRS', 'ROLL_BOTH'])
def test_operations_against_loops(name):
    """Background, number 0, becomes the last of three classes."""
    there = {0: 2, 1: 0, 2: 1}
    operation = getattr(rules, name)
    rows = torch.randn(3, 4)
    pairs = torch.randn(9, 3)
    vector = torch.randn(2, 9)
    values = dict(ROLL=rows, ROLL_PAIRS=pairs, ROLL_BOTH=vector)[name]
    ours = operation.forward(values)
    assert ours.shape == values.shape
    for s in range(3):
        if name == 'ROLL':
            assert torch.equal(ours[there[s]], values[s])
            continue
        for o in range(3):
            row, own = s * 3 + o, there[s] * 3 + there[o]
            if name == 'ROLL_BOTH':
                assert torch.equal(ours[:, own], values[:, row])
                continue
            for p in range(3):
                assert ours[own, there[p]] == values[row, p]
    back, is_whole = operation.backward(ours, None)
    assert is_whole
    assert torch.equal(back, values)


def test_values_that_cannot_be_what_their_name_says():
    name = 'roi_heads.box.predictor.cls_score.weight'
    with pytest.raises(ValueError, match=rf'{name} has shape \(\), of which'):
        command.convert({name: torch.tensor(1.0)}, 'detector')


def test_left_over_weights_are_named(detector, convert, tmp_path):
    more = {'rpn.head.mask.weight': torch.zeros(2, 3), 'wrong': torch.ones(1)}
    with pytest.raises(SystemExit) as raised:
        convert(dict(model=detector | more))
    message = str(raised.value)
    assert 'theirs.pth: nothing here stands for 2' in message
    assert 'rpn.head.mask.weight (2, 3)' in message
    assert 'wrong (1,)' in message
    assert not (tmp_path / 'new').exists()


def test_missing_weights_are_named(detector, convert):
    less = dict(detector)
    del less['backbone.fpn.fpn_layer2.bias']
    less['roi_heads.box.predictor.cls_score.bias'] = torch.zeros(31)
    with pytest.raises(SystemExit) as raised:
        convert(less)
    message = str(raised.value)
    assert 'neck.fpn_convs.1.conv.bias of the model is not in' in message
    assert 'predictor.cls_score.bias makes roi_head.bbox_head' in message
    assert '(31,), the model has (151,)' in message


def test_other_anchors(detector, convert):
    other = detector | {f'{command.ANCHORS}1': torch.zeros(4, 4)}
    with pytest.raises(SystemExit, match='other ratios, sizes or order'):
        convert(other)


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (dict(model=3), 'neither a state dict nor a dict with one as model'),
        (dict(model={'fc.bias': torch.zeros(1)}), 'no.* of its weights has'),
        (dict(model={}, extra=Logger()), 'refused because it can run code'),
        (
            {'roi_heads.relation.predictor.fusion.weight': torch.zeros(1)},
            'its relation head is none of detector.* consists of fusion',
        ),
    ],
)
def test_what_is_no_such_checkpoint(convert, content, words):
    with pytest.raises(SystemExit, match=words) as raised:
        convert(content)
    assert 'theirs.pth' in str(raised.value)


def test_a_duplicate_that_is_none(monkeypatch):
    kind = rules.DETECTOR._replace(
        duplicates=(rules.Duplicate('twin.', 'rpn.head.conv.'),)
    )
    monkeypatch.setitem(rules.KINDS, 'detector', kind)
    weights = {'rpn.head.conv.bias': torch.ones(1)}
    twins = weights | {'twin.bias': torch.ones(1)}
    ours = command.convert(twins, 'detector').state_dict
    assert list(ours) == ['rpn_head.rpn_conv.bias']
    back, _ = command.revert(ours, 'detector', {})
    assert back.keys() == twins.keys()
    weights['twin.bias'] = torch.zeros(1)
    with pytest.raises(ValueError, match=r'twin.bias is to be equal to rpn'):
        command.convert(weights, 'detector')


def test_no_two_rules_share_a_name():
    for kind in rules.KINDS:
        entries = command.entries_of(kind)[0]
        for side in ('there', 'here'):
            names = [getattr(rule, side) for rule in entries]
            assert len(set(names)) == len(names), kind


@pytest.mark.parametrize('content', [b'', b'text\n', b'PK\3\4'])
def test_what_is_no_file_of_torch(tmp_path, content):
    path = tmp_path / 'model_final.pth'
    path.write_bytes(content)
    with pytest.raises(SystemExit, match='does not read as a checkpoint'):
        command.main([str(path), str(tmp_path / 'out.pth')])
    assert not (tmp_path / 'out.pth').exists()
