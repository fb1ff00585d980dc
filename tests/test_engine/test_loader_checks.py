"""Loaders without a batch, and evaluations of less than their set."""

import copy
import json
import sys
from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmsgg.engine import check_training
from mmsgg.engine.loader_checks import check_evaluation

from ..folders import ROOT
from ..test_datasets.test_coco_relations import SMALL
from ..test_tools.test_train_and_test import test as test_tool
from ..test_tools.test_train_and_test import train as train_tool

BASES = ('models/linknet_boxes', 'schedules/boxes', 'default_runtime')


@pytest.fixture
def cfg(tmp_path):
    """A training of seconds, on three images of which one has no relation."""
    (tmp_path / 'all.json').write_text(json.dumps(SMALL))
    bases = [str(ROOT / 'configs' / '_base_' / f'{one}.py') for one in BASES]
    dataset = dict(
        type='SceneGraphJsonDataset',
        ann_file=str(tmp_path / 'all.json'),
        image_folders=(),
        pipeline=[
            dict(type='LoadRelationAnnotations'),
            dict(type='PackSGInputs'),
        ],
    )
    loader = dict(
        batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler')
    )
    path = tmp_path / 'tiny.py'
    path.write_text(
        f'_base_ = {bases}\n'
        'model = dict(relation_head=dict(num_classes=2, num_predicates=2))\n'
        f'train_dataloader = {loader | dict(dataset=dataset)}\n'
        f'val_dataloader = {loader | dict(dataset=dataset)}\n'
        "val_evaluator = [dict(type='SceneGraphMetric')]\n"
        'test_dataloader, test_evaluator = val_dataloader, val_evaluator\n'
        "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1)\n"
        "val_cfg, test_cfg = dict(type='ValLoop'), dict(type='TestLoop')\n"
        f'work_dir = {str(tmp_path / "work")!r}\n'
    )
    return Config.fromfile(path)


def run_tool(tool, cfg, monkeypatch, *argv):
    """Run tools/train.py or tools/test.py with a changed config."""
    cfg.dump(cfg.filename)
    monkeypatch.setattr(sys, 'argv', ['tool', cfg.filename, *argv])
    tool.main()


@pytest.mark.parametrize('split', ['train', 'val'])
def test_nothing_left_to_train_on(cfg, monkeypatch, split):
    loader = cfg[f'{split}_dataloader']
    loader.dataset.filter_cfg = dict(min_size=1000)
    with pytest.raises(
        ValueError,
        match=rf'{split}_dataloader: no image is left of .*all\.json.*filter_',
    ):
        run_tool(train_tool, cfg, monkeypatch)


def test_a_batch_larger_than_the_set(cfg, monkeypatch):
    cfg.train_dataloader |= dict(batch_size=4, drop_last=True)
    with pytest.raises(
        ValueError, match=r'a batch of 4 is more than the 3.*all\.json'
    ):
        run_tool(train_tool, cfg, monkeypatch)
    cfg.train_dataloader.drop_last = False
    check_training(Runner.from_cfg(cfg))


@pytest.mark.parametrize(
    ('loader', 'dataset', 'words'),
    [
        (dict(), dict(filter_empty_relations=True, indices=0), 'no image is'),
        (dict(drop_last=True), dict(), 'leaves out 1 of the 3 images'),
        (dict(), dict(skip_broken_images=True), 'would replace images'),
    ],
)
def test_a_test_is_of_the_whole_set(cfg, monkeypatch, loader, dataset, words):
    cfg.test_dataloader |= loader
    cfg.test_dataloader.dataset |= dataset
    with pytest.raises(ValueError, match=rf'test_dataloader: .*{words}'):
        run_tool(test_tool, cfg, monkeypatch, str(ROOT / 'README.md'))


def test_a_test_may_leave_out_what_is_not_there():
    loader = DataLoader([1, 2, 3, 4], batch_size=2, drop_last=True)
    check_evaluation(loader, SimpleNamespace(metrics=[]), 'test')


def test_relations_that_were_packed_away(cfg, monkeypatch):
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline[1].type = 'mmdet.PackDetInputs'
    pipeline[1].meta_keys = ('img_id',)
    with pytest.raises(KeyError, match=r'without relations.*PackSGInputs'):
        run_tool(train_tool, cfg, monkeypatch)
    pipeline = cfg.test_dataloader.dataset.pipeline
    pipeline[1].type = 'mmdet.PackDetInputs'
    pipeline[1].meta_keys = ('img_id',)
    runner = Runner.from_cfg(cfg)
    with pytest.raises(KeyError, match=r'without annotated rel.*PackSGInputs'):
        runner.test()


def check_coco(cfg, **metric):
    cfg.test_evaluator = [dict(type='mmdet.CocoMetric', **metric)]
    runner = Runner.from_cfg(cfg)
    check_evaluation(runner.test_dataloader, runner.test_evaluator, 'test')


def test_mmdet_coco_metric_reads_the_same_annotation(cfg, tmp_path):
    with pytest.raises(ValueError, match=r"no ann_file.*type='CocoMetric'"):
        check_coco(cfg)
    path = cfg.test_dataloader.dataset.ann_file
    with pytest.raises(ValueError, match=r'needs area and iscrowd.*bbox'):
        check_coco(cfg, ann_file=path)
    content = copy.deepcopy(SMALL)
    for entry in content['annotations']:
        entry |= dict(area=entry['bbox'][2] * entry['bbox'][3], iscrowd=0)
    (tmp_path / 'all.json').write_text(json.dumps(content))
    check_coco(cfg, ann_file=path)
    # categories that the data set has no class for are left out
    content['categories'].insert(1, dict(id=20, name='rat'))
    (tmp_path / 'more.json').write_text(json.dumps(content))
    check_coco(cfg, ann_file=str(tmp_path / 'more.json'))
    names = dict(classes=('hat', 'cat'), predicates=('on', 'under'))
    cfg.test_dataloader.dataset.metainfo = names
    with pytest.raises(ValueError, match='in another order, than the classes'):
        check_coco(cfg, ann_file=path)
