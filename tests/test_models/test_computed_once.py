import pytest
import torch
from torch import nn

from mmsgg.models.detectors.module_contexts import computed_once


def test_a_module_runs_once_for_the_last_argument():
    norm = nn.BatchNorm1d(2)
    first, other = torch.randn(3, 2), torch.randn(4, 2)
    with computed_once(norm, 'forward'):
        out = norm(first)
        assert norm(first) is out
        assert norm.num_batches_tracked == 1
        assert len(norm(other)) == 4 and norm(first) is not out
        assert norm.num_batches_tracked == 3
    assert norm(first) is not norm(first)
    assert 'forward' not in vars(norm)


def test_the_method_is_back_after_an_error():
    layer = nn.Linear(2, 2)
    with pytest.raises(RuntimeError), computed_once(layer, 'forward'):
        layer(torch.zeros(3))
    assert 'forward' not in vars(layer)
