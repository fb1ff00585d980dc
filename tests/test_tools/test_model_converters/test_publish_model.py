"""tools/model_converters/publish_model.py."""

import hashlib
import re
import sys

import torch

from ...scripts import load_tool

publish_model = load_tool('model_converters/publish_model')
META = dict(
    epoch=3,
    cfg='model = dict()',
    hook_msgs=dict(last_ckpt='/home/somebody/epoch_3.pth'),
    dataset_meta=dict(classes=('cat', 'hat'), predicates=('on',)),
)


def run(capsys, monkeypatch, *argv):
    """Run the command; returns its exit code and what it wrote."""
    words = ['publish_model.py', *map(str, argv)]
    monkeypatch.setattr(sys, 'argv', words)
    try:
        publish_model.main()
    except SystemExit as stop:
        if isinstance(stop.code, str):
            return 1, stop.code
        return stop.code, capsys.readouterr().err
    return 0, capsys.readouterr().out


def save(path, **kwargs):
    weights = dict(weight=torch.arange(6.0).reshape(2, 3))
    checkpoint = dict(
        state_dict=weights,
        meta=META,
        optimizer=dict(state={0: torch.zeros(1000)}),
        param_schedulers=[dict(last_step=7)],
        message_hub=dict(log_scalars={}),
        ema_state_dict=weights,
    )
    torch.save(checkpoint | kwargs, path)
    return path


def test_what_is_kept_and_how_it_is_called(tmp_path, capsys, monkeypatch):
    source = save(tmp_path / 'epoch_3.pth')
    code, log = run(capsys, monkeypatch, source, tmp_path / 'linknet.pth')
    assert code == 0, log
    [final] = tmp_path.glob('linknet*')
    [digits] = re.findall(r'^linknet-([0-9a-f]{8})\.pth$', final.name)
    digest = hashlib.sha256(final.read_bytes()).hexdigest()
    assert digest.startswith(digits)
    assert str(final) in log
    checkpoint = torch.load(final, weights_only=True)
    assert checkpoint.keys() == {'meta', 'state_dict'}
    kept = {k: v for k, v in META.items() if k != 'hook_msgs'}
    assert checkpoint['meta'] == kept
    weights = torch.load(source, weights_only=True)['state_dict']
    assert torch.equal(checkpoint['state_dict']['weight'], weights['weight'])


def test_the_source_stays(tmp_path, capsys, monkeypatch):
    source = save(tmp_path / 'epoch_3.pth')
    before = source.read_bytes()
    code, log = run(capsys, monkeypatch, source, source)
    assert code == 0, log
    assert source.read_bytes() == before
    assert len([*tmp_path.glob('epoch_3-*.pth')]) == 1


def test_bad_input_is_explained(tmp_path, capsys, monkeypatch):
    good, target = save(tmp_path / 'epoch_3.pth'), tmp_path / 'out.pth'
    text = tmp_path / 'text.pth'
    text.write_text('no checkpoint')
    bare = tmp_path / 'bare.pth'
    torch.save(dict(weight=torch.zeros(1)), bare)
    nameless = save(tmp_path / 'nameless.pth', meta=dict(epoch=3))
    cases = [
        ((tmp_path / 'epoch_4.pth', target), 'near it: .*epoch_3.pth'),
        ((good, tmp_path / 'out.tar'), 'does not end in .pth'),
        ((good, tmp_path / 'no' / 'out.pth'), 'there is no folder'),
        ((text, target), 'text.pth does not read as a checkpoint'),
        ((bare, target), 'bare.pth has no state_dict'),
        ((nameless, target), 'no meta.dataset_meta with the classes'),
    ]
    for argv, words in cases:
        code, log = run(capsys, monkeypatch, *argv)
        assert code != 0 and re.search(words, log), log
    assert not list(tmp_path.glob('out*'))


HOME = '/home/somebody/vg'
PRIVATE = f"""
model = dict(type='A', init_cfg=dict(checkpoint='{HOME}/r50.pth', depth=18))
train_dataloader = dict(dataset=dict(
    ann_file='annotations/train.json', data_root='{HOME}/',
    data_prefix=dict(img=['C:\\\\Users\\\\me\\\\images', '~/images'])))
load_from = '{HOME}/detector.pth'
resume = True
work_dir = '{HOME}/runs'
"""


def test_no_place_of_the_machine_is_published(tmp_path, capsys, monkeypatch):
    meta = META | dict(
        cfg=PRIVATE,
        env_info='node17: Linux',
        experiment_name='somebody_20260101',
        random_state=[1, 2],
    )
    hub = dict(runtime_info=dict(cfg=PRIVATE, last_ckpt=HOME))
    source = save(tmp_path / 'epoch_3.pth', meta=meta, message_hub=hub)
    code, log = run(capsys, monkeypatch, source, tmp_path / 'linknet.pth')
    assert code == 0, log
    [final] = tmp_path.glob('linknet*')
    for private in (b'somebody', b'node17', b'Users', b'~', b'random_state'):
        assert private not in final.read_bytes()
    text = torch.load(final, weights_only=True)['meta']['cfg']
    dataset = publish_model.read_config_text(text)['train_dataloader']
    assert dataset['dataset'] == dict(
        ann_file='annotations/train.json',
        data_root='vg',
        data_prefix=dict(img=['images', 'images']),
    )


def test_a_config_with_code_is_not_published(tmp_path, capsys, monkeypatch):
    mark = tmp_path / 'it-ran'
    meta = META | dict(cfg=f'a = open({str(mark)!r}, "w").name')
    source = save(tmp_path / 'epoch_3.pth', meta=meta)
    argv = source, tmp_path / 'linknet.pth'
    code, log = run(capsys, monkeypatch, *argv)
    assert code != 0 and 'line 1: open(' in log and '--trust' in log
    assert not mark.exists() and not [*tmp_path.glob('linknet*')]
    code, log = run(capsys, monkeypatch, *argv, '--trust')
    assert code == 0 and mark.exists()
