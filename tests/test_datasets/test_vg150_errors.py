"""Every broken file is refused with words that help."""

import json
import re

import numpy as np
import pytest

from mmsgg.datasets import VG150Dataset

from .vg_files import CLASSES, PREDICATES, settings


def first_usable(files):
    """The first test image with at least two boxes, and its first box row."""
    arrays = files.arrays
    first, last = arrays['img_to_first_box'], arrays['img_to_last_box']
    usable = (arrays['split'] == 2) & (first >= 0) & (last > first)
    image = np.flatnonzero(usable)[0]
    return files.images[image]['image_id'], image, first[image]


def refuses(files, tmp_path, error, *words, **kwargs):
    folder = files.write(tmp_path)
    with pytest.raises(error) as caught:
        VG150Dataset(**settings(folder, split='test') | kwargs)
    for word in words:
        assert str(word) in str(caught.value)


def test_unknown_split(folder):
    with pytest.raises(ValueError, match=r"'valid'.*'train', 'val', 'test'"):
        VG150Dataset(**settings(folder), split='valid')


@pytest.mark.parametrize(
    'name', ['VG-SGG.h5', 'image_data.json', 'VG-SGG-dicts.json']
)
def test_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(
        FileNotFoundError, match=rf'{re.escape(name)} not found; .*data_root='
    ):
        VG150Dataset(**settings(folder))


@pytest.mark.parametrize('name', ['image_data.json', 'VG-SGG-dicts.json'])
def test_truncated_json(folder, name):
    text = (folder / name).read_text()
    (folder / name).write_text(text[: len(text) // 2])
    with pytest.raises(
        ValueError, match=f'{name} is not JSON.*fetch it again'
    ):
        VG150Dataset(**settings(folder))


@pytest.mark.parametrize('size', [0, 100, 3000])
def test_truncated_h5(folder, size):
    path = folder / 'VG-SGG.h5'
    data = path.read_bytes()
    assert size < len(data)
    path.write_bytes(data[:size])
    with pytest.raises(OSError, match=r'VG-SGG\.h5.*incomplete download'):
        VG150Dataset(**settings(folder))


@pytest.mark.parametrize(
    'key',
    [
        'split',
        'labels',
        'predicates',
        'relationships',
        'img_to_first_box',
        'img_to_last_box',
        'img_to_first_rel',
        'img_to_last_rel',
    ],
)
def test_missing_h5_key(files, tmp_path, key):
    del files.arrays[key]
    refuses(files, tmp_path, KeyError, f"no '{key}'", 'VG-SGG.h5', 'ann_file=')


def test_no_boxes(files, tmp_path):
    del files.arrays['boxes_1024'], files.arrays['boxes_512']
    refuses(files, tmp_path, KeyError, "no 'boxes_1024'", 'VG-SGG.h5')


@pytest.mark.parametrize(
    'key', ['img_to_last_rel', 'labels', 'predicates', 'boxes_1024']
)
def test_arrays_of_different_lengths(files, tmp_path, key):
    files.arrays[key] = files.arrays[key][:-1]
    refuses(files, tmp_path, ValueError, 'same number of rows', 'VG-SGG.h5')


def test_rows_that_do_not_match_the_images(files, tmp_path):
    del files.images[3]
    rows = len(files.images)
    refuses(
        files,
        tmp_path,
        ValueError,
        f'{rows + 1} image rows',
        f'{rows} images',
        'image_data_file=',
    )


@pytest.mark.parametrize('key', ['image_id', 'height', 'width'])
def test_image_without_a_size_or_id(folder, key):
    path = folder / 'image_data.json'
    images = json.loads(path.read_text())
    del images[5][key]
    path.write_text(json.dumps(images))
    with pytest.raises(
        ValueError, match=rf"image_data\.json: image number 5 has no '{key}'"
    ):
        VG150Dataset(**settings(folder))


@pytest.mark.parametrize(
    ('field', 'names', 'words'),
    [
        (
            'classes',
            ('cat', 'mat', 'hat', 'rat'),
            ('index 2', "'hat'", "'mat'"),
        ),
        ('classes', CLASSES[:3], ('index 4', "'rat'", 'None')),
        ('classes', (*CLASSES, 'bat'), ('index 5', "'bat'", 'None')),
        ('predicates', ('at', *PREDICATES[1:]), ('index 1', "'at'", "'on'")),
    ],
)
def test_vocabulary_that_disagrees(files, tmp_path, field, names, words):
    metainfo = dict(classes=CLASSES, predicates=PREDICATES) | {field: names}
    words = (*words, 'VG-SGG-dicts.json', f'metainfo=dict({field}=[...])')
    refuses(files, tmp_path, ValueError, *words, metainfo=metainfo)


def test_vocabulary_without_predicates(folder):
    path = folder / 'VG-SGG-dicts.json'
    vocabulary = json.loads(path.read_text())
    del vocabulary['predicate_to_idx']
    path.write_text(json.dumps(vocabulary))
    with pytest.raises(KeyError, match=r'predicate_to_idx.*vocabulary_file='):
        VG150Dataset(**settings(folder))


def test_missing_image(folder):
    dataset = VG150Dataset(**settings(folder))
    item = dataset.get_data_info(1)
    (path,) = folder.glob(f'VG_100K*/{item["img_id"]}.jpg')
    path.unlink()
    assert dataset.get_data_info(0)
    with pytest.raises(FileNotFoundError) as caught:
        dataset.get_data_info(1)
    for word in (path.name, 'VG_100K', 'VG_100K_2', 'image_folders='):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    'box',
    [
        (512, 512, 0, 10),
        (512, 512, 10, -4),
        (2000, 300, 100, 100),
        (-300, 300, 100, 100),
        (300, -300, 100, 100),
        (300, 3000, 100, 100),
        (np.nan, 300, 100, 100),
    ],
)
def test_box_outside_or_empty(files, tmp_path, box):
    image_id, _, row = first_usable(files)
    files.arrays['boxes_1024'] = files.arrays['boxes_1024'].astype(float)
    files.arrays['boxes_1024'][row + 1] = box
    words = (f'box row {row + 1}, ', f"'{image_id}.jpg'", 'VG-SGG.h5')
    refuses(files, tmp_path, ValueError, *words)
    # other splits do not suffer
    assert len(VG150Dataset(**settings(tmp_path), split='train'))


@pytest.mark.parametrize('key', ['labels', 'predicates'])
@pytest.mark.parametrize('label', [0, 99])
def test_label_outside_the_vocabulary(files, tmp_path, key, label):
    row = first_usable(files)[-1]
    if key == 'predicates':
        usable = (files.arrays['split'] == 2) & (
            files.arrays['img_to_first_rel'] >= 0
        )
        row = files.arrays['img_to_first_rel'][np.flatnonzero(usable)[0]]
    files.arrays[key][row] = label
    field, size = ('classes', 4) if key == 'labels' else ('predicates', 3)
    words = (f'{key} row {row} is {label}', f'1..{size}', f'dict({field}=')
    refuses(files, tmp_path, ValueError, *words)


@pytest.mark.parametrize('shift', [-1, 1])
def test_relation_to_a_box_of_another_image(files, tmp_path, shift):
    arrays = files.arrays
    usable = (arrays['split'] == 2) & (arrays['img_to_first_rel'] >= 0)
    image = np.flatnonzero(usable)[0]
    row = arrays['img_to_first_rel'][image]
    end = 'first' if shift < 0 else 'last'
    wrong = arrays[f'img_to_{end}_box'][image] + shift
    arrays['relationships'][row, 1] = wrong
    words = (f'relationships row {row}', files.images[image]['image_id'])
    refuses(files, tmp_path, ValueError, *words, 'VG-SGG.h5')


@pytest.mark.parametrize('kind', ['box', 'rel'])
def test_rows_beyond_the_end(files, tmp_path, kind):
    arrays = files.arrays
    usable = arrays['img_to_first_box'] >= 0
    usable &= (arrays['img_to_first_rel'] >= 0) & (arrays['split'] == 2)
    image = np.flatnonzero(usable)[0]
    arrays[f'img_to_last_{kind}'][image] = 10_000
    words = (f'img_to_last_{kind} of row {image}', '10000')
    refuses(files, tmp_path, ValueError, *words)


def test_nothing_left_to_train_on(folder):
    with pytest.raises(ValueError, match=r'num_val=5000.*smaller num_val='):
        VG150Dataset(**settings(folder, num_val=5000))
