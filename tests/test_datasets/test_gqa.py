"""GQA200Dataset on small files, and on the real test file where it is."""

import json
import re
from collections import Counter

import numpy as np
import pytest

from mmsgg.datasets import (
    GQA200_CLASSES,
    GQA200_PREDICATES,
    GQA200Dataset,
    SceneGraphJsonDataset,
    VG150Dataset,
    VRDDataset,
)
from mmsgg.registry import DATASETS

from ..folders import DATA
from .vg_files import settings

GQA = DATA / 'gqa'
METAINFO = dict(classes=('cat', 'hat', 'mat'), predicates=('on', 'under'))
LISTS = (
    'filenames_all',
    'img_info_all',
    'gt_boxes_all',
    'gt_classes_all',
    'relationships_all',
)


def small_images():
    """Five images of 40 x 30 with all that the real file has."""
    size = dict(width=40, height=30)
    return [
        ('7.jpg', size, [[1, 2, 30, 20], [5, 6, 7, 8]], [1, 3],
         [[0, 1, 2], [0, 1, 2], [0, 1, 1], [1, 1, 1]]),
        ('lost.jpg', size, [[0, 0, 0, 0]] * 2, [1, 2], [[0, 1, 1]]),
        ('9.jpg', size, [[-3, 2, 50, 20], [5, 9, 5, 12], [0, 0, 9, 9]],
         [2, 2, 1], [[0, 1, 1], [2, 0, 2]]),
        ('empty.jpg', size, [], [], []),
        ('alone.jpg', size, [[4, 4, 9, 9]], [3], []),
    ]  # fmt: skip


def write(folder, images, file='GQA_200_Test.json', **changes):
    columns = [list(column) for column in zip(*images, strict=True)]
    lists = dict(zip(LISTS, columns or [[]] * 5, strict=True)) | changes
    (folder / file).write_text(json.dumps(lists))
    names = {
        f'ind_to_{key}': ['__background__', *METAINFO[key]] for key in METAINFO
    }
    (folder / 'GQA_200_ID_Info.json').write_text(json.dumps(names))
    return folder


def build(folder, split='test', **kwargs):
    defaults = dict(image_folders=(), metainfo=METAINFO, split=split)
    return GQA200Dataset(data_root=str(folder), **defaults | kwargs)


def test_item(tmp_path):
    folder = write(tmp_path, small_images())
    dataset = DATASETS.build(
        dict(
            type='GQA200Dataset',
            data_root=str(folder),
            split='test',
            image_folders=(),
            metainfo=METAINFO,
        )
    )
    assert len(dataset) == 4
    assert dataset[0] == dict(
        img_path=str(folder / '7.jpg'),
        img_id='7',
        height=30,
        width=40,
        instances=[
            dict(bbox=[1, 2, 30, 20], bbox_label=0, ignore_flag=0),
            dict(bbox=[5, 6, 7, 8], bbox_label=2, ignore_flag=0),
        ],
        # that of the box with itself is gone
        relations=[
            dict(pair=[0, 1], predicate_label=1),
            dict(pair=[0, 1], predicate_label=1),
            dict(pair=[0, 1], predicate_label=0),
        ],
        sample_idx=0,
    )
    assert [dataset[i]['img_id'] for i in (1, 2, 3)] == ['9', 'empty', 'alone']
    assert (dataset[2]['instances'], dataset[2]['relations']) == ([], [])


def test_what_is_wrong_is_counted(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mmsgg.datasets.scene_graph_dataset.print_log',
        lambda line, **_: lines.append(line),
    )
    folder = write(tmp_path, small_images())
    wide = build(folder)
    assert [row['bbox'] for row in wide[1]['instances']] == [
        [0, 2, 40, 20],
        [5, 9, 6, 12],
        [0, 0, 9, 9],
    ]
    kept = build(folder, degenerate_boxes='drop')
    assert [row['bbox'] for row in kept[1]['instances']] == [
        [0, 2, 40, 20],
        [0, 0, 9, 9],
    ]
    assert kept[1]['relations'] == [dict(pair=[1, 0], predicate_label=1)]
    repeats = (
        '2 relations on a pair that has another, 1 of them the same again'
    )
    assert lines == [
        'GQA200Dataset test: kept 4 images, 6 boxes (1 clipped to their '
        'image) and 5 relations; dropped 1 images whose boxes are all zero, '
        f'1 relations of a box to itself; widened 1 boxes; {repeats}',
        'GQA200Dataset test: kept 4 images, 5 boxes (1 clipped to their '
        'image) and 4 relations; dropped 1 images whose boxes are all zero, '
        '1 boxes without an area, 1 relations of such boxes, '
        f'1 relations of a box to itself; {repeats}',
    ]
    with pytest.raises(ValueError, match=r"'9.jpg' has no area.*'widen'"):
        build(folder, degenerate_boxes='error')
    with pytest.raises(ValueError, match=r"degenerate_boxes='shrink'"):
        build(folder, degenerate_boxes='shrink')


def test_an_image_that_has_a_box_is_not_lost(tmp_path):
    images = small_images()
    images[0][2][1] = [0, 0, 0, 0]
    item = build(write(tmp_path, images))[0]
    assert item['img_id'] == '7'
    assert [row['bbox'] for row in item['instances']] == [
        [1, 2, 30, 20],
        [0, 0, 1, 1],
    ]


def test_splits(tmp_path):
    write(tmp_path, small_images())
    write(tmp_path, small_images()[::-1], 'GQA_200_Train.json')
    names = {
        split: [dataset[i]['img_id'] for i in range(len(dataset))]
        for split in ('train', 'val', 'test')
        for dataset in [build(tmp_path, split, num_val=3)]
    }
    assert names == dict(
        train=['alone', 'empty', '9', '7'],
        # the first three of the file, of which one is lost
        val=['7', '9'],
        test=['7', '9', 'empty', 'alone'],
    )
    with pytest.raises(ValueError, match="split='dev' is none of"):
        build(tmp_path, 'dev')
    assert len(build(write(tmp_path, []))) == 0


@pytest.mark.parametrize(
    ('column', 'value', 'words'),
    [
        (3, [1, 4], 'classes that are none of the 3'),
        (3, [0, 1], 'classes that are none of the 3'),
        (3, [1], '2 boxes, but 1 classes'),
        (4, [[0, 1, 3]], 'predicates that are none of the 2'),
        (4, [[0, 1, 0]], 'predicates that are none of the 2'),
        (4, [[0, 2, 1]], 'box rows that are none of the 2'),
        (4, [[-1, 1, 1]], 'box rows that are none of the 2'),
        (4, [[0, 1]], 'cannot reshape'),
        (2, [[1, 2, 3], [1, 2, 3]], 'cannot reshape'),
        (1, dict(width=40), 'height'),
        (1, dict(width=40, height=0), 'size of [40, 0] pixels'),
    ],
)
def test_wrong_entries_are_named(tmp_path, column, value, words):
    images = [list(image) for image in small_images()]
    images[0][column] = value
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        build(write(tmp_path, images))
    for word in ('GQA_200_Test.json', "image '7.jpg'", 'correct'):
        assert word in str(caught.value)


def test_wrong_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'ID_Info\.json not found'):
        build(tmp_path)
    write(tmp_path, small_images(), gt_boxes_all=[])
    with pytest.raises(ValueError, match=r"'gt_boxes_all': 0.*fetch"):
        build(tmp_path)
    (tmp_path / 'GQA_200_Test.json').write_text('[]')
    with pytest.raises(ValueError, match='lacks one of the lists'):
        build(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'GQA_200_Train\.json'):
        build(tmp_path, 'train')
    other = dict(METAINFO, classes=('cat', 'mat', 'hat'))
    with pytest.raises(ValueError, match=r"'hat' to index 2, where the cla"):
        build(tmp_path, metainfo=other)


def json_of(folder, bbox):
    (folder / 'graphs.json').write_text(
        json.dumps(
            dict(
                images=[dict(id=1, file_name='a', width=40, height=30)],
                categories=[dict(id=1, name='cat')],
                annotations=[
                    dict(id=i, image_id=1, category_id=1, bbox=box)
                    for i, box in enumerate(([0, 0, 9, 9], bbox))
                ],
                predicates=[dict(id=1, name='on')],
                relations=[
                    dict(image_id=1, subject_id=0, object_id=1, predicate_id=1)
                ],
            )
        )
    )
    return SceneGraphJsonDataset, dict(ann_file=str(folder / 'graphs.json'))


def vrd_of(folder, bbox):
    x, y, w, h = bbox
    rows = [
        dict(
            predicate=0,
            subject=dict(category=0, bbox=[1, 9, 1, 9]),
            object=dict(category=0, bbox=[y + 1, y + h + 2, x + 1, x + w + 2]),
        )
    ]
    for name, content in (
        ('annotations_train.json', {'a.jpg': rows}),
        ('objects.json', ['cat']),
        ('predicates.json', ['on']),
        ('sizes.json', {'a.jpg': [40, 30]}),
    ):
        (folder / name).write_text(json.dumps(content))
    return VRDDataset, dict(
        data_root=str(folder),
        sizes_file='sizes.json',
        metainfo=dict(classes=['cat'], predicates=['on']),
    )


@pytest.mark.parametrize(
    ('make', 'bbox'),
    [
        (json_of, [5, 5, 0, 3]),
        (json_of, [50, 5, 3, 3]),
        (vrd_of, [50, 5, 3, 3]),
    ],
)
def test_other_data_sets_drop_and_widen_too(tmp_path, make, bbox):
    cls, files = make(tmp_path, bbox)
    files['image_folders'] = ()
    with pytest.raises(ValueError, match='degenerate_boxes='):
        cls(**files)
    wide = cls(**files, degenerate_boxes='widen').scene_graphs
    sizes = wide.boxes[:, 2:] - wide.boxes[:, :2]
    assert (sizes >= 1).all() and len(wide.pairs) == 1
    assert (wide.boxes[:, 2:] <= [40, 30]).all()
    kept = cls(**files, degenerate_boxes='drop').scene_graphs
    assert (len(kept.boxes), len(kept.pairs), len(kept)) == (1, 0, 1)


def test_vg150_drops_and_widens_too(files, tmp_path):
    files.arrays['split'][:] = 2
    files.arrays['boxes_1024'][0, 2] = 0  # a width
    folder = settings(files.write(tmp_path), split='test')
    with pytest.raises(ValueError, match='degenerate_boxes='):
        VG150Dataset(**folder)
    wide = VG150Dataset(**folder, degenerate_boxes='widen').scene_graphs
    kept = VG150Dataset(**folder, degenerate_boxes='drop').scene_graphs
    assert np.array_equal(wide.boxes[1:], kept.boxes)
    assert (wide.boxes[0, 2:] - wide.boxes[0, :2] >= 1).all()
    assert len(wide) == len(kept)


def test_vocabulary():
    dataset = GQA200Dataset(lazy_init=True)
    assert len(set(GQA200_CLASSES)) == len(dataset.metainfo['classes']) == 200
    assert len(set(GQA200_PREDICATES)) == 100
    assert (GQA200_CLASSES[0], GQA200_PREDICATES[0]) == ('window', 'on')


needs_gqa = pytest.mark.skipif(
    not GQA.is_dir(), reason=f'the real GQA-200 is not in {DATA} (MMSGG_DATA)'
)


@needs_gqa
def test_real_file_against_plain_loops():
    dataset = GQA200Dataset(data_root=str(GQA), split='test', image_folders=())
    raw = json.loads((GQA / 'GQA_200_Test.json').read_text())
    assert len(raw['filenames_all']) == len(dataset) + 1 == 8209
    counts, graphs = Counter(), dataset.scene_graphs
    row = 0
    for name, _, boxes, classes, relations in zip(
        *(raw[key] for key in LISTS), strict=True
    ):
        if not np.any(boxes):
            continue
        assert graphs.file_names[row] == name
        first, last = graphs.box_starts[row : row + 2]
        assert (graphs.labels[first:last] + 1).tolist() == classes
        rows = slice(*graphs.relation_starts[row : row + 2])
        expected = [r for r in relations if r[0] != r[1]]
        assert graphs.pairs[rows].tolist() == [r[:2] for r in expected]
        assert (graphs.predicates[rows] + 1).tolist() == [
            r[2] for r in expected
        ]
        counts['related'] += bool(expected)
        row += 1
    assert counts['related'] == 8186
    limits = np.column_stack([graphs.widths, graphs.heights])
    limits = np.repeat(limits, graphs.box_counts, axis=0)
    assert (graphs.boxes >= 0).all() and (graphs.boxes[:, 2:] <= limits).all()
    assert ((graphs.boxes[:, 2:] - graphs.boxes[:, :2]) > 0).all()


@needs_gqa
def test_real_split_of_the_benchmark():
    dataset = GQA200Dataset(
        data_root=str(GQA),
        split='test',
        image_folders=(),
        filter_empty_relations=True,
    )
    assert len(dataset) == 6139 + 2047
    assert len(dataset.get_subset(-2047).relation_triplets()) == 9567
