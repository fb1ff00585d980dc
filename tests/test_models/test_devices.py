"""Every head on a GPU, and on a device that stands for one.

Without a GPU the tests with ``cuda`` in their name are skipped
(``make test-gpu`` runs them). What mixes devices is found in any case, and
how often a head waits for its device is kept here: what does not wait can be
queued while the device works.
"""

from collections import Counter

import pytest
import torch
from mmengine.config import Config

from mmsgg.registry import MODELS

from ..folders import ROOT
from ..scripts import load_tool
from .pretended_device import (
    module_on_device,
    on_device,
    pretended_device,
)
from .samples import (
    feature_map,
    given_objects,
    metas,
    random_objects,
    random_sample,
)
from .test_relation_heads import HEADS

#: How often the host waits in a step with two images: to predict from
#: detections, with given classes, and to train.
WAITS = {
    'linknet': (7, 3, 8),
    'linknet_drawing': (6, 2, 9),
    'frequency': (6, 2, 6),
    'imp': (7, 3, 7),
    'motifs': (9, 5, 10),
    'motifs_confidence': (8, 4, 11),
    'causal_motifs': (9, 5, 10),
    'product_motifs': (8, 4, 11),
    'transformer': (7, 3, 7),
    'gated_transformer': (7, 3, 8),
    'motifs_boxes': (8, 4, 9),
    'gated_transformer_boxes': (6, 2, 7),
    'vctree': (7, 3, 12),
    'penet': (7, 3, 8),
    'mlp': (6, 2, 7),
    'mlp_frequency': (6, 2, 7),
}


def head_of(name):
    torch.manual_seed(0)
    return MODELS.build(HEADS[name])


def objects_to_train(samples, place):
    """Objects with classes to be learned, and their samples, in a place."""
    objects = []
    for seed, sample in enumerate(samples):
        image = given_objects(sample, seed)
        del image.labels
        objects.append(place(image))
        sample.gt_instances = place(sample.gt_instances)
        sample.gt_relations = place(sample.gt_relations)
    return objects


def losses_of(head, place):
    """Losses of two images, with the gradients of the weights behind."""
    samples = [random_sample(5, 4, seed) for seed in range(2)]
    objects = objects_to_train(samples, place)
    x = tuple(place(level) for level in feature_map(2))
    losses = head.train().loss(x, objects, samples)
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    return losses


@torch.no_grad()
def graphs_of(head, place, task):
    """The graphs of two images."""
    objects = [place(random_objects(n, n, task)) for n in (5, 4)]
    x = tuple(place(level) for level in feature_map(2))
    return head.eval().predict(x, objects, metas(2))


@pytest.mark.parametrize('name', HEADS)
def test_a_head_stays_on_its_device(name):
    waits = []
    for run in (
        lambda head: graphs_of(head, on_device, 'sgdet'),
        lambda head: graphs_of(head, on_device, 'predcls'),
        lambda head: losses_of(head, on_device),
    ):
        head = module_on_device(head_of(name))
        stack, device = pretended_device()
        with stack:
            run(head)
        waits.append(len(device.waits))
    assert tuple(waits) == WAITS[name], Counter(device.waits)


def test_the_device_that_is_none_notices_what_a_gpu_would():
    stack, device = pretended_device()
    with stack:
        x = on_device(torch.arange(6.0).reshape(2, 3))
        assert x.device != torch.device('cpu')
        assert x.new_zeros(2).device == x.device
        assert torch.arange(3, device=x.device).device == x.device
        with pytest.raises(AssertionError, match='mixes devices'):
            x + torch.zeros(3)
        with pytest.raises(AssertionError, match='mixes devices'):
            x[:, torch.tensor([0, 1])]
        with pytest.raises(TypeError, match='on the CPU'):
            x.numpy()
        assert not device.waits  # nor does a number that is no result
        x * torch.tensor(2.0)
        x[:, on_device(torch.tensor([1, 0]))].add_(1)
        assert not device.waits
        assert x.sum().item() == 15
        assert x[0].tolist() == [0, 1, 2]
        assert bool((x > 2).any())
        assert len((x > 2).nonzero()) == 3
        assert x[x > 2].shape == (3,)
        assert x.cpu().numpy().shape == (2, 3)
        assert len(device.waits) == 6


@pytest.mark.parametrize('name', HEADS)
def test_a_gpu_gives_what_the_cpu_gives(name, device, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', False)

    def place(value):
        return value.to(device)

    close = dict(rtol=1e-4, atol=1e-4)
    for task in ('sgdet', 'predcls'):
        expected = graphs_of(head_of(name), lambda value: value, task)
        got = graphs_of(head_of(name).to(device), place, task)
        for graph, other in zip(got, expected, strict=True):
            for one, two in zip(graph, other, strict=True):
                torch.testing.assert_close(
                    one.scores.cpu(), two.scores, **close
                )
    expected = losses_of(head_of(name), lambda value: value)
    for key, value in losses_of(head_of(name).to(device), place).items():
        assert value.device.type == device.type
        torch.testing.assert_close(value.cpu(), expected[key], **close)


@pytest.mark.parametrize(
    'config', ['sgcls', 'sgdet', 'rtmdet_sgdet', 'egtr_sgdet', 'reltr_sgdet']
)
@pytest.mark.parametrize('place', ['cuda'])
def test_a_model_runs_on(place, config):
    """The object sources and the detectors, which the CPU's tests run."""
    if not torch.cuda.is_available():
        pytest.skip('torch finds no GPU here')
    costs = load_tool('analysis_tools/model_costs')
    bench = costs.ModelBenchmark(
        Config.fromfile(ROOT / f'configs/toy/{config}.py'),
        torch.device(place),
        num_objects=5,
        shape=(96, 128),
    )
    [sample] = bench.inference()()
    assert sample.pred_instances.bboxes.device.type == place
    assert bench.train(1)['seconds'] > 0
