"""From JSON to each format and back: what a format can hold stays."""

import dataclasses
import json
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsgg.datasets import SceneGraphJsonDataset, write_scene_graph_json

from ..folders import DATA
from ..scripts import load_tool
from ..test_datasets.test_psg import SEGMENTS
from ..test_datasets.test_psg import write as write_psg
from ..test_datasets.test_scene_graph_arrays import images_of, random_graphs

TOOL = load_tool('dataset_converters/convert')
FORMATS = tuple(TOOL.WRITERS)
NAMES = dict(classes=('cat', 'hat & "mat"', '<rat>'), predicates=('on', 'in'))


def read_json(folder, split):
    return SceneGraphJsonDataset(
        ann_file=str(folder / f'{split}.json'),
        image_folders=(),
        filter_self_relations=False,
    )


def write_json(folder, splits):
    folder.mkdir(parents=True)
    for split, graphs in splits.items():
        write_scene_graph_json(
            folder / f'{split}.json', graphs, *NAMES.values()
        )


def sorted_by_subject(images):
    """CVAT has relations at their subjects."""
    for *rest, pairs, predicates in images:
        order = np.argsort([pair[0] for pair in pairs], kind='stable')
        yield (
            *rest,
            [pairs[k] for k in order],
            [predicates[k] for k in order],
        )


def related_objects(images):
    """VRD has objects where relations name them, equal ones once."""
    for number, height, width, boxes, labels, pairs, predicates in images:
        rows = {}
        ends = [
            [rows.setdefault((labels[k], *boxes[k]), len(rows)) for k in pair]
            for pair in pairs
        ]
        yield (
            number,
            height,
            width,
            [list(box) for _, *box in rows],
            [label for label, *_ in rows],
            ends,
            predicates,
        )


def with_boxes(images):
    """The files of VG150 are read without images that have no box."""
    return (image for image in images if image[3])


#: What a format leaves of images, beside what all leave.
HELD = {
    'cvat': sorted_by_subject,
    'vrd': related_objects,
    'vg-h5': with_boxes,
}


def numbered(images):
    """The number that a format may have turned into a name."""
    for number, *rest in images:
        yield (int(str(number).removesuffix('.jpg')), *rest)


@pytest.mark.parametrize('name', FORMATS)
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_there_and_back(name, seed):
    splits = dict(train=random_graphs(seed), test=random_graphs(seed + 1))
    if name not in ('psg', 'vrd', 'gqa'):
        splits['val'] = random_graphs(seed + 2)
    splits = {
        split: dataclasses.replace(graphs, img_ids=graphs.img_ids + 20 * k)
        for k, (split, graphs) in enumerate(splits.items())
    }
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_json(folder / 'made', splits)
        TOOL.main([*map(str, (folder / 'made', folder / name)),
                   '--from', 'json', '--to', name])  # fmt: skip
        argv = [*map(str, (folder / name, folder / 'back')),
                '--from', name, '--to', 'json']  # fmt: skip
        if name == 'vg-h5' and 'val' in splits:
            num_val = (splits['val'].box_counts > 0).sum()
            argv += ['--num-val', str(num_val)]
        TOOL.main(argv)
        for split, graphs in splits.items():
            dataset = read_json(folder / 'back', split)
            for key, names in NAMES.items():
                assert dataset.metainfo[key] == names
            expected = [*HELD.get(name, list)(images_of(graphs))]
            found = [*numbered(images_of(dataset.scene_graphs))]
            assert len(found) == len(expected)
            for one, other in zip(found, expected, strict=True):
                assert one[:3] == other[:3]
                assert np.allclose(one[3], other[3], atol=1e-4)
                assert one[4:] == other[4:]


def test_ids_names_and_fractions(tmp_path):
    """Of the formats that hold them, boxes to the last bit."""
    graphs = random_graphs(5)
    names = [f'street/é {k}.jpg' for k in range(len(graphs))]
    rng = np.random.default_rng(0)
    graphs = dataclasses.replace(
        graphs,
        img_ids=np.array([f'n{k}' for k in range(len(graphs))]),
        file_names=np.array(names),
        boxes=(graphs.boxes + rng.uniform(0, 1, graphs.boxes.shape)).astype(
            np.float32
        ),
    )
    regions = graphs.ignore_boxes(np.arange(len(graphs.boxes)) % 4 == 0)
    write_json(tmp_path / 'json', dict(train=regions))
    for name in FORMATS:
        if name in ('vg-h5', 'vrd'):
            continue  # names without folders, whole pixels
        argv = [str(tmp_path / name), '--from', 'json', '--to', name]
        if name == 'json':
            argv[0] = str(tmp_path / 'again')
        TOOL.main([str(tmp_path / 'json'), *argv])
        TOOL.main([argv[0], str(tmp_path / name / 'back'),
                   '--from', name, '--to', 'json'])  # fmt: skip
        back = read_json(tmp_path / name / 'back', 'train').scene_graphs
        assert back.boxes.tolist() == regions.boxes.tolist()
        assert [back.file_name(k) for k in range(len(back))] == names
        if name not in ('open-images', 'gqa', 'cvat'):
            assert back.img_ids.tolist() == graphs.img_ids.tolist()
        if name in ('json', 'coco-rel', 'reltr'):
            kept = back.ignored.boxes.tolist()
            assert kept == regions.ignored.boxes.tolist()


def test_what_is_lost_is_said(tmp_path, capsys):
    graphs = random_graphs(3)
    regions = graphs.ignore_boxes(np.arange(len(graphs.boxes)) == 0)
    write_json(tmp_path / 'json', dict(train=regions))
    argv = [str(tmp_path / 'json'), str(tmp_path / 'oi'), '--from', 'json']
    TOOL.main([*argv, '--to', 'open-images'])
    said, progress = capsys.readouterr()
    assert 'does not hold 1 regions to ignore' in said
    assert f'{len(graphs)}/{len(graphs)}' in progress


def test_one_file_of_a_split(tmp_path):
    graphs = random_graphs(3)
    write_json(tmp_path / 'json', dict(train=graphs))
    source = tmp_path / 'json' / 'export.json'
    (tmp_path / 'json' / 'train.json').rename(source)
    argv = [str(tmp_path / 'out'), '--from', 'json', '--to', 'cvat']
    TOOL.main([str(source), *argv])
    assert (tmp_path / 'out' / 'train.xml').is_file()


@pytest.mark.parametrize(
    ('new', 'change', 'words'),
    [
        ('psg', None, 'no validation set'),
        ('cvat', dict(predicates=('on: top', 'in')), 'colon'),
        ('open-images', dict(file='a.png'), r'a\.png is no \.jpg'),
        ('json', dict(target='json'), 'where the source is'),
    ],
)
def test_refusals(tmp_path, new, change, words):
    change = change or {}
    graphs = random_graphs(3, num_images=1)
    if 'file' in change:
        graphs = dataclasses.replace(
            graphs, file_names=np.array([change['file']])
        )
    folder = tmp_path / 'json'
    folder.mkdir()
    split = 'val' if new == 'psg' else 'train'
    predicates = change.get('predicates', NAMES['predicates'])
    write_scene_graph_json(
        folder / f'{split}.json', graphs, NAMES['classes'], predicates
    )
    target = tmp_path / change.get('target', 'out')
    with pytest.raises(SystemExit, match=words):
        TOOL.main([str(folder), str(target), '--from', 'json', '--to', new])
    with pytest.raises(SystemExit, match=r'error: .*no files of reltr'):
        TOOL.main([str(folder / 'none'), str(target),
                   '--from', 'reltr', '--to', 'json'])  # fmt: skip


def test_masks_stay_in_psg(tmp_path):
    folder = write_psg(tmp_path / 'data') / 'psg'
    TOOL.main([str(folder), str(tmp_path / 'one'),
               '--from', 'psg', '--to', 'psg'])  # fmt: skip
    content = json.loads((tmp_path / 'one' / 'psg.json').read_text())
    assert content['stuff_classes'] == ['sky']
    image = content['data'][0]
    assert [s['id'] for s in image['segments_info']] == list(SEGMENTS)
    assert [s['isthing'] for s in image['segments_info']] == [1, 0, 1]
    assert image['pan_seg_file_name'] == 'panoptic_train2017/11.png'


@pytest.mark.skipif(not (DATA / 'gqa').is_dir(), reason='no real GQA-200')
def test_real_gqa_there_and_back(tmp_path):
    """50 images of the real file, by way of half the formats."""
    ids = json.loads((DATA / 'gqa' / 'GQA_200_ID_Info.json').read_text())
    lists = json.loads((DATA / 'gqa' / 'GQA_200_Test.json').read_text())
    (tmp_path / 'gqa').mkdir()
    (tmp_path / 'gqa' / 'GQA_200_ID_Info.json').write_text(json.dumps(ids))
    few = {key: rows[:50] for key, rows in lists.items()}
    (tmp_path / 'gqa' / 'GQA_200_Test.json').write_text(json.dumps(few))
    chain = ('gqa', 'json', 'open-images', 'label-studio', 'psg', 'reltr',
             'coco-rel', 'json')  # fmt: skip
    for k, (old, new) in enumerate(pairwise(chain)):
        source = tmp_path / (f'{k}' if k else 'gqa')
        TOOL.main([str(source), str(tmp_path / f'{k + 1}'),
                   '--from', old, '--to', new])  # fmt: skip
    first, last = (
        images_of(read_json(tmp_path / folder, 'test').scene_graphs)
        for folder in ('1', '7')
    )
    assert len(first) == 50
    assert first == last
