"""A runner that takes the training recipe of a config, and little else."""

from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

# of a config, what decides on the learning rates
RECIPE = ('optim_wrapper', 'param_scheduler', 'auto_scale_lr')


class TinyModel(BaseModel):
    """Weights under names of which the configs give one a rate of its own."""

    def __init__(self):
        super().__init__()
        features = nn.ModuleDict(dict(object_head=nn.Linear(1, 1)))
        self.relation_head = nn.ModuleDict(
            dict(features=features, predicate_fc=nn.Linear(1, 1))
        )

    def forward(self, inputs, mode='loss', **kwargs):
        if mode == 'predict':
            return [None] * len(inputs)
        return dict(loss=sum(p.sum() for p in self.parameters()))


class Scores(BaseMetric):
    """Scores that are known beforehand, one an epoch."""

    def __init__(self, name, scores):
        super().__init__()
        self.name = name
        self.scores = scores
        self.runner = None

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        return {self.name: self.scores[self.runner.epoch - 1]}


class RateLog(Hook):
    """The rates of all parameter groups, iteration by iteration."""

    def __init__(self):
        self.rates = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        groups = runner.optim_wrapper.optimizer.param_groups
        self.rates.append([group['lr'] for group in groups])


def tiny_runner(cfg, work_dir, max_epochs, num_iters=1, scores=None, **kwargs):
    """Build a runner with the recipe of a config and a log of its rates.

    Args:
        cfg: The config.
        work_dir: Folder for logs and checkpoints.
        max_epochs: Epochs.
        num_iters: Iterations of an epoch.
        scores: What validation gives after each epoch; without, none is made.
            With it the hooks of the config take part that end and resume.
        kwargs: More of the runner's arguments.
    """
    batch_size = cfg.train_dataloader.batch_size
    inputs = [dict(inputs=0.0)] * num_iters * batch_size
    options = dict(log_level='WARNING')
    if scores:
        metric = Scores(cfg.param_scheduler[-1].monitor, scores)
        hooks = cfg.default_hooks
        options.update(
            val_dataloader=DataLoader(inputs[:1]),
            val_cfg=dict(),
            val_evaluator=[metric],
            custom_hooks=[
                hook
                for hook in cfg.custom_hooks
                if hook.type == 'StopAtLowRateHook'
            ],
            default_hooks=dict(
                resume_validation=hooks.resume_validation,
                checkpoint=dict(hooks.checkpoint, max_keep_ckpts=-1),
            ),
        )
    runner = Runner(
        TinyModel(),
        str(work_dir),
        train_dataloader=DataLoader(inputs, batch_size=batch_size),
        train_cfg=dict(by_epoch=True, max_epochs=max_epochs),
        default_scope='mmsgg',
        experiment_name=f'{work_dir.name}-{id(inputs)}',
        **{key: cfg[key] for key in RECIPE if key in cfg},
        **dict(options, **kwargs),
    )
    if scores:
        metric.runner = runner
    runner.rate_log = RateLog()
    runner.register_hook(runner.rate_log)
    return runner
