"""Files from strangers, through the command lines: none of their code runs."""

import pickle
import sys

import pytest
import torch
from mmengine.dataset import BaseDataset
from mmengine.evaluator import BaseMetric
from mmengine.runner import CheckpointLoader

from mmsgg.apis import SGGInferencer
from mmsgg.datasets.transforms import LoadProposals
from mmsgg.evaluation import read_samples
from mmsgg.registry import DATASETS, METRICS, MODELS

from ..hostile_files import (
    FORMATS,
    Trap,
    hostile,
    legacy_format,
    tar_format,
    zip_format,
)
from ..scripts import load_tool
from ..test_engine.tiny_runner import TinyModel
from ..toy_model import CONFIG as TOY

CONFIG = """
default_scope = 'mmsgg'
model = dict(type='StrangeModel')
loader = dict(
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='StrangeData'))
train_dataloader, test_dataloader = loader, loader
train_cfg = dict(by_epoch=True, max_epochs=1)
test_cfg = dict()
test_evaluator = dict(type='StrangeMetric')
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1))
del loader
"""


@MODELS.register_module()
class StrangeModel(TinyModel):
    def __init__(self, data_preprocessor=None, init_cfg=None):
        super().__init__()
        self.init_cfg = init_cfg


@DATASETS.register_module()
class StrangeData(BaseDataset):
    def full_init(self):
        self._fully_initialized = True

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return dict(inputs=torch.zeros(1))


@METRICS.register_module()
class StrangeMetric(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        return {}


@pytest.fixture(autouse=True)
def schemes(monkeypatch):
    """mmengine's loaders, put back in the end."""
    monkeypatch.setattr(
        CheckpointLoader, '_schemes', CheckpointLoader._schemes.copy()
    )


@pytest.fixture
def mark(tmp_path):
    return tmp_path / 'it-ran'


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Call a command; returns what it said as it stopped."""
    (tmp_path / 'config.py').write_text(CONFIG)

    def call(tool, *argv):
        script = load_tool(tool)
        monkeypatch.setattr(sys, 'argv', [tool, *map(str, argv)])
        try:
            script.main()
        except SystemExit as stop:
            assert isinstance(stop.code, str)
            return stop.code
        return ''

    return call


def ways_in(config, checkpoint, work_dir):
    """The command lines that read a checkpoint."""
    train = ('train', config, '--work-dir', work_dir)
    return {
        'load_from': (*train, '--cfg-options', f'load_from={checkpoint}'),
        'resume': (*train, '--resume', checkpoint),
        'init_cfg': (
            *train,
            '--cfg-options',
            'model.init_cfg.type=Pretrained',
            f'model.init_cfg.checkpoint={checkpoint}',
        ),
        'test': ('test', config, checkpoint, '--work-dir', work_dir),
        'publish': (
            'model_converters/publish_model',
            checkpoint,
            work_dir.with_name('public.pth'),
        ),
        'convert': (
            'model_converters/linknet_pytorch_to_mmsgg',
            checkpoint,
            work_dir.with_name('converted.pth'),
        ),
    }


WAYS = tuple(ways_in('', '', TOY))


@pytest.mark.parametrize(
    ('way', 'write'),
    [
        *((way, write) for way in WAYS for write in (zip_format, tar_format)),
        *(
            (way, write)
            for way in ('load_from', 'test')
            for write in FORMATS[2:]
        ),
    ],
)
def test_no_command_runs_code_of_a_checkpoint(run, tmp_path, mark, way, write):
    path = hostile(tmp_path / 'a.pth', mark, write)
    said = run(*ways_in(tmp_path / 'config.py', path, tmp_path / 'run')[way])
    assert not mark.exists()
    assert str(path) in said and '--trust' in said
    assert not [*tmp_path.glob('public*'), *tmp_path.glob('converted*')]


@pytest.mark.parametrize('write', (zip_format, legacy_format))
def test_a_resumed_work_dir(run, tmp_path, mark, write):
    work_dir = tmp_path / 'run'
    work_dir.mkdir()
    path = hostile(work_dir / 'epoch_1.pth', mark, write)
    (work_dir / 'last_checkpoint').write_text(str(path))
    config = tmp_path / 'config.py'
    run('train', config, '--work-dir', work_dir, '--resume')
    assert not mark.exists()


@pytest.mark.parametrize('way', ('load_from', 'test', 'publish'))
def test_a_trusted_one_is_read(run, tmp_path, mark, way):
    weights = StrangeModel().state_dict()
    meta = dict(dataset_meta=dict(classes=('cat',)))
    path = hostile(
        tmp_path / 'a.pth', mark, content=dict(state_dict=weights, meta=meta)
    )
    argv = ways_in(tmp_path / 'config.py', path, tmp_path / 'run')[way]
    assert run(*argv, '--trust') == ''
    assert mark.exists()


@pytest.mark.parametrize('write', FORMATS)
def test_the_inferencer(tmp_path, mark, write):
    path = hostile(tmp_path / 'a.pth', mark, write)
    for model in (None, TOY):
        with pytest.raises(ValueError, match=r'a\.pth is refused .*trust='):
            SGGInferencer(model, path, 'cpu')
    assert not mark.exists()


def samples_with(content):
    empty = dict(bboxes=[], labels=[], scores=[], pairs=[], **content)
    names = ('pred_instances', 'pred_relations', 'gt_instances')
    return [dict.fromkeys((*names, 'gt_relations'), empty)]


@pytest.mark.parametrize('name', ('preds.pkl', 'preds.npz'))
def test_result_files(run, tmp_path, mark, name):
    path = tmp_path / name
    path.write_bytes(pickle.dumps(samples_with(dict(trap=Trap(mark)))))
    with pytest.raises(ValueError, match=f'{name}.*because it can run code'):
        read_samples(path)
    for tool, *argv in (
        ('eval_metric',),
        ('predicate_report', '--out-dir', tmp_path / 'report'),
        ('gallery', TOY, '--out-dir', tmp_path / 'gallery'),
    ):
        said = run(f'analysis_tools/{tool}', path, *argv)
        assert str(path) in said and 'can run code' in said
    assert not mark.exists()


def test_proposals(tmp_path, mark):
    path = tmp_path / 'proposals.pkl'
    path.write_bytes(pickle.dumps({'VG_100K/1.jpg': Trap(mark)}))
    with pytest.raises(ValueError, match=r'proposals\.pkl.*can run code'):
        LoadProposals(str(path))
    assert not mark.exists()
