import numpy as np
import pytest
import torch

from mmsgg.evaluation.functional import in_triplets, read_zero_shot_triplets

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


def test_membership_in_an_empty_table_and_of_large_numbers():
    triplets = np.array([[0, 1, 2], [149, 149, 49]])
    table = np.zeros((0, 3), dtype=np.int64)
    assert not in_triplets(triplets, table).any()
    assert in_triplets(triplets, triplets[1:]).tolist() == [False, True]
    # (0, 0, 7) and (0, 1, 0) must not share a code
    other = in_triplets(np.array([[0, 1, 0]]), np.array([[0, 0, 7]]))
    assert not other.any()
