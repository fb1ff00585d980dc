"""What of a checkpoint is enough for a test."""

import pytest
import torch
from torch import nn

from mmsgg.engine import check_weights
from mmsgg.models.layers import FrequencyBias

from ..folders import ROOT
from ..test_models.test_first_version import narrow_toy_model


@pytest.fixture(scope='module')
def first_version():
    content = torch.load(ROOT / 'tests' / 'data' / 'first_version.pth')
    return content['model']['state_dict']


def test_weights_of_the_first_version_are_enough(first_version):
    wrapped = {f'module.{k}': v for k, v in first_version.items()}
    for weights in (first_version, wrapped):
        names = list(weights)
        check_weights(narrow_toy_model(), dict(state_dict=weights))
        assert list(weights) == names


def test_missing_parts_are_named_by_their_names_of_today(first_version):
    weights = {
        key: value
        for key, value in first_version.items()
        if 'object_head' not in key and 'backbone.bn1' not in key
    }
    with pytest.raises(
        ValueError,
        match=r'random: detector\.backbone, relation_head\.features is not',
    ):
        check_weights(narrow_toy_model(), dict(state_dict=weights))


@pytest.mark.parametrize(('number', 'more'), [(4, ''), (6, ' and 2 more')])
def test_the_first_missing_parts_are_named(number, more):
    model = nn.Sequential(*(nn.Linear(1, 1) for _ in range(number)))
    with pytest.raises(ValueError, match=f'random: 0, 1, 2, 3{more} is not'):
        check_weights(model, {})


def test_weights_that_are_no_numbers_are_refused(first_version):
    key = 'roi_head.bbox_head.fc_cls.weight'
    spoilt = first_version[key].clone()
    spoilt[0, 0] = float('nan')
    weights = dict(first_version) | {key: spoilt}
    with pytest.raises(ValueError, match=r'finite: detector\.roi_head'):
        check_weights(narrow_toy_model(), dict(state_dict=weights))


def test_running_statistics_are_learnt_and_counters_are_not():
    model = nn.Sequential(nn.BatchNorm1d(2))
    model.register_buffer('grid', torch.ones(2))
    weights = {
        name: value
        for name, value in model.state_dict().items()
        if 'num_batches_tracked' not in name and name != 'grid'
    }
    check_weights(model, weights)
    for name in ('0.running_mean', '0.running_var'):
        less = {k: v for k, v in weights.items() if k != name}
        with pytest.raises(ValueError, match='random: 0 is not in it'):
            check_weights(model, less)


def test_a_frequency_table_is_missed_unless_it_was_counted():
    bias = FrequencyBias(2, 3)
    model = nn.ModuleDict(dict(frequency_bias=bias))
    with pytest.raises(ValueError, match=r'frequency_bias\.table is not'):
        check_weights(model, {})
    bias.table.weight.data += 1
    check_weights(model, {})
