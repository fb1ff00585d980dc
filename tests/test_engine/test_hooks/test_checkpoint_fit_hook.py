"""mmdet's checkpoint of COCO in the detector stage of VG150."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from mmengine.runner import Runner
from mmengine.runner import TestLoop as Loop

from mmsgg.engine.hooks import CheckpointFitHook, fit_hooks

from ...test_configs import CONFIGS, small_model
from ...test_models.test_first_version import narrow_toy_model

DETECTION = CONFIGS / 'detection/faster-rcnn_r101_fpn_vg150.py'
LEFT_OUT = {
    f'roi_head.bbox_head.{layer}.{kind}'
    for layer in ('fc_cls', 'fc_reg')
    for kind in ('weight', 'bias')
}


def detector(num_classes):
    cfg = small_model(DETECTION)
    cfg.backbone.depth = 50
    cfg.roi_head.bbox_head.num_classes = num_classes
    return MODELS.build(cfg)


def runner_of(model, work_dir):
    """A runner with the hooks of the config."""
    hooks = Config.fromfile(DETECTION).default_hooks
    return Runner(
        model=model,
        work_dir=str(work_dir),
        default_hooks=dict(checkpoint_fit=hooks.checkpoint_fit),
        default_scope='mmsgg',
        experiment_name=work_dir.name,
    )


@pytest.fixture
def coco(tmp_path):
    """What mmdet saves of a detector of COCO, with random weights."""
    path = tmp_path / 'coco.pth'
    torch.manual_seed(1)
    state_dict = detector(80).state_dict()
    torch.save(dict(state_dict=state_dict, meta={}), path)
    return path, state_dict


def test_all_but_the_class_layers_are_taken(coco, tmp_path):
    path, weights = coco
    torch.manual_seed(2)
    model = detector(150)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    runner_of(model, tmp_path).load_checkpoint(str(path))
    for key, value in model.state_dict().items():
        expected = before[key] if key in LEFT_OUT else weights[key]
        assert torch.equal(value, expected), key
    log = (next(tmp_path.glob('*/*.log'))).read_text()
    [line] = [line for line in log.splitlines() if 'left out' in line]
    assert 'WARNING' in line and 'start anew' in line
    assert 'fc_cls.weight (81, 1024), here (151, 1024)' in line
    assert 'fc_reg.bias (320,), here (600,)' in line
    assert all(name in line for name in LEFT_OUT)
    assert line.count(', here ') == len(LEFT_OUT)


def test_nothing_is_said_where_all_fits(coco, tmp_path):
    runner_of(detector(80), tmp_path).load_checkpoint(str(coco[0]))
    log = (next(tmp_path.glob('*/*.log'))).read_text()
    assert 'left out' not in log and 'do not match' not in log


def test_a_test_is_refused(coco, tmp_path, monkeypatch):
    runner = runner_of(detector(150), tmp_path)
    loop = Loop.__new__(Loop)
    monkeypatch.setattr(runner, '_test_loop', loop)
    with pytest.raises(
        ValueError, match=r'does not fit.*fc_cls.*trained with'
    ):
        runner.load_checkpoint(str(coco[0]))


@pytest.mark.parametrize('wrap', [lambda model: model, torch.nn.DataParallel])
def test_weights_are_compared_under_their_names_of_today(wrap):
    """Of a detector, and of a relation head of an earlier version."""
    runner = SimpleNamespace(
        model=wrap(narrow_toy_model()), _test_loop=Loop.__new__(Loop)
    )
    names = ['backbone.conv1.weight', 'relation_head.object_head.0.weight']
    weights = {name: torch.zeros(1) for name in names}
    with pytest.raises(ValueError, match='does not fit') as error:
        CheckpointFitHook().after_load_checkpoint(
            runner, dict(state_dict=weights)
        )
    for name in (
        'detector.backbone.conv1.weight',
        'relation_head.features.object_head.0.weight',
    ):
        assert f'{name} (1,), here (' in str(error.value)
    assert list(weights) == names


CATS, HATS = ('cat', 'mat'), ('hat', 'bat')


class Model(torch.nn.Module):
    """A detector, or one with a relation head on it."""

    def __init__(self, relation_head=True, freeze_detector=True):
        super().__init__()
        self.detector = torch.nn.Linear(1, 1)
        if relation_head:
            self.relation_head = torch.nn.Linear(1, 1)
            self.freeze_detector = freeze_detector
            self.object_source = SimpleNamespace(uses_classes=True)


def load(
    model, names, others, parts=('detector', 'relation_head'), test=False
):
    """Load a checkpoint that has some parts, as the hook sees it."""
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=others))
    loop = Loop.__new__(Loop)
    runner = SimpleNamespace(
        model=model,
        _test_loop=loop if test else {},
        _train_loop={} if test else loop,
        test_dataloader=loader,
        train_dataloader=loader,
    )
    weights = {
        name: value
        for name, value in model.state_dict().items()
        if name.startswith(tuple(parts))
    }
    CheckpointFitHook().after_load_checkpoint(
        runner, dict(state_dict=weights, meta=dict(dataset_meta=names))
    )


def names(classes, predicates=('on', 'in')):
    return dict(classes=classes, predicates=predicates)


@pytest.mark.parametrize('test', [True, False])
def test_the_same_names_pass(test):
    load(Model(), names(CATS), names(list(CATS)), test=test)
    load(Model(), {}, names(CATS), test=test)  # who has none is not asked
    load(Model(), names(CATS), {}, test=test)


@pytest.mark.parametrize('test', [True, False])
@pytest.mark.parametrize(
    ('saved', 'difference'),
    [
        (names(CATS[::-1]), r"classes\[0\] is 'mat' in the checkpoint, 'cat'"),
        (names(HATS), r"classes\[0\] is 'hat'"),
        (names(CATS, ('in', 'on')), r"predicates\[0\] is 'in'"),
        (names(CATS, ('on', 'at')), r"predicates\[1\] is 'at'"),
    ],
)
def test_a_relation_head_is_of_the_names_of_the_data(saved, difference, test):
    with pytest.raises(ValueError, match=difference):
        load(Model(), saved, names(CATS), test=test)


@pytest.mark.parametrize('number', [1, 3])
def test_names_of_another_number_start_anew(number):
    """Their layers have another shape, which a test refuses by itself."""
    others = names(('cat', 'hat', 'rat')[:number])
    load(Model(), names(CATS), others)
    with pytest.raises(ValueError, match=r'classes\[1\]'):
        load(Model(), names(CATS), others, test=True)


def test_predicates_do_not_concern_a_detector():
    for model in (Model(), Model(relation_head=False)):
        load(model, names(CATS, ('a', 'b')), names(CATS), parts=['detector'])


def test_other_classes_are_a_start_for_a_detector_that_learns(monkeypatch):
    said = []
    monkeypatch.setattr(fit_hooks, '_warn', said.append)
    learning = [Model(relation_head=False), Model(freeze_detector=False)]
    for model in learning:
        load(model, names(HATS), names(CATS), parts=['detector'])
        assert "is of other classes: classes[0] is 'hat' in" in said.pop()
        # the same ones in another order are a mistake
        with pytest.raises(ValueError, match=r"classes\[0\] is 'mat'"):
            load(model, names(CATS[::-1]), names(CATS), parts=['detector'])
    with pytest.raises(ValueError, match=r"classes\[0\] is 'hat'"):
        load(Model(), names(HATS), names(CATS), parts=['detector'])
    with pytest.raises(ValueError, match=r"classes\[0\] is 'hat'"):
        load(learning[0], names(HATS), names(CATS), test=True)


def test_weights_that_are_no_numbers_are_no_start():
    model = Model()
    model.detector.bias.data.fill_(float('inf'))
    with pytest.raises(ValueError, match='finite: detector'):
        load(model, {}, {})
