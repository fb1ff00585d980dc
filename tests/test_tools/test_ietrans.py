"""The tool that writes a transferred training file."""

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmsgg.datasets import SceneGraphJsonDataset, write_scene_graph_json
from mmsgg.registry import MODELS

from ..folders import ROOT
from ..scripts import load_tool
from ..test_datasets.test_data_transfer import random_graphs

ietrans = load_tool('dataset_converters/ietrans')
NAMES = dict(
    classes=['cat', 'mat', 'hat'], predicates=['on', 'of', 'by', 'at']
)


def write_model(folder, path):
    """Write a config of a small model of the file, and random weights."""
    cfg = Config.fromfile(ROOT / 'configs' / 'gqa' / 'mlp_boxes.py')
    cfg.model.relation_head.update(
        num_classes=3, num_predicates=4, embed_channels=4, hidden_channels=8
    )
    dataset = dict(
        _delete_=True,
        type='SceneGraphJsonDataset',
        ann_file=str(path),
        image_folders=(),
        pipeline=cfg.test_dataloader.dataset.pipeline,
    )
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset = Config(dataset)._cfg_dict
        loader.dataset.pop('_delete_')
    wrapped = dict(type='BiLevelResampledDataset')
    wrapped['dataset'] = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = wrapped
    cfg.dump(folder / 'model.py')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')


def test_it_writes_a_training_file_and_says_what_moved(tmp_path, capsys):
    graphs = random_graphs(0)
    source, out = tmp_path / 'train.json', tmp_path / 'more' / 'new.json'
    write_scene_graph_json(source, graphs, **NAMES)
    write_model(tmp_path, source)
    argv = [str(tmp_path / 'model.py'), str(tmp_path / 'model.pth'), str(out)]
    ietrans.main([*argv, '--num-frequent', '1'])
    new = SceneGraphJsonDataset(ann_file=str(out), image_folders=())
    assert new.metainfo['predicates'] == tuple(NAMES['predicates'])
    found = new.scene_graphs
    np.testing.assert_allclose(found.boxes, graphs.boxes, atol=1e-4)
    assert (found.labels == graphs.labels).all()
    # what was there is there, perhaps as another predicate, and more
    rows = []
    for image in range(len(graphs)):
        start, end = graphs.relation_starts[image : image + 2]
        first = found.relation_starts[image]
        rows += range(first, first + end - start)
        assert found.relation_counts[image] >= end - start
    assert (found.pairs[rows] == graphs.pairs).all()
    changed = (found.predicates[rows] != graphs.predicates).sum()
    added = len(found.pairs) - len(rows)
    assert changed and added
    text = capsys.readouterr().out
    lines = [
        line.split('|')[1:-1] for line in text.splitlines() if '|' in line
    ]
    table = {name.strip(): [*map(int, cells)] for name, *cells in lines[1:]}
    assert table['all'] == [
        len(rows),
        changed,
        -changed,
        added,
        len(found.pairs),
    ]
    for k, name in enumerate(NAMES['predicates']):
        was, gained, lost, more, now = table[name]
        assert was == (graphs.predicates == k).sum()
        assert now == (found.predicates == k).sum()
        assert was + gained + lost + more == now
    assert table['on'][3] == 0  # the most frequent gets no pair


def test_no_image_is_judged_in_the_place_of_another(tmp_path):
    source = tmp_path / 'train.json'
    write_scene_graph_json(source, random_graphs(0), **NAMES)
    write_model(tmp_path, source)
    cfg = Config.fromfile(tmp_path / 'model.py')
    cfg.test_dataloader.dataset.pipeline.insert(
        0, dict(type='LoadImageFromFile')
    )
    cfg.train_dataloader.dataset.dataset.skip_broken_images = True
    with pytest.raises(FileNotFoundError, match='there is no image'):
        ietrans.training_loader(cfg).dataset[0]


def test_without_shares_the_file_says_the_same(tmp_path):
    source, out = tmp_path / 'train.json', tmp_path / 'new.json'
    write_scene_graph_json(source, random_graphs(0), **NAMES)
    write_model(tmp_path, source)
    argv = [str(tmp_path / 'model.py'), str(tmp_path / 'model.pth'), str(out)]
    ietrans.main([*argv, '--internal', '0', '--external', '0'])
    assert out.read_text() == source.read_text()
