"""Every kind of damage is found, with its file and its index."""

import json
import shutil

import cv2
import h5py
import numpy as np
import pytest
from mmengine.config import Config

from ...scripts import load_tool

check_config = load_tool('analysis_tools/check_dataset').check_config
build_dataset = load_tool('analysis_tools/config_parts').build_dataset


@pytest.fixture
def arrays(toy):
    """The arrays of the file; :func:`write` puts them back."""
    with h5py.File(toy / 'VG-SGG.h5') as file:
        return {key: file[key][...] for key in file}


def write(toy, arrays):
    with h5py.File(toy / 'VG-SGG.h5', 'r+') as file:
        for key, array in arrays.items():
            file[key][...] = array


def image_row(arrays, split=2):
    """A usable image with three boxes and two relations or more."""
    boxes = arrays['img_to_last_box'] - arrays['img_to_first_box']
    rows = arrays['img_to_last_rel'] - arrays['img_to_first_rel']
    usable = (arrays['split'] == split) & (boxes >= 2) & (rows >= 1)
    return np.flatnonzero(usable)[-1]


def image_id(row):
    return 2300001 + row


def found(cfg, kind, *words, images=False, errors=True):
    """The report, in which a kind has an example with all of the words."""
    report = check_config(cfg, with_images=images)
    assert kind in report.counts, str(report)
    lines = report.examples[kind]
    assert any(all(str(w) in line for w in words) for line in lines), lines
    assert bool(report.num_errors) == errors, str(report)
    assert f'{kind} ({report.counts[kind]})' in str(report)
    return report


def test_clean_set(toy_config, capsys):
    report = check_config(toy_config)
    assert report.counts.keys() <= {'name never occurs in training'}
    assert report.num_errors == 0
    for split, (name, *sizes) in zip(
        ('train', 'val', 'test'), report.sizes, strict=True
    ):
        graphs = build_dataset(toy_config, split).scene_graphs
        related = sum(bool(count) for count in graphs.relation_counts)
        assert name.startswith(split) and name.endswith('VG-SGG.h5)')
        assert sizes == [
            len(graphs),
            related,
            len(graphs.labels),
            len(graphs.pairs),
        ]
        assert sizes[0] > 5
    total = sum(row[1] for row in report.sizes)
    assert f'{total}/{total}' in capsys.readouterr().err  # decoded each


@pytest.mark.parametrize(
    'box', [(5000, 300, 50, 50), (300, 300, 0, 50), (300, 300, 50, -4)]
)
def test_useless_box(toy, toy_config, arrays, box):
    row = image_row(arrays)
    first = arrays['img_to_first_box'][row]
    arrays['boxes_1024'][[first, first + 2]] = box
    write(toy, arrays)
    words = f'box row {first + 2} ', f'image {image_id(row)}', 'VG-SGG.h5'
    report = found(toy_config, 'box empty or outside', *words)
    assert report.counts['box empty or outside'] == 2
    (line,) = report.examples['unreadable data set']
    assert 'test (' in line and 'has no area inside' in line


def test_box_that_reaches_out(toy, toy_config, arrays):
    row = image_row(arrays)
    first = arrays['img_to_first_box'][row]
    arrays['boxes_1024'][first] = (40, 40, 200, 60)
    write(toy, arrays)
    words = f'box row {first} ', f'image {image_id(row)}', 'VG-SGG.h5'
    found(toy_config, 'box reaches out of the image', *words, errors=False)


@pytest.mark.parametrize(
    'key, kind, size',
    [('labels', 'class', 12), ('predicates', 'predicate', 11)],
)
@pytest.mark.parametrize('step', [0, 1])
def test_label_out_of_range(toy, toy_config, arrays, key, kind, size, step):
    arrays[key][7] = (size + 1) * step
    write(toy, arrays)
    words = f'{key} row 7 is {(size + 1) * step}', f'1..{size}', 'VG-SGG.h5'
    found(toy_config, f'{kind} out of range', *words)


@pytest.mark.parametrize('shift', [-1, 1])
def test_pair_out_of_range(toy, toy_config, arrays, shift):
    row = image_row(arrays)
    relation = arrays['img_to_first_rel'][row]
    end = 'img_to_last_box' if shift > 0 else 'img_to_first_box'
    arrays['relationships'][relation, 0] = arrays[end][row] + shift
    write(toy, arrays)
    words = f'relationships row {relation} ', f'image {image_id(row)}'
    found(toy_config, 'pair out of range', *words, 'VG-SGG.h5')


def test_broken_range(toy, toy_config, arrays):
    arrays['img_to_last_rel'][image_row(arrays)] = 99999
    arrays['img_to_last_box'][3] = -1
    write(toy, arrays)
    kind = 'row range broken'
    found(toy_config, kind, f'of row {image_row(arrays)} ', '99999')
    found(toy_config, kind, 'img_to_last_box of row 3 (image 2300004)')


def test_self_relation(toy, toy_config, arrays):
    row = image_row(arrays, split=0)
    relation = arrays['img_to_last_rel'][row]
    arrays['relationships'][relation, 0] = arrays['relationships'][relation, 1]
    write(toy, arrays)
    words = f'relationships row {relation} ', f'image {image_id(row)}'
    found(toy_config, 'relation of a box to itself', *words, errors=False)


def test_duplicates(toy, toy_config, arrays):
    row = image_row(arrays)
    item = np.flatnonzero(arrays['split'][: row + 1] == 2)
    item = (arrays['img_to_first_rel'][item] >= 0).sum() - 1
    first, last = (arrays[f'img_to_{e}_rel'][row] for e in ('first', 'last'))
    for key in ('relationships', 'predicates'):
        arrays[key][last] = arrays[key][first]
    box = arrays['img_to_last_box'][row]
    for key in ('boxes_1024', 'labels'):
        arrays[key][box] = arrays[key][box - 1]
    write(toy, arrays)
    where = f'test ({toy}/VG-SGG.h5) item {item} (image {image_id(row)})'
    words = f'{where} relation {last - first}:', 'predicate'
    found(toy_config, 'duplicate relation', *words, errors=False)
    number = box - arrays['img_to_first_box'][row]
    words = f'{where} box {number}:', 'class'
    found(toy_config, 'duplicate box', *words, errors=False)


def test_vocabulary_of_the_file(toy, toy_config):
    path = toy / 'VG-SGG-dicts.json'
    vocabulary = json.loads(path.read_text())
    names = vocabulary['label_to_idx']
    names['dog'], names['person'] = names['person'], names['dog']
    del vocabulary['predicate_to_idx']['on']
    path.write_text(json.dumps(vocabulary))
    report = found(
        toy_config, 'vocabulary mismatch', path, "'dog' to index 1", 'person'
    )
    assert report.counts['vocabulary mismatch'] == 3
    assert 'None to index 10' in report.examples['vocabulary mismatch'][2]


def test_size_of_the_model(toy_config):
    toy_config.model.relation_head.num_predicates = 50
    toy_config.model.detector.roi_head.bbox_head.num_classes = 80
    kind = 'model size mismatch'
    words = 'model.relation_head.num_predicates is 50', '11 predicates'
    found(toy_config, kind, *words)
    words = 'model.detector.roi_head.bbox_head.num_classes is 80', '12 classes'
    report = found(toy_config, kind, *words)
    assert report.counts[kind] == 6


def test_missing_files(toy, toy_config):
    (toy / 'VG-SGG.h5').unlink()
    words = 'VG-SGG.h5 not found', 'FileNotFoundError'
    report = found(toy_config, 'unreadable data set', *words, images=True)
    assert report.counts == {'unreadable data set': 3}


def test_missing_part_of_the_config(toy_config):
    toy_config.val_dataloader = None
    report = check_config(toy_config, with_images=False)
    assert report.notes == ['the config has no val data set']
    toy_config.train_dataloader.dataset.type = 'NoDataset'
    found(toy_config, 'unreadable data set', 'train: ', 'NoDataset')


def test_rows_and_images_do_not_match(toy, toy_config):
    path = toy / 'image_data.json'
    path.write_text(json.dumps(json.loads(path.read_text())[:-1]))
    found(toy_config, 'rows do not match images', 'has 80 rows', '79')


def test_nothing_to_train_on(toy, toy_config):
    toy_config.train_dataloader.dataset.indices = 0
    kind = 'no images in the split'
    report = found(toy_config, kind, f'train ({toy}/VG-SGG.h5)', images=True)
    assert report.counts['name never occurs in training'] == 12 + 11


def test_image_in_two_splits(toy, toy_config):
    toy_config.val_dataloader.dataset.num_val = 12
    train = build_dataset(toy_config, 'train').scene_graphs
    words = f'image {train.img_ids[1]}: train', 'item 1, val', 'item 11'
    report = found(toy_config, 'image in train and in test', *words)
    assert report.counts['image in train and in test'] == 2


def item_and_path(cfg, split, row):
    path = build_dataset(cfg, split).get_data_info(row)['img_path']
    return path, f'{split} ', f'item {row}: '


def test_missing_image(toy_config):
    path, *words = item_and_path(toy_config, 'val', 3)
    shutil.move(path, f'{path}.old')
    found(toy_config, 'missing image', *words, path[-11:], images=True)
    assert check_config(toy_config, with_images=False).num_errors == 0


@pytest.mark.parametrize('content', [b'', b'no image', b'\xff\xd8\xff\xe0'])
def test_undecodable_image(toy_config, content):
    path, *words = item_and_path(toy_config, 'train', 4)
    with open(path, 'wb') as file:
        file.write(content)
    words += [path, f'{len(content)} bytes']
    found(toy_config, 'undecodable image', *words, images=True)


def test_truncated_image(toy_config):
    path, *words = item_and_path(toy_config, 'test', 2)
    with open(path, 'rb+') as file:
        file.truncate(len(file.read()) * 3 // 4)
    found(toy_config, 'undecodable image', *words, path, images=True)


def test_image_of_another_size(toy_config):
    path, *words = item_and_path(toy_config, 'train', 0)
    height, width = cv2.imread(path).shape[:2]
    cv2.imwrite(path, np.zeros((width, height + 1, 3), np.uint8))
    words += [f'{height + 1} x {width} pixels', f'{width} x {height}', path]
    found(toy_config, 'image of another size', *words, images=True)


def test_same_content_in_two_splits(toy_config):
    one, other = (
        item_and_path(toy_config, split, 1)[0] for split in ('train', 'test')
    )
    shutil.copy(one, other)
    kind = 'same content in train and test'
    report = check_config(toy_config)
    (line,) = report.examples[kind]
    assert one in line and other in line and line.count('item 1:') == 2


def test_model_without_images(toy_config, toy):
    shutil.rmtree(toy / 'VG_100K')
    for split in ('train', 'val', 'test'):
        dataset = toy_config[f'{split}_dataloader'].dataset
        dataset.pipeline = dataset.pipeline[1:]
    report = check_config(toy_config)
    assert report.num_errors == 0
    assert 'opens no image' in report.notes[0] and len(report.notes) == 3


def test_wrapped_data_sets(toy_config):
    inner = toy_config.train_dataloader.dataset
    wrapped = dict(
        type='RepeatDataset',
        times=2,
        dataset=dict(type='ConcatDataset', datasets=[inner, inner]),
    )
    toy_config.train_dataloader.dataset = Config(wrapped)._cfg_dict
    report = check_config(toy_config, with_images=False)
    names = [row[0].split()[0] for row in report.sizes]
    assert names == ['train', 'train', 'val', 'test']
    assert report.num_errors == 0
