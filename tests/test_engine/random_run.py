"""A small run in which everything is drawn at random."""

import random

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

NUM_ITEMS = 12
BATCH_SIZE = 4
STEPS = 3  # of an epoch


class RandomItems(Dataset):
    """Items that are drawn anew whenever they are fetched."""

    metainfo = dict(classes=('a',))

    def __len__(self):
        return NUM_ITEMS

    def __getitem__(self, index):
        drawn = random.random() + np.random.rand() + torch.rand(()).item()
        return dict(inputs=torch.tensor([index + drawn]))


class RandomModel(BaseModel):
    """A loss that depends on the generators of all libraries."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.norm = nn.BatchNorm1d(1)
        self.layer = nn.Linear(1, 1)

    def forward(self, inputs, mode='loss'):
        if mode == 'predict':
            return [float(self.layer.weight + self.norm.running_mean)]
        x = torch.stack(inputs)
        noise = random.random() + np.random.rand() + torch.rand(())
        return dict(loss=(self.layer(self.norm(x)) * noise).square().mean())


class Weight(BaseMetric):
    """A score that moves up and down."""

    default_prefix = None

    def process(self, data_batch, data_samples):
        self.results.extend(data_samples)

    def compute_metrics(self, results):
        return dict(score=float(np.sin(50 * results[0])))


class Trace(Hook):
    """Losses and rates, step by step; ``act`` is called after each step."""

    priority = 'VERY_HIGH'

    def __init__(self, act=None, act_in_val=None):
        self.steps = {}
        self.act = act
        self.act_in_val = act_in_val

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ):
        [group] = runner.optim_wrapper.optimizer.param_groups
        loss = outputs['loss'].item()
        self.steps[runner.iter] = batch_idx, loss, group['lr']
        if self.act:
            self.act(runner.iter)

    def after_val_iter(self, runner, *args, **kwargs):
        if self.act_in_val:
            self.act_in_val(runner.epoch)


def random_run(work_dir, max_epochs=4, num_workers=0, trace=None, **kwargs):
    """Build a run; with ``checkpoint`` for options of its hook."""
    loader = dict(
        dataset=RandomItems(),
        batch_size=BATCH_SIZE,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        sampler=dict(type='DefaultSampler', shuffle=True),
    )
    checkpoint = dict(
        type='AtomicCheckpointHook', interval=1, save_best='score',
        rule='greater', max_keep_ckpts=1,
    )  # fmt: skip
    checkpoint.update(kwargs.pop('checkpoint', {}))
    plateau = dict(
        type='ReduceOnPlateauLR',
        monitor='score',
        rule='greater',
        patience=0,
        factor=0.5,
        # no score is that much better, so each lowers the rate
        threshold=2.0,
        threshold_rule='abs',
    )
    trace = trace or Trace()
    runner = Runner(
        RandomModel(),
        str(work_dir),
        train_dataloader=loader,
        train_cfg=dict(type='ResumableTrainLoop', max_epochs=max_epochs),
        val_dataloader=dict(
            dataset=RandomItems(),
            batch_size=NUM_ITEMS,
            sampler=dict(type='DefaultSampler', shuffle=False),
        ),
        val_cfg=dict(),
        val_evaluator=[Weight()],
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1e-3, momentum=0.9)),
        param_scheduler=kwargs.pop('param_scheduler', plateau),
        custom_hooks=[dict(type='EMAHook', momentum=0.2), trace],
        default_hooks=dict(
            checkpoint=checkpoint,
            resume_fit=dict(type='ResumeFitHook'),
            resume_validation=dict(type='ResumeValidationHook'),
            stop_signal=dict(type='StopSignalHook'),
        ),
        default_scope='mmsgg',
        log_level='WARNING',
        experiment_name=f'{work_dir}-{random.random()}',
        **kwargs,
    )
    runner.trace = trace
    return runner
