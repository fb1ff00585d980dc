"""The command linknet_pytorch_to_mmsgg.py."""

from collections import OrderedDict

import pytest
import torch

from mmsgg.datasets import VG150_CLASSES, VG150_PREDICATES
from mmsgg.registry import MODELS

from ... import forked
from .command import SCRIPT, command
from .linknet_pytorch import (
    Widths,
    detector_shapes,
    head_shapes,
    model_shapes,
    random_weights,
)
from .test_linknet_pytorch import compat


class Logger:
    """What a checkpoint should not hold."""


@pytest.fixture(scope='module')
def weights():
    """A relation model of full size; its rows repeat."""
    return random_weights(model_shapes(Widths()), largest=10**6)


@pytest.fixture
def convert(tmp_path):
    def convert(content, *argv, **kwargs):
        torch.save(content, tmp_path / 'vgrel-18.tar', **kwargs)
        out = tmp_path / 'new' / 'linknet.pth'
        command.main([str(tmp_path / 'vgrel-18.tar'), str(out), *argv])
        return torch.load(out)  # mmengine's loader takes weights only too

    return convert


def test_full_size_model(weights, convert, capsys):
    optimizer = dict(state={0: dict(momentum_buffer=torch.zeros(2))},
                     param_groups=[dict(lr=1e-3, params=[0])])  # fmt: skip
    content = dict(epoch=18, state_dict=weights, optimizer=optimizer)
    checkpoint = convert(content)
    with torch.device('meta'):
        model = MODELS.build(compat('sgdet'))
    model.load_state_dict(checkpoint['state_dict'], strict=True, assign=True)
    names = checkpoint['meta']['dataset_meta']
    assert names['classes'] == VG150_CLASSES
    assert names['predicates'] == VG150_PREDICATES
    out = capsys.readouterr().out
    assert 'rpn_head.anchors: not used; equal to those of the config' in out
    assert f'{len(checkpoint["state_dict"])} tensors' in out


def test_detector_in_the_format_of_old_torch(convert):
    weights = OrderedDict(
        random_weights(detector_shapes(Widths()), largest=10**6)
    )
    weights._metadata = OrderedDict({'': dict(version=1)})
    checkpoint = convert(
        dict(state_dict=weights), _use_new_zipfile_serialization=False
    )
    with torch.device('meta'):
        model = MODELS.build(compat('faster-rcnn_vgg16'))
    model.load_state_dict(checkpoint['state_dict'], strict=True, assign=True)
    assert checkpoint['meta']['dataset_meta']['classes'] == VG150_CLASSES


def test_plain_state_dict_with_something_new(weights, convert, capsys):
    head = {k: v for k, v in weights.items() if not k.startswith('detector.')}
    assert set(head) == set(head_shapes(Widths()))
    checkpoint = convert(head | {'context.decoder.bias': torch.zeros(1)})
    keys = checkpoint['state_dict']
    assert all(key.startswith('relation_head.') for key in keys)
    assert 'context.decoder.bias: not used' in capsys.readouterr().out


def test_other_sizes(convert, tmp_path, capsys):
    widths = Widths(classes=4, predicates=3, fc=8, rpn=4)
    weights = random_weights(detector_shapes(widths))
    config = tmp_path / 'small.py'
    config.write_text(f"""
_base_ = {str(command.COMPAT)!r}
model = dict(detector=dict(
    rpn_head=dict(feat_channels=4),
    roi_head=dict(bbox_head=dict(num_classes=4, fc67=dict(out_channels=8)))))
""")
    checkpoint = convert(weights, '--config', str(config))
    assert checkpoint['meta'] == {}
    assert 'no names of classes' in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r'score_fc.weight .*\(5, 8\).*151'):
        convert(weights)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (dict(content=[1, 2]), 'neither a state dict nor'),
        (dict(content=dict(state_dict=3)), 'neither a state dict nor'),
        (dict(content=dict(epoch=3, acc=0.5)), 'neither a state dict nor'),
        (dict(content={'fc.bias': torch.zeros(1)}), 'none of its weights'),
        (
            dict(content=dict(logger=Logger())),
            r'Logger.*if you trust whoever made it',
        ),
    ],
)
def test_what_is_no_such_checkpoint(convert, change, words):
    with pytest.raises(SystemExit, match=words) as raised:
        convert(**change)
    assert 'vgrel-18.tar' in str(raised.value)


@pytest.mark.parametrize('content', [b'', b'text\n', b'PK\3\4', b'\x80\2.'])
def test_what_is_no_file_of_torch(tmp_path, content):
    path = tmp_path / 'vg-1.tar'
    path.write_bytes(content)
    with pytest.raises(SystemExit, match=r'vg-1.tar .*no checkpoint'):
        command.main([str(path), str(tmp_path / 'out.pth')])
    assert not (tmp_path / 'out.pth').exists()


def test_other_anchors(weights, convert):
    anchors = weights['detector.rpn_head.anchors'] * 1.5
    with pytest.raises(SystemExit, match='other ratios, scales or order'):
        convert(weights | {'detector.rpn_head.anchors': anchors})


def test_an_error_is_one_message(tmp_path):
    log = tmp_path / 'log'
    code = forked.run(f'python {SCRIPT} vg-1.tar out.pth', tmp_path, log)
    assert code == 2
    assert "there is no checkpoint 'vg-1.tar'" in log.read_text()
    assert 'Traceback' not in log.read_text()
