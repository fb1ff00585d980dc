"""Rows that cannot be used: refused, or dropped and counted, in every set."""

import copy
import json

import numpy as np
import pytest

from mmsgg.datasets import GQA200Dataset, VG150Dataset, VRDDataset

from . import test_gqa, test_vrd
from .test_coco_relations import SMALL, opened
from .vg_files import settings


@pytest.fixture
def log(monkeypatch):
    """The line of the log of the last data set that was read."""
    lines = []
    monkeypatch.setattr(
        'mmsgg.datasets.scene_graph_dataset.print_log',
        lambda line, **_: lines.append(line),
    )
    return lambda: lines[-1]


def test_entries_of_json(tmp_path, log):
    content = copy.deepcopy(SMALL)
    content['images'].append(dict(id=7, file_name='x.jpg', width=9, height=9))
    content['images'].append(dict(id=8, file_name='y.jpg', width=0, height=9))
    good = opened(tmp_path, SMALL | dict(images=content['images'][:3]))
    content['annotations'] += [
        dict(id=11, image_id=8, category_id=10, bbox=[1, 2, 3, 4]),
        dict(id=12, image_id=3, category_id=99, bbox=[1, 2, 3, 4]),
        dict(id=13, image_id=3, category_id=10, bbox=[1, 2, 'x', 4]),
        dict(id=14, image_id=3, category_id=10, bbox=[70, 2, 3, 4]),
        dict(id=4, image_id=7, category_id=30, bbox=[5, 6, 7, 9]),
        {},
    ]
    content['annotations'].insert(1, content['annotations'].pop(6))
    content['relations'] += [
        dict(image_id=3, subject_id=13, object_id=1, predicate_id=2),
        dict(image_id=3, subject_id=14, object_id=1, predicate_id=2),
        dict(image_id=3, subject_id=2, object_id=1, predicate_id=2),
        None,
    ]
    with pytest.raises(ValueError, match=r'images\[3\] has the id of'):
        opened(tmp_path, content)
    dataset = opened(tmp_path, content, bad_rows='drop')
    for count in ('2 bad images', '5 bad annotations', '3 bad relations',
                  '1 boxes without an area',
                  '1 relations of such boxes'):  # fmt: skip
        assert count in log()
    for idx in range(3):
        assert dataset[idx] == good[idx]
    assert len(dataset) == 3
    # names are no rows
    content['categories'][1]['name'] = 'cat'
    with pytest.raises(ValueError, match=r'categories\[1\] has the name') as e:
        opened(tmp_path, content, bad_rows='drop')
    assert 'bad_rows' not in str(e.value)


def test_degenerate_boxes_are_a_kind_of_bad_rows(tmp_path, log):
    content = copy.deepcopy(SMALL)
    content['annotations'][0]['bbox'] = [30, 2, 3, 4]
    with pytest.raises(ValueError, match='has no area inside'):
        opened(tmp_path, content)
    for options in (
        dict(bad_rows='drop'),
        dict(degenerate_boxes='drop'),
        dict(bad_rows='error', degenerate_boxes='drop'),
    ):
        assert len(opened(tmp_path, content, **options)[1]['instances']) == 1
        assert '1 boxes without an area' in log()
    both = dict(bad_rows='drop', degenerate_boxes='widen')
    assert len(opened(tmp_path, content, **both)[1]['instances']) == 2
    with pytest.raises(ValueError, match="bad_rows='widen' is none of"):
        opened(tmp_path, content, bad_rows='widen')


def test_rows_of_vg150(files, tmp_path, log):
    arrays = files.arrays
    arrays['split'][:] = 2
    options = dict(split='test', image_folders=())
    good = VG150Dataset(**settings(files.write(tmp_path / 'good'), **options))
    counts = good.scene_graphs.box_counts, good.scene_graphs.relation_counts
    image = int(np.flatnonzero((counts[0] > 3) & (counts[1] > 2))[0])
    row = [i['image_id'] for i in files.images].index(
        good.scene_graphs.img_ids[image]
    )
    first = arrays['img_to_first_box'][row]
    relation = arrays['img_to_first_rel'][row]
    arrays['labels'][first + 1] = 77
    arrays['predicates'][relation] = 0
    arrays['relationships'][relation : relation + 2] = -5
    others = (arrays['img_to_first_rel'] >= 0) & (np.arange(24) != row)
    lost = np.flatnonzero(others)[-2:]
    arrays['img_to_last_rel'][lost[0]] = 9999
    folder = settings(files.write(tmp_path), **options)
    path = tmp_path / 'image_data.json'
    images = json.loads(path.read_text())
    flat = files.images[lost[1]]['image_id']
    next(i for i in images if i['image_id'] == flat)['width'] = 0
    path.write_text(json.dumps(images))
    with pytest.raises(ValueError, match=r'is of 0 x .* pixels.*bad_rows='):
        VG150Dataset(**folder)
    dataset = VG150Dataset(**folder, bad_rows='drop')
    assert '2 bad images' in log() and '1 bad boxes' in log()
    assert '2 bad relations' in log()
    gone = [files.images[k]['image_id'] for k in lost]
    ids = [n for n in good.scene_graphs.img_ids.tolist() if n not in gone]
    assert dataset.scene_graphs.img_ids.tolist() == ids
    for idx, number in enumerate(ids):
        expected = good[good.scene_graphs.img_ids.tolist().index(number)]
        item = dataset[idx]
        if number != good.scene_graphs.img_ids[image]:
            assert item['instances'] == expected['instances']
            assert item['relations'] == expected['relations']
            continue
        boxes = expected['instances']
        assert item['instances'] == boxes[:1] + boxes[2:]
        raw = arrays['relationships'][
            relation + 2 : arrays['img_to_last_rel'][row] + 1
        ] - first  # fmt: skip
        kept = [
            [int(end) - (end > 1) for end in pair]
            for pair in raw
            if 1 not in pair and pair[0] != pair[1]
        ]
        assert [r['pair'] for r in item['relations']] == kept


def test_relations_of_vrd(tmp_path, log):
    images = test_vrd.small_files()
    good = VRDDataset(**test_vrd.settings(test_vrd.write(tmp_path, images)))
    expected = [good[idx] for idx in range(3)]
    bad = copy.deepcopy(images['b.jpg'][0])
    rows = images['b.jpg']
    rows[:0] = [dict(bad, predicate=9), dict(bad, object=None)]
    far = copy.deepcopy(bad)
    far['subject'].update(category=7, bbox=[5, 4, 1, 2])
    rows.append(far)
    folder = test_vrd.settings(test_vrd.write(tmp_path, images))
    with pytest.raises(ValueError, match=r"relation 0 .*bad_rows='drop'"):
        VRDDataset(**folder)
    dataset = VRDDataset(**folder, bad_rows='drop')
    assert '3 bad relations' in log()
    assert [dataset[idx] for idx in range(3)] == expected


def test_images_of_gqa(tmp_path, log):
    images = [list(image) for image in test_gqa.small_images()]
    good = test_gqa.build(test_gqa.write(tmp_path, images))
    expected = [good[idx] for idx in range(len(good))]
    name, size, boxes, labels, relations = images[0]
    images[0] = [name, size, [[0, 0, 5, 5], *boxes], [99, *labels],
                 [[5, 0, 1], [0, 1, 1], [1, 2, 77],
                  *[[s + 1, o + 1, p] for s, o, p in relations]]]  # fmt: skip
    images.append(['bad', dict(width=9.5, height=9), [], [], []])
    folder = test_gqa.write(tmp_path, images)
    with pytest.raises(ValueError, match=r"image 'bad' has.*9\.5 is no whole"):
        test_gqa.build(folder)
    dataset = test_gqa.build(folder, bad_rows='drop')
    for count in ('1 bad images', '1 bad boxes', '2 bad relations',
                  '1 relations of bad boxes'):  # fmt: skip
        assert count in log()
    assert [dataset[idx] for idx in range(len(dataset))] == expected
    assert isinstance(dataset, GQA200Dataset)


def test_fractions_are_not_cut_off(files, tmp_path):
    labels = files.arrays['labels'].astype(float)
    files.arrays['labels'] = labels
    assert len(VG150Dataset(**settings(files.write(tmp_path))))
    labels[3] = 1.5
    with pytest.raises(ValueError, match=r'VG-SGG\.h5: in labels, 1\.5 is no'):
        VG150Dataset(**settings(files.write(tmp_path)))
    labels[3] = 1
    folder = files.write(tmp_path)
    path = folder / 'image_data.json'
    images = json.loads(path.read_text())
    images[2]['width'] = 50.5
    path.write_text(json.dumps(images))
    with pytest.raises(ValueError, match=r'data\.json: among the widths.*50'):
        VG150Dataset(**settings(folder))


def test_whole_floats_are_whole_numbers(tmp_path):
    content = copy.deepcopy(SMALL)
    content['images'][0] |= dict(width=40.0, height=30.0, id=7.0)
    content['annotations'][1] |= dict(id=2.0, category_id=30.0)
    for row in content['relations']:
        row['image_id'] = float(row['image_id'])
    dataset, plain = opened(tmp_path, content), opened(tmp_path, SMALL)
    assert [dataset[i] for i in range(3)] == [plain[i] for i in range(3)]
    assert type(dataset[0]['img_id']) is type(dataset[0]['width']) is int
    content['images'][0]['id'] = 7.5
    with pytest.raises(ValueError, match=r'images\[0\].*without a fraction'):
        opened(tmp_path, content)


def test_whole_floats_in_other_files(files, tmp_path):
    folder = files.write(tmp_path)
    plain = VG150Dataset(**settings(folder))
    path = folder / 'image_data.json'
    path.write_text(json.dumps(json.loads(path.read_text(), parse_int=float)))
    floats = VG150Dataset(**settings(folder))
    assert floats[0] == plain[0]
    images = test_vrd.small_files()
    good = VRDDataset(**test_vrd.settings(test_vrd.write(tmp_path, images)))
    images = json.loads(json.dumps(images), parse_int=float)
    floats = VRDDataset(**test_vrd.settings(test_vrd.write(tmp_path, images)))
    assert floats[0] == good[0]
