"""Records of images in a file without code."""

import pickle

import numpy as np
import pytest
import torch

from mmsgg.fileio import read_records, write_records


def records():
    return [
        dict(
            img_id=number,
            ori_shape=(4, 5),
            topk=np.int64(100),
            found=dict(
                boxes=np.full((rows, 4), number, np.float32),
                labels=torch.arange(rows),
            ),
            pairs=dict(scores=np.zeros((0, 0) if not rows else (rows, 3))),
        )
        for number, rows in enumerate((2, 0, 1))
    ]


@pytest.mark.parametrize('suffix', ('npz', 'pkl'))
def test_what_is_written_is_read(tmp_path, suffix):
    path = tmp_path / 'new' / f'a.{suffix}'
    if suffix == 'npz':
        write_records(path, records())
    else:
        path.parent.mkdir()
        path.write_bytes(pickle.dumps(records()))
    read = read_records(path)
    assert len(read) == 3
    for again, record in zip(read, records(), strict=True):
        assert again['img_id'] == record['img_id']
        assert tuple(again['ori_shape']) == (4, 5) and again['topk'] == 100
        for name in ('boxes', 'labels'):
            values = np.asarray(record['found'][name])
            np.testing.assert_array_equal(
                np.asarray(again['found'][name]), values, strict=True
            )
        assert len(again['pairs']['scores']) == len(record['pairs']['scores'])
    assert [*path.parent.iterdir()] == [path]


def test_no_records(tmp_path):
    write_records(tmp_path / 'a.npz', [])
    assert read_records(tmp_path / 'a.npz') == []


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / 'a.npz'
    write_records(path, records())
    with pytest.raises(ValueError, match='Object arrays'):
        write_records(path, [dict(found=dict(boxes=np.array([None])))])
    assert len(read_records(path)) == 3
    assert [*tmp_path.iterdir()] == [path]


def test_records_of_two_forms(tmp_path):
    path = tmp_path / 'a.npz'
    write_records(path, [dict(a=dict(x=[1])), dict(b=1), dict(a=dict(y=[2]))])
    first, second, third = read_records(path)
    assert first['a']['x'].tolist() == [1] and first['a'].keys() == {'x'}
    assert second == dict(b=1)
    assert third['a']['y'].tolist() == [2] and third['a'].keys() == {'y'}
    shapes = [dict(a=dict(x=np.ones((1, 2)))), dict(a=dict(x=np.ones((1, 3))))]
    with pytest.raises(ValueError, match='match'):
        write_records(path, shapes)


def array_of_objects(path):
    np.savez(path, header=np.array([None]))


def cut_off(path):
    write_records(path, records())
    path.write_bytes(path.read_bytes()[:-30])


def other_lengths(path):
    write_records(path, records())
    with np.load(path) as file:
        arrays = dict(file)
    arrays['found.boxes.length'][0] = 7
    np.savez(path, **arrays)


@pytest.mark.parametrize('write', (array_of_objects, cut_off, other_lengths))
def test_a_broken_file(tmp_path, write):
    write(tmp_path / 'a.npz')
    with pytest.raises(ValueError, match=r'a\.npz.* cannot be read as an npz'):
        read_records(tmp_path / 'a.npz')
