"""Runs that would be wrong, and exit 0, are refused by the command lines."""

import random
import re

import pytest
import torch
from mmengine.config import Config

from mmsgg.datasets import (
    TOY_CLASSES,
    TOY_PREDICATES,
    ToyVGDataset,
    write_scene_graph_json,
)
from mmsgg.testing import write_toy_vg

from .. import forked
from ..folders import ROOT
from ..toy_model import write_checkpoint

TOY = ROOT / 'configs' / 'toy'
# the toy model on JSON files, of which one may list names in another order
JSON_CONFIG = """
_base_ = '{base}'
mine = dict(
    _delete_=True,
    type='SceneGraphJsonDataset',
    data_root='{root}',
    image_folders=('VG_100K', 'VG_100K_2'),
)
train_dataloader = dict(dataset=dict(
    mine, ann_file='same.json',
    pipeline=_base_.train_dataloader.dataset.pipeline))
test = dict(
    mine, test_mode=True, pipeline=_base_.test_dataloader.dataset.pipeline)
val_dataloader = dict(dataset=dict(test, ann_file='{val}.json'))
test_dataloader = dict(dataset=dict(test, ann_file='{test}.json'))
"""


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A data set, its JSON, checkpoints, and configs."""
    root = tmp_path_factory.mktemp('toy')
    write_toy_vg(root, num_train=8, num_test=3, progress=False)
    graphs = ToyVGDataset(data_root=str(root), split='test').scene_graphs
    write_scene_graph_json(
        root / 'same.json', graphs, TOY_CLASSES, TOY_PREDICATES
    )
    write_json_in_another_order(root)
    for split in ('val', 'test'):
        files = dict(val='same', test='same') | {split: 'shuffled'}
        text = JSON_CONFIG.format(base=TOY / 'sgdet.py', root=root, **files)
        (root / f'shuffled_{split}.py').write_text(text)
    write_checkpoints(root)
    old = Config.fromfile(TOY / 'sgdet.py')
    old.model.type = 'SceneGraphRCNN'
    old.dump(root / 'old.py')
    return root


def write_json_in_another_order(root):
    text = Config.fromfile(root / 'same.json')
    lists = text.to_dict()
    rng = random.Random(0)
    for key in ('categories', 'predicates'):
        rng.shuffle(lists[key])
    Config(lists).dump(root / 'shuffled.json')


def write_checkpoints(root):
    """A whole one, one without predicate_fc, and one of a detector."""
    content = torch.load(write_checkpoint(root / 'whole.pth'))
    weights = content['state_dict']
    for name, left_out in dict(
        partial='relation_head.predicate_fc', detector='relation_head'
    ).items():
        kept = {k: v for k, v in weights.items() if not k.startswith(left_out)}
        torch.save(dict(content, state_dict=kept), root / f'{name}.pth')


@pytest.fixture(scope='module')
def runs(folder):
    """The exit code and the output of each run."""
    data = ' '.join(
        f'{split}_dataloader.dataset.data_root={folder}'
        for split in ('train', 'val', 'test')
    )
    small = (
        'train_dataloader.batch_size=2 train_dataloader.dataset.num_val=2 '
        'val_dataloader.dataset.num_val=2 train_dataloader.num_workers=0 '
        'train_dataloader.persistent_workers=False'
    )
    train = 'python tools/train.py'
    test = 'python tools/test.py'
    sgcls, sgdet = TOY / 'sgcls.py', TOY / 'sgdet.py'
    options = f'--work-dir {folder}/runs --cfg-options {data}'
    commands = dict(
        detector_size=f'{train} {sgcls} {options} {small} '
        'model.detector.roi_head.bbox_head.num_classes=2',
        predicate_size=f'{train} {sgcls} {options} {small} '
        'model.relation_head.num_predicates=3 '
        'model.relation_head.frequency_bias=False',
        sets=f'{train} {folder}/shuffled_val.py {options}',
        diverging=f'{train} {sgcls} {options} {small} '
        'optim_wrapper.optimizer.lr=1e30 param_scheduler=None',
        detector=f'{test} {sgdet} {folder}/detector.pth {options}',
        partial=f'{test} {sgdet} {folder}/partial.pth {options}',
        frequency=f'{test} {TOY}/frequency_sgcls.py {folder}/detector.pth '
        f'{options} train_dataloader.dataset.num_val=2',
        names=f'{test} {folder}/shuffled_test.py {folder}/whole.pth {options}',
        old_train=f'{train} {folder}/old.py {options}',
        old_test=f'{test} {folder}/old.py {folder}/whole.pth {options}',
    )
    found = {}
    for name, command in commands.items():
        log = folder / f'{name}.log'
        code = forked.run(command, ROOT, log)
        found[name] = code, log.read_text()
    return found


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        (
            'detector_size',
            r'model\.detector\.roi_head\.bbox_head\.num_classes is 2, but the '
            r'training set \(ToyVGDataset train\) has 12 classes',
        ),
        (
            'predicate_size',
            r'model\.relation_head\.num_predicates is 3, but the training set '
            r'.* has 11 predicates',
        ),
        (
            'sets',
            r"classes\[0\] is 'person' in the training set .*same\.json\), "
            r"'\w+' in the validation set .*shuffled\.json",
        ),
        (
            'names',
            r"classes\[0\] is 'person' in the checkpoint, '\w+' in the test "
            r'set .*shuffled\.json\).*metainfo=',
        ),
        ('detector', r'is of a detector and leaves .* random: relation_head'),
        ('partial', r'model random: relation_head\.predicate_fc is not in it'),
        ('old_train', r"earlier version .*'SceneGraphRCNN'"),
        ('old_test', r"earlier version .*'SceneGraphRCNN'"),
        (
            'diverging',
            r'loss_\w+.* is not finite in iteration \d of epoch 1, on the '
            r'images \S+/\d+\.jpg, \S+/\d+\.jpg;',
        ),
    ],
)
def test_it_is_refused_in_one_sentence(runs, name, message):
    code, output = runs[name]
    assert code == 1, output[-3000:]
    last = output.strip().splitlines()[-1]
    assert re.search(message, last), output[-3000:]


def test_nothing_is_saved_of_a_run_that_diverges(runs, folder):
    assert not [*(folder / 'runs').glob('*.pth')]


def test_a_counted_table_needs_no_checkpoint(runs):
    code, output = runs['frequency']
    assert code == 0, output[-3000:]
    assert 'R@100' in output
