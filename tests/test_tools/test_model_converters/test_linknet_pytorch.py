"""Weights of linknet-pytorch under our names: every row in its place."""

import json

import pytest
import torch
from mmengine.config import Config

from mmsgg.registry import MODELS

from ...folders import REFERENCE, ROOT
from .command import command
from .linknet_pytorch import (
    Widths,
    detector_shapes,
    head_shapes,
    model_shapes,
    random_weights,
    slow_anchors,
)

COMPAT = ROOT / 'configs' / 'linknet' / 'compat'
SMALL = Widths(
    classes=3, predicates=2, channels=4, rpn=4, fmap=3, fc=6, pooling=4,
    embed=2, hidden=4,
)  # fmt: skip


def compat(name):
    return Config.fromfile(COMPAT / f'{name}.py').model


def test_shapes_of_real_checkpoints():
    path = REFERENCE / 'checkpoint_layout.json'
    detector, head = json.loads(path.read_text()).values()
    for ours, theirs in (
        (detector_shapes(Widths()), detector),
        (head_shapes(Widths()), head),
    ):
        assert ours == {key: tuple(shape) for key, shape in theirs.items()}


@pytest.mark.parametrize('name', ['predcls', 'sgcls', 'sgdet'])
def test_full_size_relation_model_loads_strictly(name):
    # rows repeat and nothing is copied: the weights of 1.7 GB take 10 MB
    source = random_weights(model_shapes(Widths()), largest=10**6)
    weights = command.convert_linknet_pytorch(source)
    command.check_weights(weights, compat(name))
    rpn_head = compat(name).detector.rpn_head
    command.check_anchors(weights.anchors, rpn_head.anchor_generator)
    assert not weights.unused
    with torch.device('meta'):
        model = MODELS.build(compat(name))
    model.load_state_dict(weights.state_dict, strict=True, assign=True)
    assert not any(p.is_meta for p in model.state_dict().values())
    bias = model.detector.roi_head.bbox_head.fc_cls.bias
    assert bias[-1] == source['detector.score_fc.bias'][0]


def test_full_size_detector_loads_strictly():
    source = random_weights(detector_shapes(Widths()), largest=10**6)
    weights = command.convert_linknet_pytorch(source)
    with torch.device('meta'):
        model = MODELS.build(compat('faster-rcnn_vgg16'))
    model.load_state_dict(weights.state_dict, strict=True, assign=True)
    assert not any(p.is_meta for p in model.state_dict().values())
    # it is a part of the relation model too
    command.check_weights(weights, compat('sgdet'))


def test_compat_configs_hold_one_detector():
    detector, sgdet = compat('faster-rcnn_vgg16'), compat('sgdet')
    for part in ('data_preprocessor', 'backbone', 'rpn_head', 'roi_head'):
        assert detector[part] == sgdet.detector[part], part


def test_every_weight_of_the_detector():
    source = random_weights(detector_shapes(SMALL))
    weights = command.convert_linknet_pytorch(source)
    ours = weights.state_dict
    for key in ('weight', 'bias'):
        theirs = {k: source[f'{k}.{key}'] for k in
                  ('score_fc', 'bbox_fc', 'rpn_head.conv.2')}  # fmt: skip
        head = 'roi_head.bbox_head'
        for ours_row, row in enumerate([1, 2, 3, 0]):  # background was 0
            fc_cls = ours[f'{head}.fc_cls.{key}']
            assert torch.equal(fc_cls[ours_row], theirs['score_fc'][row])
        for label in range(3):
            for k in range(4):
                assert torch.equal(
                    ours[f'{head}.fc_reg.{key}'][4 * label + k],
                    theirs['bbox_fc'][4 * (label + 1) + k],
                )
        for anchor in range(SMALL.anchors):
            six = theirs['rpn_head.conv.2'][6 * anchor : 6 * anchor + 6]
            torch.testing.assert_close(
                ours[f'rpn_head.rpn_cls.{key}'][anchor], six[1] - six[0]
            )
            for k in range(4):
                assert torch.equal(
                    ours[f'rpn_head.rpn_reg.{key}'][4 * anchor + k],
                    six[2 + k],
                )
    assert set(weights.sources.values()) == set(source) - {'rpn_head.anchors'}
    assert torch.equal(weights.anchors, source['rpn_head.anchors'])


def test_every_row_of_the_frequency_table():
    name = 'freq_bias.obj_baseline.weight'
    source = random_weights(head_shapes(SMALL))
    table = command.convert_linknet_pytorch(source).state_dict[
        'relation_head.frequency_bias.table.weight'
    ]
    for subject in range(3):
        for target in range(3):
            row = source[name][(subject + 1) * 4 + target + 1]
            assert table[subject * 3 + target].tolist() == [
                row[1], row[2], row[0]
            ]  # fmt: skip


def test_every_key_has_a_use():
    source = random_weights(model_shapes(SMALL))
    weights = command.convert_linknet_pytorch(source)
    used = set(weights.sources.values())
    assert set(source) - used == {'detector.rpn_head.anchors'}
    assert not weights.unused
    source['context.decoder.weight'] = torch.zeros(2)
    weights = command.convert_linknet_pytorch(source)
    assert weights.unused == ['context.decoder.weight']


def test_counters_that_old_torch_did_not_write():
    source = random_weights(head_shapes(SMALL))
    old = {k: v for k, v in source.items() if 'num_batches' not in k}
    new = command.convert_linknet_pytorch(source).state_dict
    old = command.convert_linknet_pytorch(old).state_dict
    assert set(old) == set(new)
    for key, values in old.items():
        expected = torch.tensor(0) if 'num_batches' in key else new[key]
        assert torch.equal(values, expected)


def test_nothing_written_holds_what_was_dropped():
    """A slice would drag its whole storage into the file."""
    source = random_weights(model_shapes(SMALL))
    for values in command.convert_linknet_pytorch(source).state_dict.values():
        stored = values.untyped_storage().nbytes()
        assert stored == values.numel() * values.element_size()


@pytest.mark.parametrize(
    ('name', 'rows', 'words'),
    [
        ('bbox_fc.bias', 15, r'bbox_fc.bias has shape \(15,\).*groups of 4'),
        ('rpn_head.conv.2.bias', 7, r'conv.2.bias .*groups of 6'),
    ],
)
def test_rows_that_cannot_be(name, rows, words):
    source = random_weights(detector_shapes(SMALL))
    source[name] = torch.zeros(rows)
    with pytest.raises(ValueError, match=words):
        command.convert_linknet_pytorch(source)


def test_frequency_table_that_is_no_square():
    source = random_weights(head_shapes(SMALL))
    source['freq_bias.obj_baseline.weight'] = torch.zeros(15, 3)
    with pytest.raises(ValueError, match='weight has 15 rows'):
        command.convert_linknet_pytorch(source)


def test_what_does_not_fit_the_model_is_named():
    source = random_weights(detector_shapes(Widths()), largest=10**4)
    source['score_fc.bias'] = torch.zeros(101)
    del source['roi_fmap.3.bias']
    source['roi_fmap.6.bias'] = torch.zeros(7)
    with pytest.raises(ValueError, match='do not fit') as raised:
        command.check_weights(
            command.convert_linknet_pytorch(source), compat('sgdet')
        )
    lines = str(raised.value).splitlines()[1:]
    assert len(lines) == 3
    assert 'fc67.3.bias of the model is not in the checkpoint' in lines[0]
    assert 'score_fc.bias' in lines[1] and 'fc_cls.bias' in lines[1]
    assert '(101,)' in lines[1] and '(151,)' in lines[1]
    assert 'roi_fmap.6.bias' in lines[2] and 'fc67.6.bias' in lines[2]


def test_anchors():
    generator = compat('sgdet').detector.rpn_head.anchor_generator
    anchors = slow_anchors(37)
    command.check_anchors(anchors, generator)
    with pytest.raises(ValueError, match=r'up to 1\.00 pixels'):
        command.check_anchors(anchors + 1, generator)
    with pytest.raises(ValueError, match='away from'):
        command.check_anchors(anchors.transpose(0, 1).contiguous(), generator)
    with pytest.raises(ValueError, match=r'\(37, 37, 9, 4\).*20, 4'):
        command.check_anchors(anchors[:, :, :9], generator)
    paper = Config.fromfile(COMPAT.parent / 'sgdet.py').model.detector.rpn_head
    with pytest.raises(ValueError, match=r'up to 8\.00 pixels'):
        command.check_anchors(anchors, paper.anchor_generator)
