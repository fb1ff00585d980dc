"""The zero-shot list against a slow one, and against given lists."""

import json

import numpy as np
import pytest
import torch

from ...folders import DATA
from ...scripts import load_tool

TOOL = load_tool('analysis_tools/zero_shot_triplets')
CLASSES, PREDICATES = ('cat', 'hat', 'mat'), ('on', 'in')
CONFIG = """
dataset = dict(type='SceneGraphJsonDataset', data_root={root!r},
               image_folders=(), filter_self_relations=False, pipeline=[])
train_dataloader = dict(dataset=dict(ann_file='train.json', **dataset))
val_dataloader = dict(dataset=dict(ann_file='val.json', **dataset))
test_dataloader = dict(dataset=dict(ann_file='test.json', **dataset))
default_scope = 'mmsgg'
"""


def write(folder, split, triplets):
    """One image with two boxes for each triplet."""
    names = dict(
        categories=[dict(id=k, name=n) for k, n in enumerate(CLASSES)],
        predicates=[dict(id=k, name=n) for k, n in enumerate(PREDICATES)],
    )  # fmt: skip
    lists = dict(
        images=[dict(id=1, file_name='1.jpg', width=9, height=9)],
        annotations=[
            dict(id=2 * k + end, image_id=1, category_id=label,
                 bbox=[1, 1, 5, 5])
            for k, (s, o, _) in enumerate(triplets)
            for end, label in enumerate((s, o))
        ],
        relations=[
            dict(image_id=1, subject_id=2 * k, object_id=2 * k + 1,
                 predicate_id=p)
            for k, (_, _, p) in enumerate(triplets)
        ],
    )  # fmt: skip
    (folder / f'{split}.json').write_text(json.dumps(names | lists))


@pytest.fixture
def config(tmp_path):
    write(tmp_path, 'train', [(0, 1, 0), (1, 0, 0)])
    write(tmp_path, 'val', [(2, 2, 1)])
    write(tmp_path, 'test', [(0, 1, 1), (2, 2, 1), (0, 1, 0), (0, 1, 1)])
    path = tmp_path / 'config.py'
    path.write_text(CONFIG.format(root=str(tmp_path)))
    return str(path)


def test_derived(config, tmp_path, capsys):
    out = tmp_path / 'new' / 'list.npy'
    assert TOOL.main([config, '--out', str(out)]) == 0
    assert np.load(out).tolist() == [[0, 1, 1], [2, 2, 1]]
    text = '2 triplets of test are not in train; 3 of its 4 relations'
    assert text in capsys.readouterr().out
    TOOL.main([config, '--out', str(out), '--seen', 'train', 'val'])
    assert np.load(out).tolist() == [[0, 1, 1]]
    assert TOOL.main([config, '--compare', str(out)]) == 1
    assert TOOL.main([config, '--compare', str(out),
                      '--seen', 'train', 'val']) == 0  # fmt: skip


def test_differences_from_a_list_that_counts_from_1(config, tmp_path, capsys):
    given = torch.tensor([[1, 2, 2], [2, 1, 1], [3, 1, 1], [3, 1, 1]])
    path = tmp_path / 'zeroshot_triplet.pytorch'
    torch.save(given, path)
    assert TOOL.main([config, '--compare', str(path), '--one-based']) == 1
    assert capsys.readouterr().out.splitlines()[-7:] == [
        '1 in both lists',
        '1 missing in the given list',
        '  mat - in - mat',
        '1 given, but known from training',
        '  hat - on - cat',
        '1 given, but in no image that is measured',
        '  mat - on - cat',
    ]
    with pytest.raises(ValueError, match=r'pass --one-based'):
        TOOL.main([config, '--compare', str(path)])
    torch.save(given - 1, path)
    with pytest.raises(ValueError, match=r'leave out --one-based'):
        TOOL.main([config, '--compare', str(path), '--one-based'])


@pytest.mark.skipif(not (DATA / 'vg').is_dir(), reason='no real list')
def test_the_real_list_is_read(config):
    path = str(DATA / 'vg' / 'zeroshot_triplet.pytorch')
    with pytest.raises(ValueError, match='the list that belongs'):
        TOOL.main([config, '--compare', path, '--one-based'])
    given = TOOL.read_zero_shot_triplets(path)
    assert given.shape == (5971, 3)
    assert (given.min(axis=0) >= 1).all()
    assert (given.max(axis=0) <= (150, 150, 50)).all()
