"""The table of remedies for rare predicates, on a made file."""

import numpy as np
import pytest
import torch

from mmsgg.registry import MODELS

from ...scripts import load_tool
from .test_gqa_tools import benchmark_gqa, gqa, rows_of  # noqa: F401

benchmark = load_tool('analysis_tools/benchmark_long_tail')
ROWS = ['plain', 'rare gain .15', 'bi-level resampling']


def test_one_training_serves_all_that_comes_after(
    gqa,  # noqa: F811
    tmp_path,
    capsys,
    monkeypatch,
):
    argv = ['--data-root', str(gqa), '--work-dir', str(tmp_path)]
    argv += ['--seeds', '0', '--only']
    trainings, judged = [], []

    def trained(cfg, seed, folder):
        trainings.append((cfg.train_dataloader.dataset.type, folder.parts[-2]))
        return original_training(cfg, seed, folder)

    def score(cfg, checkpoint, settings, counts):
        judged.append([*settings])
        return original_score(cfg, checkpoint, settings, counts)

    original_training, original_score = benchmark.trained, benchmark.score
    monkeypatch.setattr(benchmark, 'trained', trained)
    monkeypatch.setattr(benchmark, 'score', score)
    benchmark.main([*argv, *ROWS])
    rows = rows_of(capsys.readouterr().out)
    assert [*rows] == ROWS
    assert trainings == [
        ('GQA200Dataset', 'plain'),
        ('BiLevelResampledDataset', 'resampling'),
    ]
    assert judged == [ROWS[:2], ROWS[2:]]
    assert set(rows['plain']) >= {'R@50', 'F@100', 'mR-tail@50', 'ng-R@100'}
    benchmark.main([*argv, ROWS[0], 'logit adjustment, tau .3'])
    assert rows_of(capsys.readouterr().out)['plain'] == rows['plain']
    assert judged[2:] == [['logit adjustment, tau .3']]


def test_groups_are_cut_by_the_counts_of_training():
    groups = benchmark.predicate_groups(np.array([500, 499, 50, 49, 0]))
    assert groups == dict(head=[0], body=[1, 2], tail=[3, 4])


def test_runs_that_there_are_are_not_trained_again(gqa, tmp_path):  # noqa: F811
    args = benchmark.parse_args(
        ['--data-root', str(gqa), '--plain-runs', str(tmp_path)]
    )
    _, checkpoint = benchmark.train_with('plain', args, 3)
    assert checkpoint == str(tmp_path / 'seed_3' / 'epoch_8.pth')
    with pytest.raises(FileNotFoundError):
        benchmark.score(_, checkpoint, {}, None)


def test_the_rarest_predicate_gains_in_the_pass_over_the_images(
    gqa,  # noqa: F811
    tmp_path,
):
    args = benchmark.parse_args(['--data-root', str(gqa)])
    cfg = benchmark.read_config(args, *benchmark.HEADS[args.head])
    path = tmp_path / 'weights.pth'
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), path)
    settings = dict(plain=None, much=dict(tau=5.0))
    for rarest, recall in ((0, 1), (5, 0)):  # eleven images of twelve have 0
        counts = np.full(100, 9000)
        counts[rarest] = 1
        scores = benchmark.score(cfg, str(path), settings, counts)
        assert scores['much']['R@50'] == recall
