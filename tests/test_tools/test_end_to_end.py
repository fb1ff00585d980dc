"""The command lines on a tiny data set, with one process and with three."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmsgg.evaluation import SceneGraphMetric
from mmsgg.testing import write_toy_vg

from .. import forked

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / 'tools'
CONFIGS = ROOT / 'configs' / 'toy'
NUM_TEST = 7  # images with relations; no multiple of 3


@pytest.fixture(scope='module')
def options(tmp_path_factory):
    """``--cfg-options`` that make a toy config small."""
    root = tmp_path_factory.mktemp('toy')
    # one of them has no relation
    write_toy_vg(root, num_train=20, num_test=NUM_TEST + 1, progress=False)
    options = [
        f'{split}_dataloader.dataset.data_root={root}'
        for split in ('train', 'val', 'test')
    ]
    # an untrained detector is sure of nothing; let the best guesses pass
    return [
        '--cfg-options',
        *options,
        'train_dataloader.batch_size=2',
        'train_dataloader.dataset.num_val=4',
        'val_dataloader.dataset.num_val=4',
        'train_cfg.max_epochs=1',
        'model.object_source.score_thr=0.0',
        'model.object_source.max_per_img=6',
        'randomness.seed=0',
    ]


def run(*command, work_dir, num=1):
    """Run a script of tools/ in some processes; returns what it printed."""
    log = work_dir.with_suffix('.log')
    command = [TOOLS / command[0], *command[1:], '--work-dir', work_dir]
    if num > 1:
        command += ['--launcher', 'pytorch']
    environments = forked.processes(num) if num > 1 else [{}]
    pids = [
        forked.start(forked.script, command, ROOT, log, environment)
        for environment in environments
    ]
    codes = [forked.end(pid) for pid in pids]
    text = log.read_text()
    assert codes == [0] * num, text[-4000:]
    return text


def metrics_of(work_dir):
    """The scores that a test run left in its work directory."""
    [path] = [
        path
        for path in work_dir.glob('*/*.json')
        if path.stem == path.parent.name
    ]
    return json.loads(path.read_text())


@pytest.fixture(scope='module')
def trained(options, tmp_path_factory):
    """The checkpoint that three processes on the CPU trained together."""
    work_dir = tmp_path_factory.mktemp('train')
    config = CONFIGS / 'sgdet.py'
    command = [TOOLS / 'dist_train.sh', config, 3, *options]
    done = subprocess.run(
        [*map(str, command), '--work-dir', str(work_dir)],
        env=dict(os.environ, PYTHON=sys.executable, OMP_NUM_THREADS='1'),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert 'The detector is frozen and no weights are loaded' in done.stdout
    return work_dir / 'epoch_1.pth'


def test_three_processes_train(trained):
    checkpoint = torch.load(trained, weights_only=False)
    weights = checkpoint['state_dict']
    assert all(value.isfinite().all() for value in weights.values())
    # the frequency table travels with the weights
    assert weights['relation_head.frequency_bias.table.weight'].any()
    # 16 images, 2 a process and step, 3 processes
    assert checkpoint['message_hub']['runtime_info']['iter'] == 2


def test_one_and_three_processes_agree(trained, options, tmp_path):
    """In sgdet, where detections and their graphs must be the same."""
    command = ['test.py', CONFIGS / 'sgdet.py', trained]
    scores, predictions = {}, {}
    for num in (1, 3):
        out = tmp_path / f'{num}.pkl'
        work_dir = tmp_path / str(num)
        command[3:] = ['--out', out, *options]
        run(*command, work_dir=work_dir, num=num)
        scores[num] = metrics_of(work_dir)
        predictions[num] = pickle.loads(out.read_bytes())
    recalls = [key for key in scores[1] if 'R@' in key]
    assert {'R@20', 'R@50', 'R@100'} <= set(recalls)
    for key in recalls:
        assert scores[3][key] == pytest.approx(scores[1][key], abs=1e-6)
    for one, three in zip(predictions[1], predictions[3], strict=True):
        assert one['img_id'] == three['img_id']
        one, three = (row['pred_relations'] for row in (one, three))
        # a run may differ in the last bit, which turns ties around
        np.testing.assert_allclose(one['scores'], three['scores'], atol=1e-6)
        assert sorted(one['pairs'].tolist()) == sorted(three['pairs'].tolist())
    assert len(predictions[1]) == NUM_TEST
    offline = SceneGraphMetric()
    offline.process({}, predictions[1])
    again = offline.evaluate(NUM_TEST)
    assert {key: scores[1][key] for key in recalls} == again


def test_resume_and_pictures(trained, options, tmp_path):
    work_dir = tmp_path / 'more'
    log = run(
        'train.py',
        CONFIGS / 'sgdet.py',
        '--resume',
        trained,
        *options,
        'train_cfg.max_epochs=2',
        work_dir=work_dir,
    )
    assert 'resumed epoch: 1' in log
    assert (work_dir / 'epoch_2.pth').is_file()
    pictures = tmp_path / 'pictures'
    run(
        'test.py',
        CONFIGS / 'sgdet.py',
        work_dir / 'epoch_2.pth',
        '--show-dir',
        pictures,
        *options,
        work_dir=tmp_path / 'test',
    )
    drawn = [path for path in pictures.iterdir() if path.stat().st_size > 1e4]
    assert len(drawn) == NUM_TEST
