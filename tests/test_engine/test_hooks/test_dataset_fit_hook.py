"""Names and sizes of the model and of its data sets."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import convert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.runner import BaseLoop
from torch import nn

from mmsgg.engine.hooks import DatasetFitHook, FrequencyBiasHook, fit_hooks
from mmsgg.models.layers import FrequencyBias, GeometricLayout
from mmsgg.models.relation_heads.egtr_rel_head import TripletFrequency
from mmsgg.registry import DATASETS

CLASSES = ['cat', 'mat', 'hat']
PREDICATES = ['on', 'wearing']


class Loop(BaseLoop):
    def run(self):
        raise NotImplementedError


def model_of(num_classes=3, num_predicates=2, detected=3, uses_classes=True):
    """As much of a model as the hook looks at."""
    model = nn.Module()
    model.relation_head = nn.Module()
    model.relation_head.num_classes = num_classes
    model.relation_head.num_predicates = num_predicates
    model.detector = nn.Module()
    # an RPN knows one class, and mmcv's VGG calls itself -1
    for name, size in (('rpn_head', 1), ('backbone', -1)):
        part = nn.Module()
        part.num_classes = size
        model.detector.add_module(name, part)
    stages = [nn.Module() for _ in range(2)]
    stages[0].num_classes, stages[1].num_classes = 3, detected
    model.detector.bbox_head = nn.ModuleList(stages)
    model.object_source = SimpleNamespace(uses_classes=uses_classes)
    return model


@pytest.fixture
def runner_of(tmp_path):
    """Build a runner of three splits, each with names in some order."""
    init_default_scope('mmsgg')

    def build(model=None, training=True, hooks=(), **splits):
        sets = {}
        for split in ('train', 'val', 'test'):
            classes, predicates = splits.get(split, (CLASSES, PREDICATES))
            lists = dict(
                categories=[dict(id=n, name=n) for n in classes],
                predicates=[dict(id=n, name=n) for n in predicates],
                images=[],
                annotations=[],
                relations=[],
            )
            path = tmp_path / f'{split}.json'
            path.write_text(json.dumps(lists))
            sets[split] = dict(
                type='SceneGraphJsonDataset', ann_file=str(path), pipeline=[]
            )
        loop = object.__new__(Loop)
        return SimpleNamespace(
            model=model or model_of(),
            cfg=Config(
                {f'{k}_dataloader': dict(dataset=v) for k, v in sets.items()}
            ),
            hooks=hooks,
            logger=SimpleNamespace(info=print),
            _train_loop=loop if training else {},
            _val_loop=loop if training else {},
            _test_loop={} if training else loop,
            **{
                f'{split}_dataloader': SimpleNamespace(
                    dataset=DATASETS.build(settings)
                )
                for split, settings in sets.items()
            },
        )

    return build


def test_what_agrees_passes(runner_of):
    for training in (True, False):
        DatasetFitHook().before_run(runner_of(training=training))


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize(
    ('sizes', 'message'),
    [
        (dict(num_classes=4), r'model\.relation_head\.num_classes is 4.* 3 c'),
        (dict(num_predicates=1), r'head\.num_predicates is 1.* 2 predicates'),
        (dict(detected=2), r'model\.detector\.bbox_head\.1\.num_classes is 2'),
    ],
)
def test_sizes_are_those_of_the_data(runner_of, sizes, message, training):
    runner = runner_of(model_of(**sizes), training=training)
    with pytest.raises(ValueError, match=message):
        DatasetFitHook().before_run(runner)


def test_a_detector_by_itself(runner_of):
    detector = model_of(detected=2).detector
    with pytest.raises(ValueError, match=r'model\.bbox_head\.1\.num_classes'):
        DatasetFitHook().before_run(runner_of(detector))


def test_classes_of_a_detector_that_only_makes_maps_do_not_matter(runner_of):
    runner = runner_of(model_of(detected=80, uses_classes=False))
    DatasetFitHook().before_run(runner)


@pytest.mark.parametrize('split', ['val', 'test'])
@pytest.mark.parametrize(
    ('names', 'difference'),
    [
        ((CLASSES[::-1], PREDICATES), r"classes\[0\] is 'cat' .*, 'hat' in"),
        ((CLASSES, PREDICATES[::-1]), r"predicates\[0\] is 'on' .*, 'wearing"),
        ((CLASSES[:2], PREDICATES), r"classes\[2\] is 'hat' .*, missing in"),
        ((CLASSES, [*PREDICATES, 'by']), r"\[2\] is missing .*, 'by' in"),
    ],
)
def test_splits_list_the_same_names(runner_of, split, names, difference):
    with pytest.raises(ValueError, match=rf'{difference}.*{split}\.json'):
        DatasetFitHook().before_run(runner_of(**{split: names}))


def test_a_test_set_that_is_not_there_yet_is_passed_over(runner_of, capsys):
    runner = runner_of()
    runner.cfg.test_dataloader.dataset.ann_file = 'gone.json'
    DatasetFitHook().before_run(runner)
    assert 'gone.json' in capsys.readouterr().out


def test_a_test_set_of_ones_own_need_not_be_lazy(
    runner_of, capsys, monkeypatch
):
    class Eager:
        def __init__(self, pipeline=()):
            raise AssertionError('not to be read before it is used')

    monkeypatch.setitem(DATASETS.module_dict, 'Eager', Eager)
    runner = runner_of()
    runner.cfg.test_dataloader.dataset = dict(type='Eager')
    DatasetFitHook().before_run(runner)
    assert 'lazy_init' in capsys.readouterr().out


def test_a_table_is_counted_from_data_of_the_same_names(runner_of):
    counting = FrequencyBiasHook(count_for_test=True)
    others = dict(train=(CLASSES[::-1], PREDICATES))
    runner = runner_of(training=False, **others)
    DatasetFitHook().before_run(runner)  # no training set takes part
    runner.hooks = [counting]
    with pytest.raises(ValueError, match=r"'hat' in the training set"):
        DatasetFitHook().before_run(runner)


@pytest.mark.parametrize('implementation', ['torch', 'mmcv'])
def test_batch_norms_of_a_head_are_not_replaced(
    runner_of, implementation, monkeypatch
):
    """As ``sync_bn`` does where a model is wrapped for several processes."""
    monkeypatch.setattr(torch.distributed, 'get_world_size', lambda _: 2)
    runner = runner_of()
    runner.cfg.sync_bn = implementation
    runner.model.detector.bn = convert_sync_batchnorm(
        nn.BatchNorm2d(2), implementation
    )
    runner.model.relation_head.layout = GeometricLayout()
    DatasetFitHook().before_run(runner)
    runner.model = convert_sync_batchnorm(runner.model, implementation)
    with pytest.raises(ValueError, match=r'head\.layout\.norm .*norm_cfg='):
        DatasetFitHook().before_run(runner)
    tested = runner_of(runner.model, training=False)
    tested.cfg.sync_bn = implementation
    DatasetFitHook().before_run(tested)  # there it is the same


@pytest.mark.parametrize('kind', [FrequencyBias, TripletFrequency])
@pytest.mark.parametrize('moment', ['before_train', 'before_test'])
def test_a_table_that_nothing_filled_is_reported(kind, moment, monkeypatch):
    """As where custom_hooks of a user replace those of the schedule."""
    warnings = []
    monkeypatch.setattr(fit_hooks, '_warn', warnings.append)
    runner = SimpleNamespace(model=model_of())
    look = getattr(DatasetFitHook(), moment)
    look(runner)  # a head without a table
    runner.model.relation_head.frequency_bias = None
    look(runner)
    assert not warnings
    bias = runner.model.relation_head.frequency_bias = kind(3, 2)
    look(runner)
    assert 'FrequencyBiasHook' in warnings.pop()
    bias.set_counts(np.ones((3, 3, 3)))
    look(runner)
    assert not warnings
