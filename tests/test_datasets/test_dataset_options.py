"""What all data sets take: filters, names, and training on what is there."""

import copy
import json
import logging
from pathlib import Path

import pytest
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmsgg.datasets import GQA200Dataset, SceneGraphJsonDataset, VRDDataset
from mmsgg.registry import DATASETS

from . import test_vrd as vrd_files
from .test_coco_relations import SMALL, opened
from .vg_files import settings

PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadRelationAnnotations'),
    dict(type='PackSGInputs'),
]


def test_filter_cfg(tmp_path):
    def names(**kwargs):
        return opened(tmp_path, SMALL, **kwargs).scene_graphs.img_ids.tolist()

    empty = dict(filter_empty_gt=True)
    assert names(filter_cfg=empty) == [7, 3]
    assert names(filter_cfg=dict(filter_empty_gt=False)) == [7, 3, 9]
    assert names(filter_cfg=dict(min_size=10)) == [7, 3, 9]
    assert names(filter_cfg=dict(empty, min_size=11)) == [7]
    # as in mmdet, a test is of all images
    assert names(filter_cfg=empty, test_mode=True) == [7, 3, 9]


@pytest.mark.parametrize(
    'dataset', [GQA200Dataset, VRDDataset, SceneGraphJsonDataset]
)
def test_unknown_filters_are_refused(dataset):
    with pytest.raises(
        ValueError, match=r"'bbox_min'.*filter_empty_gt and min_size"
    ):
        dataset(filter_cfg=dict(bbox_min=3), lazy_init=True)


@pytest.mark.parametrize('field', ['categories', 'predicates'])
def test_background_is_no_name(tmp_path, field):
    content = copy.deepcopy(SMALL)
    content[field].insert(0, dict(id=99, name='__background__'))
    with pytest.raises(ValueError, match=r'all\.json.*remove it, as the mode'):
        opened(tmp_path, content)


def test_a_name_of_the_metainfo_comes_once(tmp_path):
    nothing = dict(categories=[], annotations=[], predicates=[], relations=[])
    names = dict(classes=('cat', 'hat'), predicates=('on', 'at', 'on'))
    with pytest.raises(ValueError, match=r"'on' comes twice in the predicate"):
        opened(tmp_path, SMALL | nothing, metainfo=names)


def test_json_lines_are_called_so(tmp_path):
    rows = '\n'.join(json.dumps(row) for row in SMALL['images'])
    (tmp_path / 'all.json').write_text(rows)
    with pytest.raises(ValueError, match=r'all\.json.*JSON lines.*write one'):
        SceneGraphJsonDataset(ann_file=str(tmp_path / 'all.json'))


@pytest.fixture
def broken(folder):
    """A training set, of which one image is missing and one is broken."""
    config = dict(type='VG150Dataset', pipeline=PIPELINE) | settings(folder)
    dataset = DATASETS.build(config)
    paths = [dataset.get_data_info(idx)['img_path'] for idx in (1, 3)]
    Path(paths[0]).unlink()
    Path(paths[1]).write_bytes(b'not an image')
    return config, [Path(path).name for path in paths]


def test_broken_images_end_training(broken):
    config, names = broken
    dataset = DATASETS.build(config)
    for idx, name in zip((1, 3), names, strict=True):
        with pytest.raises((FileNotFoundError, ValueError), match=name):
            dataset[idx]


@pytest.mark.parametrize('num_workers', [0, 1])
def test_broken_images_are_skipped_where_asked_for(
    broken, num_workers, capfd, monkeypatch
):
    config, names = broken
    dataset = DATASETS.build(config | dict(skip_broken_images=True))
    monkeypatch.setattr(
        'mmsgg.datasets.scene_graph_dataset.print_log',
        lambda line, level, **_: print(logging.getLevelName(level), line),
    )
    loader = DataLoader(
        dataset, num_workers=num_workers, collate_fn=pseudo_collate
    )
    items = [batch['data_samples'][0] for _ in range(2) for batch in loader]
    assert len(items) == 2 * len(dataset)
    found = {Path(item.img_path).name for item in items}
    assert found and not found & {*names}
    lines = capfd.readouterr().out.splitlines()
    lines = [line for line in lines if line.startswith('WARNING')]
    for number, name in enumerate(names, start=1):
        [line, *again] = [line for line in lines if name in line]
        assert f'the {number}. of this process' in line
        # a new worker for the second epoch knows nothing of the first
        assert len(again) == num_workers


def test_no_test_image_is_skipped(broken):
    config, _ = broken
    with pytest.raises(ValueError, match=r'skip_broken_images=True is for tr'):
        DATASETS.build(config | dict(skip_broken_images=True, test_mode=True))


def test_another_annotation_is_no_broken_image(broken, folder):
    config, _ = broken
    path = folder / 'image_data.json'
    images = json.loads(path.read_text())
    for image in images:
        image['width'] += 1
    path.write_text(json.dumps(images))
    dataset = DATASETS.build(config | dict(skip_broken_images=True))
    with pytest.raises(ValueError, match='annotation says'):
        dataset[0]


def test_sizes_of_vrd(tmp_path):
    folder = vrd_files.write(tmp_path, vrd_files.small_files())
    path = folder / 'a.jpg'
    path.write_bytes(b'not an image')
    options = vrd_files.settings(folder, image_folders=('',))
    with pytest.raises(ValueError, match=r'a\.jpg does not open as an image'):
        VRDDataset(**options)
    assert len(VRDDataset(**options, skip_broken_images=True)) == 3
    sizes = {name: [50.0, 40] for name in vrd_files.small_files()}
    for wrong in ([50.5, 40], [50], [0, 40], 'large'):
        sizes['a.jpg'] = wrong
        (folder / 'sizes.json').write_text(json.dumps(sizes))
        with pytest.raises(ValueError, match=r"sizes\.json: .* 'a\.jpg' is"):
            VRDDataset(**options, sizes_file='sizes.json')
