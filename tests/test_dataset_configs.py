"""The configs of PSG and Open Images run on small files of these formats."""

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmsgg.registry import MODELS

from .scripts import load_tool
from .test_configs import CONFIGS
from .test_datasets import test_annotation_tools as tools
from .test_datasets import test_open_images as open_images
from .test_datasets import test_psg as psg
from .test_datasets import test_reltr as reltr
from .test_datasets.test_coco_relations import opened
from .test_method_configs import narrowed

check_config = load_tool('analysis_tools/check_dataset').check_config


def write_open_images(folder):
    for split in ('train', 'val', 'test'):
        images = open_images.small_images()
        for image in images:
            image['img_fn'] = f'{split}-{image["img_fn"]}'
        open_images.write(folder, images, split)
        (folder / 'images').mkdir(exist_ok=True)
        for image in images:
            width, height = image['img_size']
            path = folder / 'images' / f'{image["img_fn"]}.jpg'
            pixels = np.full((height, width, 3), len(path.name), np.uint8)
            pixels[0, 0] = hash(path.name) % 200
            cv2.imwrite(str(path), pixels)
    return folder


MADE = dict(psg=psg.write, open_images=write_open_images)


def small_config(name, folder, task='predcls'):
    """A config on small files, with images and layers to match."""
    cfg = narrowed(Config.fromfile(CONFIGS / name / f'{task}.py'))
    detector = cfg.model.detector
    for part in _parts(cfg.model):
        part.pop('init_cfg', None)  # nothing is fetched
    detector.roi_head.bbox_head.num_classes = 3
    cfg.model.relation_head.update(num_classes=3, num_predicates=2)
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=2)
        loader.dataset.data_root = str(folder)
        for step in loader.dataset.pipeline:
            if step.type == 'mmdet.Resize':
                step.scale = (64, 64)
    cfg.work_dir = str(folder / 'work')
    cfg.experiment_name = cfg.visualizer.name = f'{name}_{folder.name}'
    cfg.launcher = 'none'
    cfg.train_cfg.update(max_epochs=1)
    return cfg


def _parts(settings):
    """All dicts within a config."""
    values = settings.values() if isinstance(settings, dict) else settings
    if isinstance(settings, dict):
        yield settings
    for value in values:
        if isinstance(value, dict | list | tuple):
            yield from _parts(value)


@pytest.mark.parametrize('name', MADE)
def test_trains_and_tests(name, tmp_path):
    cfg = small_config(name, MADE[name](tmp_path))
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint.pop('save_best', None)
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 1
    assert all(p.isfinite().all() for p in runner.model.parameters())
    scores = runner.test()
    # boxes and classes are given: what is not found is a wrong predicate
    assert 0 <= scores['mR@100'] <= scores['R@100'] <= 1
    if name == 'open_images':
        assert scores['pooled-R@100'] == 1  # both predicates of each pair
        assert 0 < scores['wmAP_rel'] <= 1
    if name == 'psg':
        sample = runner.test_dataloader.dataset[0]['data_samples']
        assert sample.gt_instances.masks.masks.shape == (3, 30, 40)
        [metric] = runner.test_evaluator.metrics
        assert metric.rules.masks  # also of what is predicted


@pytest.mark.parametrize('name', MADE)
def test_check_dataset(name, tmp_path):
    cfg = small_config(name, MADE[name](tmp_path))
    report = check_config(cfg)
    assert not report.num_errors, str(report)
    assert {row[0].split()[0] for row in report.sizes} >= {'train', 'test'}
    content = dict(psg='train2017/11.jpg', open_images='train-00ab.jpg')
    file = next(tmp_path.rglob(content[name].split('/')[-1]))
    file.write_bytes(b'')
    assert 'undecodable image' in check_config(cfg).counts


OTHERS = {
    'reltr': (
        lambda folder: reltr.write(folder, *reltr.small_files()),
        dict(type='RelTRDataset'),
        ('rel.json', '[0, 2, 1]', '[0, 9, 1]', 'bad relations'),
    ),
    'cvat': (
        tools.cvat,
        dict(type='CVATDataset'),
        ('annotations.xml', 'under: a', 'under: q', 'bad images'),
    ),
    'label studio': (
        lambda folder: tools.label_studio(folder, tools.small_tasks()),
        dict(type='LabelStudioDataset', ann_file='export.json'),
        ('export.json', '"left"', '"up"', 'bad images'),
    ),
    'sgg benchmark': (
        lambda folder: opened(folder, reltr.coco_rel()),
        dict(type='SceneGraphJsonDataset', ann_file='all.json'),
        ('all.json', '"subject_id": 2', '"subject_id": 99', 'bad relations'),
    ),
}


@pytest.mark.parametrize('name', OTHERS)
def test_check_dataset_on_other_formats(name, tmp_path):
    write, dataset, (file, old, new, kind) = OTHERS[name]
    write(tmp_path)
    dataset |= dict(
        data_root=str(tmp_path),
        image_folders=(),
        pipeline=[dict(type='LoadRelationAnnotations')],
    )
    cfg = Config(
        dict(default_scope='mmsgg', train_dataloader=dict(dataset=dataset))
    )
    report = check_config(cfg, with_images=False)
    assert not report.num_errors, str(report)
    path = tmp_path / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    report = check_config(cfg, with_images=False)
    assert kind in report.counts, str(report)
    assert file in str(report)


@pytest.mark.parametrize('name', MADE)
@pytest.mark.parametrize('task', ['sgcls', 'sgdet', 'faster-rcnn_vgg16'])
def test_heads_have_the_sizes_of_their_data(name, task):
    cfg = Config.fromfile(CONFIGS / name / f'{task}.py')
    detector = cfg.model.get('detector', cfg.model)
    sizes = dict(psg=(133, 56), open_images=(601, 30))[name]
    assert detector.roi_head.bbox_head.num_classes == sizes[0]
    if task != 'faster-rcnn_vgg16':
        head = cfg.model.relation_head
        assert (head.num_classes, head.num_predicates) == sizes
    assert cfg.model.type in MODELS or cfg.model.type.startswith('mmdet.')
    for split in ('train', 'val', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        expected = split if name != 'psg' or split == 'train' else 'test'
        assert dataset.split == expected
