"""The command lines of tools/train.py and tools/test.py."""

import pickle
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData

from mmsgg.structures import SGDataSample

from ..scripts import load_tool

train = load_tool('train')
test = load_tool('test')
test.__test__ = False


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    config, checkpoint = tmp_path / 'sgdet.py', tmp_path / 'epoch_1.pth'
    config.write_text('')
    checkpoint.write_bytes(b'')
    return str(config), str(checkpoint)


def message_of(module, argv, capsys) -> str:
    """What the script says about a command line that it refuses."""
    with pytest.raises(SystemExit) as stop:
        module.parse_args(argv)
    assert stop.value.code == 2
    return capsys.readouterr().err


def trained_with(config: str, *argv: str) -> Config:
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper')))
    train.apply_training_options(cfg, train.parse_args([config, *argv]))
    return cfg


def test_train_names_a_missing_config(files, capsys):
    wrong = files[0].replace('sgdet', 'sgdett')
    message = message_of(train, [wrong], capsys)
    assert f"there is no config '{wrong}'" in message
    assert f'near it: {files[0]}' in message


def test_train_names_a_missing_checkpoint(files, capsys):
    message = message_of(train, [files[0], '--resume', 'gone.pth'], capsys)
    assert "there is no checkpoint 'gone.pth'" in message


def test_test_names_a_missing_checkpoint(files, capsys):
    message = message_of(test, [files[0], 'gone.pth'], capsys)
    assert "there is no checkpoint 'gone.pth'" in message


def test_test_refuses_another_format(files, capsys):
    message = message_of(test, [*files, '--out', 'preds.json'], capsys)
    assert "'preds.json' ends neither in .pkl nor .pickle" in message


def test_plain_training_changes_nothing(files):
    cfg = trained_with(files[0])
    assert cfg.to_dict() == dict(optim_wrapper=dict(type='OptimWrapper'))


@pytest.mark.parametrize('argv', [['--resume'], ['--resume', 'auto']])
def test_resume_from_the_last(files, argv):
    cfg = trained_with(files[0], *argv)
    assert cfg.resume is True
    assert cfg.load_from is None


def test_resume_from_a_checkpoint(files):
    cfg = trained_with(files[0], '--resume', files[1])
    assert cfg.resume is True
    assert cfg.load_from == files[1]


def test_amp(files):
    wrapper = trained_with(files[0], '--amp').optim_wrapper
    assert wrapper == dict(type='AmpOptimWrapper', loss_scale='dynamic')


def test_auto_scale_lr(files):
    args = train.parse_args([files[0], '--auto-scale-lr'])
    cfg = Config(dict(auto_scale_lr=dict(base_batch_size=8, enable=False)))
    train.apply_training_options(cfg, args)
    assert cfg.auto_scale_lr.enable is True
    with pytest.raises(SystemExit, match='base_batch_size'):
        train.apply_training_options(Config({}), args)


@pytest.mark.parametrize(
    ('model', 'settings', 'warned'),
    [
        # frozen is the default
        (dict(detector=dict(type='any')), {}, True),
        (dict(detector=dict(type='any'), freeze_detector=True), {}, True),
        (dict(detector=dict(type='any'), freeze_detector=False), {}, False),
        (dict(detector=dict(type='any')), dict(load_from='a.pth'), False),
        (dict(detector=dict(type='any')), dict(resume=True), False),
        (dict(relation_head=dict(type='any')), {}, False),
    ],
)
def test_a_detector_that_stays_random_is_warned_of(
    model, settings, warned, monkeypatch
):
    said = []
    monkeypatch.setattr(
        'mmengine.logging.print_log', lambda text, **_: said.append(text)
    )
    train.warn_of_untrained_detector(Config(dict(model=model, **settings)))
    assert ['stays as random' in text for text in said] == [True] * warned


def test_show_and_show_dir_switch_the_hook_on(files):
    hook = dict(type='mmdet.DetVisualizationHook')
    cfg = Config(dict(default_hooks=dict(visualization=hook)))
    argv = [*files, '--show', '--show-dir', 'drawn', '--wait-time', '0.5']
    test.draw_predictions(cfg, test.parse_args(argv))
    assert cfg.default_hooks.visualization == dict(
        hook, draw=True, show=True, wait_time=0.5, test_out_dir='drawn'
    )


def test_show_dir_alone_opens_no_window(files):
    hook = dict(type='mmdet.DetVisualizationHook')
    cfg = Config(dict(default_hooks=dict(visualization=hook)))
    args = test.parse_args([*files, '--show-dir', 'drawn'])
    test.draw_predictions(cfg, args)
    assert cfg.default_hooks.visualization == dict(
        hook, draw=True, test_out_dir='drawn'
    )


def test_show_without_the_hook(files):
    args = test.parse_args([*files, '--show'])
    with pytest.raises(SystemExit, match=r'default_hooks\.visualization'):
        test.draw_predictions(Config({}), args)


class FakeRunner:
    """Predicts one pair for each of two images."""

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.test_evaluator = Evaluator([])

    @classmethod
    def from_cfg(cls, cfg: Config) -> 'FakeRunner':
        return cls(cfg)

    def test(self) -> None:
        for img_id in range(2):
            sample = SGDataSample(metainfo=dict(img_id=img_id))
            sample.gt_instances = InstanceData(labels=torch.tensor([3, 4]))
            sample.gt_relations = InstanceData(pairs=torch.tensor([[0, 1]]))
            sample.pred_instances = InstanceData(scores=torch.ones(2))
            sample.pred_relations = InstanceData(
                predicate_scores=torch.full((1, 5), float(img_id))
            )
            self.test_evaluator.process([sample])
        self.test_evaluator.evaluate(size=2)


def test_out_keeps_truth_and_predictions(files, tmp_path, monkeypatch):
    monkeypatch.setattr('mmengine.runner.Runner', FakeRunner)
    out = tmp_path / 'new' / 'preds.pkl'
    argv = ['test.py', *files, '--out', str(out)]
    monkeypatch.setattr(sys, 'argv', argv)
    test.main()
    entries = pickle.loads(out.read_bytes())
    assert [entry['img_id'] for entry in entries] == [0, 1]
    assert entries[1]['gt_instances']['labels'].tolist() == [3, 4]
    assert entries[1]['gt_relations']['pairs'].tolist() == [[0, 1]]
    assert entries[1]['pred_instances']['scores'].tolist() == [1, 1]
    assert entries[1]['pred_relations']['predicate_scores'].tolist() == [
        [1, 1, 1, 1, 1]
    ]
