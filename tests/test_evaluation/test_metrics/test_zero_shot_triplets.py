import numpy as np
import pytest
import torch

from mmsgg.evaluation.metrics.zero_shot_triplets import (
    read_zero_shot_triplets,
)

TRIPLETS = np.array([[0, 4, 2], [149, 3, 49]])


def save_text(path):
    np.savetxt(path, TRIPLETS, fmt='%d')


@pytest.mark.parametrize(
    ('name', 'save'),
    [
        ('t.npy', lambda path: np.save(path, TRIPLETS)),
        ('t.txt', save_text),
        ('t.pth', lambda path: torch.save(torch.tensor(TRIPLETS), path)),
    ],
)
def test_reads_files(tmp_path, name, save):
    save(tmp_path / name)
    for path in (tmp_path / name, str(tmp_path / name)):
        triplets = read_zero_shot_triplets(path)
        assert triplets.dtype == np.int64
        np.testing.assert_array_equal(triplets, TRIPLETS)


@pytest.mark.parametrize('empty', [[], np.zeros((0, 3)), torch.zeros(0, 3)])
def test_none_is_legal(empty):
    assert read_zero_shot_triplets(empty).shape == (0, 3)


@pytest.mark.parametrize(
    'wrong', [[1, 2, 3], [[1, 2]], [[-1, 0, 0]], [[0.5] * 3]]
)
def test_refuses_other_things(wrong):
    with pytest.raises(ValueError, match='zero_shot_triplets'):
        read_zero_shot_triplets(wrong)
