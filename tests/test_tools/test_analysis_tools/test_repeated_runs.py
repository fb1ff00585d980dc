"""Runs that remember their scores, without training anything."""

import json
from argparse import Namespace

import pytest
import torch
from mmengine.config import Config

from ...folders import ROOT
from ...scripts import load_tool

repeated_runs = load_tool('analysis_tools/repeated_runs')
repeat, train_and_test = repeated_runs.repeat, repeated_runs.train_and_test
trained = repeated_runs.trained


EPOCHS = 3
TRAINED = Config(dict(train_cfg=dict(max_epochs=EPOCHS)))


class FakeRunner:
    """Scores 0.1 * seed, or more where the config says so."""

    calls = []

    def __init__(self, cfg, seed, work_dir, checkpoint=None, training=True):
        self.cfg, self.seed, self.work_dir = cfg, seed, work_dir
        self.calls.append((seed, checkpoint and str(checkpoint), training))

    def train(self):
        torch.save(
            dict(optimizer={}, meta=dict(iter=7, epoch=1)),
            self.work_dir / f'epoch_{EPOCHS}.pth',
        )

    def test(self):
        return dict(score=0.1 * self.seed + self.cfg.get('bonus', 0))


@pytest.fixture
def calls(monkeypatch):
    FakeRunner.calls = []
    monkeypatch.setattr(repeated_runs, '_runner', FakeRunner)
    return FakeRunner.calls


def test_scores_are_read_until_the_config_changes(calls, tmp_path):
    cfg = TRAINED
    tests = dict(a=cfg, b=Config(dict(bonus=1)))
    scores = train_and_test(cfg, tests, 2, tmp_path / 'run')
    assert scores == {'a/score': 0.2, 'b/score': 1.2}
    checkpoint = str(tmp_path / 'run' / 'epoch_3.pth')
    assert calls == [
        (2, None, True),
        (2, checkpoint, False),
        (2, checkpoint, False),
    ]
    assert train_and_test(cfg, tests, 2, tmp_path / 'run') == scores
    assert len(calls) == 3
    train_and_test(cfg, tests, 3, tmp_path / 'run')
    tests['b'].bonus = 2
    assert train_and_test(cfg, tests, 3, tmp_path / 'run')['b/score'] == 2.3
    assert len(calls) == 8  # what was trained is not trained again


def test_a_stopped_training_goes_on(calls, tmp_path, monkeypatch, capsys):
    finish = FakeRunner.train
    folder = tmp_path / 'seed_1'
    last = folder / f'epoch_{EPOCHS}.pth'

    def stop(self):
        finish(self)
        last.rename(folder / 'iter_7.pth')
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeRunner, 'train', stop)
    with pytest.raises(KeyboardInterrupt):
        trained(TRAINED, 1, folder)
    monkeypatch.setattr(FakeRunner, 'train', finish)
    assert trained(TRAINED, 1, folder) == str(last)
    assert calls[1:] == [(1, str(folder / 'iter_7.pth'), True)]
    # what another config left is no place to go on from, and is kept
    (folder / 'last_checkpoint').write_text(str(last))
    (folder / 'train.json').write_text('what it trains on')
    for number in (1, 2):
        moved = {path.name for path in folder.iterdir() if path.is_file()}
        moved -= {'trained.json', 'train.json'}
        trained(Config(dict(TRAINED, bonus=number)), 1, folder)
        assert calls[1 + number :] == [(1, None, True)]
        old = folder / f'old_{number}'
        assert {path.name for path in old.iterdir()} == moved
        assert [path.name for path in folder.glob('*.pth')] == [last.name]
        assert not (folder / 'last_checkpoint').is_file()
        assert (folder / 'train.json').is_file()
        assert f'are in {old} now' in capsys.readouterr().out


def test_without_training_there_is_no_checkpoint(calls, tmp_path):
    cfg = Config()
    assert train_and_test(cfg, {'': cfg}, 1, tmp_path, False) == dict(
        score=0.1
    )
    assert calls == [(1, None, False)]
    assert json.loads((tmp_path / 'scores.json').read_text())['scores']


def test_each_seed_has_its_folder(calls, tmp_path, capsys):
    cfg = TRAINED
    runs = repeat('title', cfg, {'': cfg}, [1, 4], tmp_path)
    assert runs == [dict(score=0.1), dict(score=0.4)]
    assert (tmp_path / 'seed_4' / 'scores.json').is_file()
    assert 'title, seed 4: score 0.4000' in capsys.readouterr().out


def test_a_frequency_table_is_tested_once_and_not_trained(calls, tmp_path):
    head = dict(relation_head=dict(type='FrequencyRelHead'))
    cfg = Config(dict(TRAINED, model=head))
    runs = repeat('title', cfg, {'': cfg}, [1, 4], tmp_path)
    assert runs == [dict(score=0)]
    assert calls == [(0, None, False)]


def test_without_training_the_checkpoint_of_the_config_counts(
    tmp_path, monkeypatch
):
    cfg = Config.fromfile(ROOT / 'configs' / 'toy' / 'frequency_sgdet.py')
    cfg.load_from = 'detector.pth'
    monkeypatch.setattr(repeated_runs.Runner, 'from_cfg', lambda cfg: cfg)
    assert (
        repeated_runs._runner(cfg, 0, tmp_path, training=False).load_from
        == 'detector.pth'
    )


def test_data_root_moves_what_lies_in_it():
    pipeline = [
        dict(type='LoadDetections', ann_file='data/vrd/found.json'),
        dict(type='LoadDetections', ann_file='elsewhere/found.json'),
        dict(type='PackSGInputs'),
    ]
    dataset = dict(data_root='data/vrd', pipeline=pipeline)
    cfg = Config(dict(test_dataloader=dict(dataset=dataset)))
    repeated_runs.set_data_root(cfg, '/mnt/vrd')
    dataset = cfg.test_dataloader.dataset
    assert dataset.data_root == '/mnt/vrd'
    files = [step.get('ann_file') for step in dataset.pipeline]
    assert files == ['/mnt/vrd/found.json', 'elsewhere/found.json', None]


def test_a_score_of_another_name():
    args = Namespace(seeds=[0], metrics=['R@20', 'R20'])
    with pytest.raises(SystemExit, match=r'no score R20, only R@20, R@50; '):
        repeated_runs.print_scores(
            dict(one=[{'R@20': 0.5, 'R@50': 0.6}]), args, 'config'
        )


def test_scores_are_tabulated_in_percent():
    runs = dict(one=[dict(r=0.5), dict(r=0.6)], other=[dict(r=0.25)])
    table = repeated_runs.score_table(runs, {'R@20': 'r'}, [['paper', '48']])
    assert table.splitlines() == [
        '| method | R@20       |',
        '|--------|------------|',
        '| paper  | 48         |',
        '| one    | 55.0 ± 7.1 |',
        '| other  | 25.0       |',
    ]
