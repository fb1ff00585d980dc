from pathlib import Path

import pytest
import torch
from torch import nn

from ...scripts import load_tool

stage_meter = load_tool('analysis_tools/model_costs/stage_meter')
PeakMemory, StageMeter = stage_meter.PeakMemory, stage_meter.StageMeter
CPU = torch.device('cpu')
needs_proc = pytest.mark.skipif(
    not Path('/proc/self/clear_refs').is_file(),
    reason='memory is read from /proc, which this system lacks',
)


class Clock:
    """Time that passes only when it is told to."""

    now = 0.0

    def perf_counter(self):
        return self.now


class Part(nn.Module):
    """Takes some seconds."""

    def __init__(self, clock, seconds):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.clock, self.seconds = clock, seconds

    def forward(self, x):
        self.clock.now += self.seconds
        return x * self.weight


class Model(nn.Module):
    """Loops over the union branch as a head does over chunks of pairs."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock
        self.backbone, self.rpn_head = Part(clock, 1), Part(clock, 2)
        self.relation_head = Part(clock, 4)
        self.relation_head.features = nn.Module()
        self.relation_head.features.union_roi_extractor = Part(clock, 8)
        self.relation_head.features.union_head = Part(clock, 16)

    def forward(self, x):
        x = self.rpn_head(self.backbone(x))
        self.clock.now += 32  # NMS, which is no module
        x = self.relation_head(x)
        for _ in range(2):
            x = self.relation_head.features.union_roi_extractor(x)
            x = self.relation_head.features.union_head(x)
            self.clock.now += 64  # the pairs of a chunk
        return x.sum()


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(stage_meter, 'time', clock)
    return clock


def test_every_second_is_booked_on_one_stage(clock):
    model = Model(clock)
    meter = StageMeter(model)

    def step():
        clock.now += 0.5
        model(torch.ones(1))

    for _ in range(2):  # nothing is left over from the first time
        costs = meter.measure(step)
        assert {stage: cost.seconds for stage, cost in costs.items()} == {
            'input': 0.5,
            'backbone': 1,
            'proposals': 34,
            'object branch': 4,
            'union branch': 48,
            'pairs': 128,
        }
    assert not any(m._forward_pre_hooks for m in model.modules())
    assert not any(m._forward_hooks for m in model.modules())


def test_a_list_of_modules_is_hooked_one_by_one(clock):
    model = Model(clock)
    model.roi_head = nn.Module()
    model.roi_head.bbox_roi_extractor = nn.ModuleList([Part(clock, 512)] * 2)

    def step():
        x = model.rpn_head(torch.ones(1))
        for part in model.roi_head.bbox_roi_extractor:
            x = part(x)
        model.relation_head(x)

    costs = StageMeter(model).measure(step)
    assert costs['detector boxes'].seconds == 1024
    assert costs['proposals'].seconds == 2


def test_backward_and_optimizer_are_stages(clock):
    model = Model(clock)
    optimizer = torch.optim.SGD(model.parameters(), 0.0)

    def step():
        loss = model(torch.ones(1))
        clock.now += 128
        loss.backward()
        optimizer.step()
        clock.now += 256

    costs = StageMeter(model).measure(step, optimizer)
    assert costs['pairs'].seconds == 128
    assert costs['backward'].seconds == 128
    assert costs['optimizer'].seconds == 256
    assert list(costs)[-2:] == ['backward', 'optimizer']


@needs_proc
def test_memory_is_booked_where_it_is_held():
    class Holder(nn.Module):
        def forward(self, x):
            return x + torch.ones(64 * 2**20).sum()  # 256 MB

    model = Model(Clock())
    model.rpn_head = Holder()
    costs = StageMeter(model).measure(lambda: model(torch.ones(1)))
    peaks = {stage: cost.peak_mb for stage, cost in costs.items()}
    assert 200 < peaks['proposals'] - peaks['backbone'] < 300
    assert 200 < peaks['proposals'] - peaks['pairs']


def test_memory_unknown_where_there_is_no_proc(monkeypatch):
    monkeypatch.setattr(PeakMemory, '_clear_refs', Path('/no/such/file'))
    model = Model(Clock())
    costs = StageMeter(model).measure(lambda: model(torch.ones(1)))
    assert {cost.peak_mb for cost in costs.values()} == {None}
