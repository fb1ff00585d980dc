"""One, two and three processes give the same numbers, bit for bit."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import distributed

from mmsgg.engine.cpu_distributed import leave_process_group
from mmsgg.evaluation import SceneGraphMetric

from .random_graphs import make_sample

METRICS = (
    'R', 'ng-R', 'mR', 'ng-mR', 'F', 'zR', 'A', 'phr-R', 'pooled-R',
    'pooled-phr-R',
)  # fmt: skip
NUM_IMAGES = 23


def evaluate(rank: int = 0, world: int = 1) -> str:
    """Evaluate a share of the images; the result, every bit of it."""
    rng = np.random.default_rng(5)
    data_samples = [
        make_sample(rng, 4, i % 4, 4, True, True) for i in range(NUM_IMAGES)
    ]
    metrics = [
        SceneGraphMetric(
            METRICS, (1, 3, 100), zero_shot_triplets=[[0, 1, 2], [1, 1, 1]],
            predicates_per_pair=2,
            predicate_groups=dict(head=[0], tail=[2, 1]),
        ),
        SceneGraphMetric(protocol='openimages', prefix='oi'),
        SceneGraphMetric(protocol='sgbench', prefix='sgbench'),
    ]  # fmt: skip
    share = -(-NUM_IMAGES // world)  # a sampler pads with the first images
    for i in range(share):
        sample = data_samples[(rank + world * i) % NUM_IMAGES]
        for metric in metrics:
            metric.process(None, [sample])
    results = {}
    for metric in metrics:
        results |= metric.evaluate(NUM_IMAGES)
    return ' '.join(f'{k}={float(v).hex()}' for k, v in results.items())


def work(rank: int, world: int, port: int) -> None:
    """Be one of several processes."""
    address = f'tcp://127.0.0.1:{port}'
    distributed.init_process_group(
        'gloo', address, rank=rank, world_size=world
    )
    # one write a line, as the processes share the pipe
    sys.stdout.write(f'{evaluate(rank, world)}\n')
    sys.stdout.flush()
    leave_process_group()


def free_port() -> int:
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


@pytest.mark.skipif(sys.platform == 'win32', reason='needs fork')
def test_processes_equal_one(tmp_path):
    command = [sys.executable, '-m', f'{__package__}.test_processes']
    done = subprocess.run(
        command, cwd=Path(__file__).parents[3], capture_output=True, text=True,
        env=dict(os.environ, CUDA_VISIBLE_DEVICES='', TMPDIR=str(tmp_path)),
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if '=0x' in line]
    assert lines == [evaluate()] * (2 + 3)
    assert 'oi/score_wtd=0x' in lines[0] and 'sgbench/PRank=0x' in lines[0]
    assert 'R@1=' in lines[0] and 'mR-tail@100=' in lines[0]


if __name__ == '__main__':  # forks share what was imported
    for size in (2, 3):
        torch.multiprocessing.start_processes(
            work, (size, free_port()), size, start_method='fork'
        )
