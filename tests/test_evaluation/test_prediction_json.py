import numpy as np
import pytest

from mmsgg.evaluation import (
    graph_to_dict,
    read_scene_graphs,
    write_scene_graphs,
)

from .test_metrics.random_graphs import make_sample


def random_sample(num_objects: int, scored: bool = False) -> dict:
    rng = np.random.default_rng(num_objects)
    sample = make_sample(rng, num_objects, 2, num_objects, scored, False)
    return dict(
        sample, img_id=num_objects, ori_shape=(30, 40), img_path='x/ä.jpg'
    )


def test_round_trip(tmp_path):
    path = tmp_path / 'graphs.json'
    for sizes in ((), (4,), (0, 1, 5)):
        graphs = [
            graph_to_dict(random_sample(n), ['cat', 'hat'], ['on', 'in', 'by'])
            for n in sizes
        ]
        write_scene_graphs(path, iter(graphs))
        assert read_scene_graphs(path) == graphs


def test_entry_holds_what_was_predicted():
    sample = random_sample(5)
    objects, relations = sample['pred_instances'], sample['pred_relations']
    graph = graph_to_dict(sample, topk=7)
    assert (graph['id'], graph['file_name']) == (5, 'ä.jpg')
    assert (graph['width'], graph['height']) == (40, 30)
    assert [o['id'] for o in graph['objects']] == list(range(5))
    assert [o['box'] for o in graph['objects']] == objects['bboxes'].tolist()
    assert [o['label'] for o in graph['objects']] == objects['labels'].tolist()
    assert {o['name'] for o in graph['objects']} == {None}
    num_pairs = len(relations['pairs'])
    assert len(graph['triplets']) == min(7, num_pairs) > 0
    for row, item in enumerate(graph['triplets']):  # in the order given
        pair = [item['subject_id'], item['object_id']]
        assert pair == relations['pairs'][row].tolist()
        best = relations['predicate_scores'][row]
        assert item['label'] == best.argmax()
        expected = objects['scores'][pair].prod() * best.max()
        assert item['score'] == pytest.approx(expected)


def test_threshold_and_predicates_of_a_pair():
    sample = random_sample(5)
    every = graph_to_dict(sample, topk=999, predicates_per_pair=3)['triplets']
    assert len(every) == sample['pred_relations']['predicate_scores'].size
    scores = [item['score'] for item in every]
    assert scores == sorted(scores, reverse=True)
    some = graph_to_dict(
        sample, topk=999, predicates_per_pair=3, score_thr=0.25
    )
    kept = [item for item in every if item['score'] >= 0.25]
    assert some['triplets'] == kept
    assert 0 < len(kept) < len(every)


def test_sample_without_meta_data():
    sample = make_sample(np.random.default_rng(0), 2, 0, 2, False, False)
    graph = graph_to_dict(sample)
    assert [graph[key] for key in ('id', 'file_name', 'width', 'height')] == [
        None
    ] * 4


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"format": ', 'cannot read JSON'),
        ('[1, 2]', 'has no "format"'),
        ('{"format": "coco"}', 'has no "format"'),
        ('{"format": "mmsgg-scene-graphs", "version": 2}', 'version 2'),
        (
            '{"format": "mmsgg-scene-graphs", "version": 1, "images": '
            '[{"objects": [{"id": 0}], "triplets": '
            '[{"subject_id": 0, "object_id": 1}]}]}',
            r'image 0: the triplet .* is not there',
        ),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, text, message):
    path = tmp_path / 'graphs.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        read_scene_graphs(path)
    assert 'graphs.json' in str(error.value)


@pytest.mark.parametrize('name', ['a\nb', 'nul\0', '\ud800', '\u72ac'])
def test_odd_names_stay_as_they_are(tmp_path, name):
    graph = dict(objects=[dict(id=0, name=name)], triplets=[])
    write_scene_graphs(tmp_path / 'graphs.json', [graph])
    assert read_scene_graphs(tmp_path / 'graphs.json') == [graph]


def test_nan_is_refused(tmp_path):
    sample = random_sample(2)
    sample['pred_instances']['scores'] = np.array([np.nan, 1.0])
    with pytest.raises(ValueError, match='JSON'):
        write_scene_graphs(tmp_path / 'g.json', [graph_to_dict(sample)])
