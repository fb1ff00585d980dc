"""``iscrowd=1``: a region to ignore, which is no object of a graph."""

import copy
import json

import numpy as np
import pytest

from mmsgg.datasets import (
    SceneGraphArrays,
    SceneGraphJsonDataset,
    count_relations,
    write_scene_graph_json,
)
from mmsgg.datasets.relation_statistics import scene_graphs_of
from mmsgg.registry import DATASETS, METRICS, MODELS

from .test_coco_relations import SMALL, opened

PIPELINE = [dict(type='LoadRelationAnnotations'), dict(type='PackSGInputs')]


@pytest.fixture
def crowded():
    """The first object of image 3 is a crowd; two relations name it."""
    content = copy.deepcopy(SMALL)
    content['annotations'][0]['iscrowd'] = 1
    content['annotations'][1]['iscrowd'] = 0
    content['annotations'].append(
        dict(id=5, image_id=3, category_id=30, bbox=[2, 2, 5, 5])
    )
    content['relations'].append(
        dict(image_id=3, subject_id=9, object_id=5, predicate_id=2)
    )
    return content


@pytest.fixture
def lines(monkeypatch):
    found = []
    monkeypatch.setattr(
        'mmsgg.datasets.scene_graph_dataset.print_log',
        lambda line, **_: found.append(line),
    )
    return found


def test_items(tmp_path, crowded, lines):
    dataset = opened(tmp_path, crowded)
    assert dataset[1]['instances'] == [
        dict(bbox=[0, 0, 20, 10], bbox_label=0, ignore_flag=0),
        dict(bbox=[2, 2, 7, 7], bbox_label=0, ignore_flag=0),
        dict(bbox=[1, 2, 4, 6.5], bbox_label=1, ignore_flag=1),
    ]
    assert dataset[1]['relations'] == [dict(pair=[0, 1], predicate_label=1)]
    assert dataset.get_cat_ids(1) == [0, 0]
    assert [row['ignore_flag'] for row in dataset[0]['instances']] == [0, 0]
    assert '(1 clipped to their image)' in lines[0]
    assert '3 relations of a region to ignore' in lines[0]
    assert lines[0].endswith('1 regions to ignore')
    subset = dataset.get_subset([1])
    assert subset[0]['instances'] == dataset[1]['instances']
    none = opened(tmp_path, crowded, filter_empty_relations=True)
    assert none[1]['instances'] == dataset[1]['instances']


def test_statistics_do_not_count_them(tmp_path, crowded):
    dataset = opened(tmp_path, crowded)
    counts = count_relations(dataset, must_overlap=False)
    assert counts[1].sum() == counts[:, 1].sum() == 0  # the only hat
    assert counts[0, 0].tolist() == [1, 1, 2]

    # as of a data set that has items only
    class Items:
        metainfo = dataset.metainfo
        get_data_info = dataset.get_data_info

        def __len__(self):
            return len(dataset)

    items = Items()
    assert (count_relations(items, must_overlap=False) == counts).all()
    assert len(scene_graphs_of(items).ignored.boxes) == 1


def test_a_model_is_not_given_them(tmp_path, crowded):
    dataset = DATASETS.build(
        dict(
            type='SceneGraphJsonDataset',
            ann_file=opened(tmp_path, crowded).ann_file,
            image_folders=(),
            pipeline=PIPELINE,
        )
    )
    sample = dataset[1]['data_samples']
    assert len(sample.gt_instances) == 2
    assert len(sample.ignored_instances) == 1
    assert sample.ignored_instances.labels.tolist() == [1]
    assert sample.gt_relations.pairs.tolist() == [[0, 1]]
    head = dict(type='FrequencyRelHead', num_classes=2, num_predicates=2)
    model = MODELS.build(
        dict(type='SceneGraphDetector', task='predcls', relation_head=head)
    ).eval()
    [found] = model.test_step(dict(data_samples=[sample]))
    assert found.pred_instances.labels.tolist() == [0, 0]
    metric = METRICS.build(dict(type='SceneGraphMetric', metrics=['ng-R']))
    metric.dataset_meta = dataset.metainfo
    metric.process({}, [found.to_dict()])
    assert metric.evaluate(size=1)['ng-R@20'] == 1


def test_they_make_the_way_there_and_back(tmp_path, crowded):
    dataset = opened(tmp_path, crowded)
    graphs = dataset.scene_graphs
    both = SceneGraphArrays.concatenate([graphs.take(np.array([1])), graphs])
    assert both.ignored.box_counts.tolist() == [1, 0, 1, 0]
    path = tmp_path / 'again.json'
    write_scene_graph_json(path, graphs, ['cat', 'hat'], ['on', 'under'])
    again = SceneGraphJsonDataset(ann_file=str(path), image_folders=())
    for idx in range(3):
        assert again[idx]['instances'] == dataset[idx]['instances']
        assert again[idx]['relations'] == dataset[idx]['relations']
    entries = json.loads(path.read_text())['annotations']
    assert [entry['iscrowd'] for entry in entries] == [0, 0, 0, 0, 1]


def test_an_object_without_an_area_behind_a_crowd(tmp_path, crowded):
    crowded['annotations'][-1]['bbox'] = [2, 2, 0, 5]
    dataset = opened(tmp_path, crowded, degenerate_boxes='drop')
    boxes = [row['bbox'] for row in dataset[1]['instances']]
    assert boxes == [[0, 0, 20, 10], [1, 2, 4, 6.5]]
    assert dataset[1]['relations'] == []
    assert len(dataset[0]['instances']) == 2


def test_a_crowd_without_an_area(tmp_path, crowded):
    crowded['annotations'][0]['bbox'] = [30, 2, 3, 4]  # outside
    with pytest.raises(ValueError, match=r'annotations\[0\], .* has no area'):
        opened(tmp_path, crowded)
    dataset = opened(tmp_path, crowded, degenerate_boxes='widen')
    assert [row['ignore_flag'] for row in dataset[1]['instances']] == [0, 0]
    crowded['annotations'][0]['iscrowd'] = 'yes'
    with pytest.raises(ValueError, match='iscrowd that is neither 0 nor 1'):
        opened(tmp_path, crowded)
