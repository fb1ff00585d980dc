"""A loss, a weight or a prediction that is no number stops a run."""

import multiprocessing
import os
import socket

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from torch.utils.data import DataLoader

from mmsgg.engine import use_gloo_without_gpu
from mmsgg.engine.hooks import FiniteHook
from mmsgg.structures import SGDataSample

from ..tiny_runner import TinyModel


class Diverging(TinyModel):
    """Has a second loss, which is no number from some iteration on."""

    def __init__(self, iteration, spoil='loss_b'):
        super().__init__()
        self.iteration = iteration
        self.spoil = spoil
        self.count = 0

    def forward(self, inputs, data_samples=None, mode='loss', **kwargs):
        self.count += mode == 'loss'
        losses = super().forward(inputs, mode, **kwargs)
        if mode == 'loss':
            losses = dict(loss_a=losses['loss'], loss_b=losses['loss'])
            losses['accuracy'] = torch.tensor(float('nan'))  # no loss
            if self.count == self.iteration:
                losses[self.spoil] = losses[self.spoil] * float('inf')
        return losses


def runner_of(model, work_dir, num_iters=3):
    """A runner of one epoch, of batches of two named images."""
    batches = []
    for number in range(num_iters):
        names = [f'{number}_{i}.jpg' for i in range(2)]
        samples = [SGDataSample(metainfo=dict(img_path=n)) for n in names]
        batches.append(dict(inputs=torch.zeros(2), data_samples=samples))
    return Runner(
        model,
        str(work_dir),
        train_dataloader=DataLoader(batches, collate_fn=lambda b: b[0]),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        custom_hooks=[FiniteHook()],
        default_scope='mmsgg',
        experiment_name=f'{work_dir.name}-{id(model)}',
        log_level='WARNING',
    )


def test_a_loss_is_named_with_its_iteration_and_images(tmp_path):
    runner = runner_of(Diverging(2), tmp_path)
    with pytest.raises(
        ValueError,
        match=r'^loss_b is not finite in iteration 2 of epoch 1, on the '
        r'images 1_0\.jpg, 1_1\.jpg;',
    ):
        runner.train()
    assert not [*tmp_path.glob('*.pth')]


def test_finite_losses_go_on(tmp_path):
    runner_of(Diverging(99), tmp_path).train()
    assert [path.name for path in tmp_path.glob('*.pth')] == ['epoch_1.pth']


def test_values_are_taken_from_the_log(tmp_path, monkeypatch):
    """Not from the device: no tensor is read a second time."""
    runner = runner_of(Diverging(99), tmp_path)
    runner.message_hub.update_scalar('train/loss_a', 1.0)

    def refuse(*_):
        raise AssertionError('a tensor was brought to the host')

    loss = torch.tensor(1.0)
    for method in ('item', 'cpu', '__float__', '__bool__', 'tolist'):
        monkeypatch.setattr(torch.Tensor, method, refuse)
    FiniteHook().after_train_iter(runner, 0, None, dict(loss_a=loss))


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_spoilt_weights_are_not_saved(tmp_path, value):
    """A gradient may spoil them in the last iteration, under a finite loss."""
    (tmp_path / 'epoch_1.pth').write_bytes(b'good')
    model = TinyModel()
    weight = model.relation_head.predicate_fc.weight
    weight.register_hook(lambda gradient: gradient * value)
    with pytest.raises(
        ValueError, match=r'not finite: relation_head\.predicate_fc'
    ):
        runner_of(model, tmp_path, num_iters=1).train()
    assert (tmp_path / 'epoch_1.pth').read_bytes() == b'good'


def train_one_process(rank, port, work_dir):
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE='2',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(port),
    )
    cfg = Config(dict(launcher='pytorch'))
    use_gloo_without_gpu(cfg)
    wrapper = dict(cfg.model_wrapper_cfg)
    wrapper.pop('type')
    model = MMDistributedDataParallel(Diverging(2 if rank else 99), **wrapper)
    runner_of(model, work_dir).train()


def test_all_processes_end_where_one_diverges(tmp_path, capfd):
    with socket.create_server(('127.0.0.1', 0)) as server:
        port = server.getsockname()[1]
    context = multiprocessing.get_context('fork')
    processes = [
        context.Process(target=train_one_process, args=(rank, port, tmp_path))
        for rank in (0, 1)
    ]
    for process in processes:
        process.start()
    try:
        for process in processes:
            process.join(120)
        assert [process.exitcode for process in processes] == [1, 1]
    finally:
        for process in processes:
            process.kill()
    assert 'loss_b is not finite in iteration 2' in capfd.readouterr().err
    assert not [*tmp_path.glob('*.pth')]


@pytest.mark.parametrize('stage', ['val', 'test'])
def test_a_prediction_is_named_by_its_image(stage):
    """Of a detector too, whose metric would count it as a miss."""
    sample = SGDataSample(metainfo=dict(img_id=7))
    sample.pred_instances = InstanceData(
        bboxes=torch.ones(2, 4), scores=torch.tensor([0.5, np.nan])
    )
    look = getattr(FiniteHook(), f'after_{stage}_iter')
    with pytest.raises(ValueError, match=r'image 7: pred_instances\.scores'):
        look(None, 0, outputs=[sample])
    sample.pred_instances.scores = torch.ones(2)
    look(None, 0, outputs=[sample, None])
