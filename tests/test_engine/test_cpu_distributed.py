"""The process group and the config values of runs without a GPU."""

import os
from datetime import timedelta

import pytest
import torch
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel
from torch import nn

from mmsgg.engine import (
    cpu_distributed,
    leave_process_group,
    use_gloo_without_gpu,
)

from .. import forked


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """Pretend to be on a CPU and note the process groups asked for."""
    calls = []
    monkeypatch.setattr(cpu_distributed, 'get_device', lambda: 'cpu')
    monkeypatch.setattr(
        cpu_distributed.distributed,
        'init_process_group',
        lambda backend, **options: calls.append((backend, options)),
    )
    return calls


def test_sets_backend_and_wrapper(started):
    cfg = Config(dict(launcher='pytorch'))
    use_gloo_without_gpu(cfg)
    assert started == [('gloo', {})]  # torch 2.1 takes no timeout of None
    assert cfg.env_cfg.dist_cfg.backend == 'gloo'
    assert cfg.model_wrapper_cfg == dict(
        type='MMDistributedDataParallel',
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=False,
    )


def test_keeps_what_the_config_says(started):
    cfg = Config(
        dict(
            launcher='pytorch',
            env_cfg=dict(
                cudnn_benchmark=False,
                dist_cfg=dict(backend='nccl', timeout=60),
            ),
            model_wrapper_cfg=dict(type='Mine', static_graph=True),
        )
    )
    use_gloo_without_gpu(cfg)
    assert started == [('gloo', dict(timeout=timedelta(seconds=60)))]
    assert cfg.env_cfg == dict(
        cudnn_benchmark=False, dist_cfg=dict(backend='gloo', timeout=60)
    )
    assert cfg.model_wrapper_cfg == dict(
        type='Mine', static_graph=True, device_ids=None
    )


@pytest.mark.parametrize(
    ('launcher', 'device'),
    [('none', 'cpu'), ('slurm', 'cpu'), ('pytorch', 'cuda')],
)
def test_leaves_other_runs_alone(started, monkeypatch, launcher, device):
    monkeypatch.setattr(cpu_distributed, 'get_device', lambda: device)
    cfg = Config(dict(launcher=launcher))
    use_gloo_without_gpu(cfg)
    assert started == []
    assert cfg.to_dict() == dict(launcher=launcher)


def average_gradients(rank, environment, folder):
    """One of two processes, whose inputs are 0 and 2."""
    os.environ.update(environment, CUDA_VISIBLE_DEVICES='')
    cfg = Config(dict(launcher='pytorch', find_unused_parameters=True))
    use_gloo_without_gpu(cfg)
    assert torch.distributed.get_rank() == rank
    wrapper = dict(cfg.model_wrapper_cfg)
    assert wrapper.pop('type') == 'MMDistributedDataParallel'
    model = MMDistributedDataParallel(nn.Linear(1, 1, bias=False), **wrapper)
    model(torch.tensor([[2.0 * rank]])).sum().backward()
    torch.save(model.module.weight.grad, folder / f'{rank}.pth')
    leave_process_group()


def test_two_processes_average_their_gradients(tmp_path):
    pids = [
        forked.start(average_gradients, rank, environment, tmp_path)
        for rank, environment in enumerate(forked.processes(2))
    ]
    assert [forked.end(pid) for pid in pids] == [0, 0]
    for rank in range(2):
        assert torch.load(tmp_path / f'{rank}.pth').item() == 1
