"""The command lines of tools/analysis_tools."""

import csv
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmsgg.datasets import count_relations
from mmsgg.testing import write_toy_vg
from mmsgg.visualization import SGLocalVisualizer

from ...folders import ROOT
from ...scripts import load_tool

CONFIG = str(ROOT / 'configs' / 'toy' / 'sgcls.py')


build_dataset = load_tool('analysis_tools/config_parts').build_dataset
check = load_tool('analysis_tools/check_dataset')
browse = load_tool('analysis_tools/browse_dataset')
statistics = load_tool('analysis_tools/relation_statistics')


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp('toy')
    write_toy_vg(folder, num_train=40, num_test=15, progress=False)
    return folder


def options(folder):
    found = [
        f'{split}_dataloader.dataset.{key}={value}'
        for split in ('train', 'val', 'test')
        for key, value in (('data_root', folder), ('num_val', 10))
    ]
    return ['--cfg-options', *found]


def dataset_of(folder, split):
    cfg = Config.fromfile(CONFIG)
    pairs = [option.split('=') for option in options(folder)[1:]]
    pairs = {k: int(v) if v.isdigit() else v for k, v in pairs}
    cfg.merge_from_dict(pairs)
    return build_dataset(cfg, split)


def test_check_of_a_clean_set(source, capsys):
    assert check.main([CONFIG, *options(source)]) == 0
    out = capsys.readouterr().out
    assert 'data set' in out and '0 errors' in out and 'ERROR' not in out


def test_check_of_a_damaged_set(source, tmp_path, capsys):
    folder = shutil.copytree(source, tmp_path / 'toy')
    dataset = dataset_of(folder, 'train')
    for i in range(3):
        Path(dataset.get_data_info(i)['img_path']).unlink()
    argv = [CONFIG, '--max-reports', '2', *options(folder)]
    assert check.main(argv) == 1
    out = capsys.readouterr().out
    assert 'ERROR: missing image (3)' in out and '... and 1 more' in out
    assert 'VG-SGG.h5) item 1: image' in out and 'item 2: image' not in out
    assert '\n3 errors, ' in out
    assert check.main([*argv[:3], '--no-images', *options(folder)]) == 0
    (folder / 'VG-SGG.h5').write_bytes(b'cut off')
    assert check.main([CONFIG, *options(folder)]) == 1
    assert 'ERROR: unreadable data set (3)' in capsys.readouterr().out


def pictures(folder):
    return {path.name: cv2.imread(str(path)) for path in folder.iterdir()}


@pytest.mark.parametrize('pipeline', [[], ['--pipeline']])
def test_browse(source, tmp_path, capsys, pipeline):
    argv = [CONFIG, '--num', '3', *pipeline]
    drawn = []
    for folder, seed in (('a', '1'), ('b', '1'), ('c', '2')):
        out = ['--out-dir', str(tmp_path / folder), '--seed', seed]
        browse.main([*argv, *out, *options(source)])
        said, progress = capsys.readouterr()
        assert 'drew 3 images' in said and '3/3' in progress
        drawn.append(pictures(tmp_path / folder))
    assert len(drawn[0]) == 3
    assert drawn[0].keys() == drawn[1].keys() != drawn[2].keys()
    assert all(max(one.shape) >= 760 for one in drawn[0].values())


def test_browse_some_items(source, tmp_path, capsys):
    folder = shutil.copytree(source, tmp_path / 'toy')
    dataset = dataset_of(folder, 'test')
    paths = [Path(dataset.get_data_info(i)['img_path']) for i in (4, 2, 7)]
    paths[1].unlink()
    out = tmp_path / 'out'
    argv = ['--split', 'test', '--indices', '4', '2', '7', '--out-dir']
    browse.main([CONFIG, *argv, str(out), *options(folder)])
    assert pictures(out).keys() == {
        f'test_000004_{paths[0].stem}.jpg',
        f'test_000007_{paths[2].stem}.jpg',
    }
    text = capsys.readouterr().out
    assert 'item 2 is passed over' in text and paths[1].name in text
    assert '1 items without an image' in text and 'drew 2 images' in text
    paths[2].write_bytes(b'no image')
    for flags in ([], ['--pipeline']):
        browse.main([CONFIG, *flags, *argv, str(out), *options(folder)])
        text = capsys.readouterr().out
        assert '2 items without an image' in text and 'drew 1 image' in text


def test_statistics(source, tmp_path, capsys):
    out = tmp_path / 'out'
    argv = [CONFIG, '--split', 'test', '--out-dir', str(out)]
    statistics.main([*argv, '--num-triplets', '1', *options(source)])
    text, progress = capsys.readouterr()
    dataset = dataset_of(source, 'test')
    related = int((dataset.scene_graphs.relation_counts > 0).sum())
    assert f'{related}/{related}' in progress  # images of the prior
    labels = dataset.scene_graphs.predicates.tolist()
    names = dataset.metainfo['predicates']
    with (out / 'predicates.csv').open() as file:
        rows = list(csv.DictReader(file))
    assert {row['predicate']: int(row['count']) for row in rows} == {
        name: labels.count(i) for i, name in enumerate(names)
    }
    assert [int(row['count']) for row in rows] == sorted(
        (int(row['count']) for row in rows), reverse=True
    )
    assert float(rows[-1]['cumulative']) == pytest.approx(1)
    assert f'with {len(labels)} relations' in text
    assert 'pairs with several predicates' in text and 'R@100' in text
    assert text.index('\n| val ') < text.rindex('\n| test ')
    with (out / 'triplets.csv').open() as file:
        triplets = list(csv.DictReader(file))
    assert sum(int(row['count']) for row in triplets) == len(labels)
    first, second = (' '.join(row.values()) for row in triplets[:2])
    words = [' '.join(line.split('|')).split() for line in text.split('\n')]
    words = [' '.join(line) for line in words]
    assert first in words and second not in words
    for name in ('predicates.png', 'prior.png'):
        picture = cv2.imread(str(out / name))
        assert min(picture.shape[:2]) > 300 and picture.std() > 10


def test_statistics_of_the_overlapping(source, monkeypatch, capsys):
    asked = []

    def count(dataset, must_overlap):
        asked.append((dataset.split, must_overlap))
        return count_relations(dataset, must_overlap)

    monkeypatch.setattr(statistics, 'count_relations', count)
    for flags in ([], ['--must-overlap', '--split', 'val']):
        statistics.main([CONFIG, *flags, *options(source)])
    assert asked == [('train', False), ('train', True)]


def test_browse_draws_all_predicates_of_a_pair(source, monkeypatch, tmp_path):
    graphs = dataset_of(source, 'train').scene_graphs
    drawn = []

    def draw(self, name, image, sample, **kwargs):
        drawn.append(len(sample.gt_relations))

    monkeypatch.setattr(SGLocalVisualizer, 'add_datasample', draw)
    argv = [CONFIG, '--out-dir', str(tmp_path), '--indices']
    argv += map(str, range(len(graphs)))
    browse.main([*argv, *options(source)])
    assert drawn == graphs.relation_counts.tolist()
    drawn.clear()
    browse.main([*argv, '--pipeline', *options(source)])
    pairs = graphs.global_pairs()
    assert sum(drawn) == len(np.unique(pairs, axis=0)) < len(pairs)


@pytest.mark.parametrize('module', [check, browse, statistics])
def test_missing_config(module, capsys):
    with pytest.raises(SystemExit) as stop:
        module.parse_args([CONFIG.replace('sgcls', 'sgclss')])
    assert stop.value.code == 2
    assert f'near it: {CONFIG}' in capsys.readouterr().err
