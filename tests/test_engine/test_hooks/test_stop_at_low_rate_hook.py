"""When training ends, against the published rule in a loop of its own."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ..tiny_runner import tiny_runner

CONFIGS = Path(__file__).parents[3] / 'configs'
CONFIGS_WITH_RULE = [
    'linknet/sgcls',
    'linknet/sgdet_r101_fpn',
    'motifs/sgdet_cb-loss',
]
MAX_EPOCHS = 14
SCORES = dict(
    still=[0.5] * MAX_EPOCHS,
    rises=[0.1 + 0.05 * n for n in range(MAX_EPOCHS)],
    # too little to count, though enough for a relative threshold of 1e-4
    creeps=[0.5 + 2.2e-5 * n for n in range(MAX_EPOCHS)],
    falls=[0.3, 0.4, 0.5, *[0.4] * 3, 0.6, 0.5, 0.59, *[0.5] * 5],
    # of the epoch that is resumed from hangs when it ends
    jumps=[0.3, 0.5, 0.4, 0.4, 0.45, 0.4, 0.4, *[0.4] * 7],
)


def published_rule(scores, rate, ratio=99):
    """Train as neural-motifs and linknet-pytorch do; only the rates count.

    Returns:
        The rates (fc6 and fc7, others) of each epoch.
    """
    branches, others = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    optimizer = torch.optim.SGD(
        [dict(params=[branches], lr=rate / 10), dict(params=[others])],
        lr=rate,
    )
    plateau = ReduceLROnPlateau(
        optimizer, 'max', patience=3, factor=0.1, threshold=0.0001,
        threshold_mode='abs', cooldown=1,
    )  # fmt: skip
    rates = []
    for score in scores:
        rates.append([group['lr'] for group in optimizer.param_groups])
        plateau.step(score)
        if any(g['lr'] <= rate / ratio for g in optimizer.param_groups):
            break
    return rates


def train(config, work_dir, scores, ratio=99, **kwargs):
    """Train with the recipe of a config.

    Returns:
        The rates (fc6 and fc7, others) of each epoch, and the runner.
    """
    cfg = Config.fromfile(CONFIGS / f'{config}.py')
    [stop] = [
        hook for hook in cfg.custom_hooks if hook.type == 'StopAtLowRateHook'
    ]
    stop.ratio = ratio
    runner = tiny_runner(cfg, work_dir, MAX_EPOCHS, scores=scores, **kwargs)
    runner.train()
    return [[rates[0], rates[-1]] for rates in runner.rate_log.rates], runner


def assert_rates(found, expected):
    assert len(found) == len(expected)
    for epoch, other in zip(found, expected, strict=True):
        assert epoch == pytest.approx(other)


@pytest.mark.parametrize('scores', SCORES.values(), ids=SCORES.keys())
@pytest.mark.parametrize('config', CONFIGS_WITH_RULE)
def test_ends_where_the_published_code_does(config, scores, tmp_path):
    rate = 6e-4 if 'sgdet' in config else 6e-3
    rates, _ = train(config, tmp_path, scores)
    assert_rates(rates, published_rule(scores, rate))


def test_a_higher_ratio_grants_a_phase_at_a_tenth(tmp_path):
    scores = SCORES['still']
    rates, _ = train('linknet/sgcls', tmp_path, scores, ratio=999)
    assert_rates(rates, published_rule(scores, 6e-3, ratio=999))
    assert rates[-1] == pytest.approx([6e-5, 6e-4])


@pytest.mark.parametrize('name', ['still', 'falls', 'jumps'])
def test_a_resumed_run_ends_where_it_would_have(name, tmp_path):
    """From each of its epochs, also the one that had ended it."""
    scores = SCORES[name]
    whole, runner = train('linknet/sgcls', tmp_path, scores)
    assert len(whole) < MAX_EPOCHS
    for epoch in range(1, len(whole) + 1):
        rates, runner = train(
            'linknet/sgcls',
            tmp_path / str(epoch),
            scores,
            load_from=str(tmp_path / f'epoch_{epoch}.pth'),
            resume=True,
        )
        assert_rates(rates, whole[epoch:])
        assert runner.epoch == len(whole)


def test_a_run_below_the_limit_does_not_go_on(tmp_path):
    """Nor does it need a validation to find that out."""
    train('linknet/sgcls', tmp_path, SCORES['still'], ratio=999)
    # the decay is after epoch 5, whose checkpoint has it
    for epoch, num_left in ((4, 3), (5, 0), (6, 0)):
        runner = tiny_runner(
            Config.fromfile(CONFIGS / 'linknet' / 'sgcls.py'),
            tmp_path / str(epoch),
            max_epochs=7,
            custom_hooks=[dict(type='StopAtLowRateHook')],
            load_from=str(tmp_path / f'epoch_{epoch}.pth'),
            resume=True,
        )
        runner.train()
        assert len(runner.rate_log.rates) == num_left


@pytest.mark.parametrize('end', [2, 6])
@pytest.mark.parametrize(
    'warm_up',
    [
        dict(type='LinearLR', start_factor=1e-3),
        dict(type='ConstantLR', factor=1e-3),
    ],
    ids=lambda cfg: cfg['type'],
)
def test_a_warm_up_ends_nothing(warm_up, end, tmp_path):
    """That of mmdet's schedules starts at a thousandth of the rate."""
    cfg = Config.fromfile(CONFIGS / 'linknet' / 'sgcls.py')
    cfg.param_scheduler.insert(0, dict(warm_up, by_epoch=False, end=end))
    runner = tiny_runner(cfg, tmp_path, MAX_EPOCHS, scores=SCORES['still'])
    runner.train()
    rates = [[rates[0], rates[-1]] for rates in runner.rate_log.rates]
    # the decay after epoch 5 ends it, once the rate is that of the config
    assert len(rates) == 5
    assert_rates(rates[end - 1 :], [[6e-4, 6e-3]] * (6 - end))


def test_why_and_when_is_in_the_log(tmp_path):
    train('linknet/sgcls', tmp_path, SCORES['still'], log_level='INFO')
    [log] = tmp_path.glob('*/*.log')
    assert (
        'Training ends after epoch 5: the learning rate of a parameter group '
        'is 6e-05, at most 1 / 99 of the base rate 0.006'
    ) in log.read_text()


def test_every_plateau_of_relations_has_the_rule_and_no_other_config():
    """A cosine, too, comes below the limit; detectors train on.

    But for that of EGTR, which its authors stopped.
    """
    for path in CONFIGS.glob('*/**/*.py'):
        folder, *_ = path.relative_to(CONFIGS).parts
        if folder == '_base_':
            continue
        cfg = Config.fromfile(path)
        schedulers = [s.type for s in cfg.get('param_scheduler', ())]
        hooks = [hook.type for hook in cfg.get('custom_hooks', ())]
        rule = 'ReduceOnPlateauLR' in schedulers and (
            'relation_head' in cfg.model or 'deformable' in path.stem
        )
        trained = cfg.model.get('relation_head', {}).get('type') != (
            'FrequencyRelHead'
        )
        assert ('StopAtLowRateHook' in hooks) == (rule and trained), path
