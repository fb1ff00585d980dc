import json
import shutil
import warnings
from pathlib import Path

import cv2
import mmcv
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from mmsgg.apis import SGGInferencer, filter_graph
from mmsgg.apis.exports import to_triples
from mmsgg.datasets import TOY_CLASSES, TOY_PREDICATES
from mmsgg.evaluation import read_scene_graphs
from mmsgg.registry import DATASETS, INFERENCERS
from mmsgg.structures import SGDataSample

from ..folders import DATA
from ..toy_model import CONFIG, write_checkpoint

PHOTOS = DATA / 'vrd' / 'images'
ALL = 10**6


def boxes_of(graph):
    return np.array([item['box'] for item in graph['objects']])


def assert_alike(graph, other):
    """Equal up to the last digits of boxes and scores."""
    assert [t['name'] for t in graph['triplets']] == [
        t['name'] for t in other['triplets']
    ]
    for key in ('objects', 'triplets'):
        assert [item['score'] for item in graph[key]] == pytest.approx(
            [item['score'] for item in other[key]], rel=1e-3
        )
    assert boxes_of(graph) == pytest.approx(boxes_of(other), abs=0.02)


@pytest.fixture
def graph(inferencer, images):
    """All that is predicted for the first image."""
    [graph] = inferencer(images[0], topk=ALL)['predictions']
    assert len(graph['objects']) > 2
    assert len(graph['triplets']) > 4
    return graph


def test_the_checkpoint_is_enough(inferencer, graph, images):
    meta = inferencer.model.dataset_meta
    assert meta['classes'] == TOY_CLASSES
    assert meta['predicates'] == TOY_PREDICATES
    assert graph['file_name'] == Path(images[0]).name
    height, width = cv2.imread(images[0]).shape[:2]
    assert (graph['width'], graph['height']) == (width, height)
    for item in graph['objects']:
        assert item['name'] == TOY_CLASSES[item['label']]
    for item in graph['triplets']:
        assert item['name'] == TOY_PREDICATES[item['label']]
    boxes = boxes_of(graph)
    assert (boxes >= 0).all()
    assert (boxes <= [width, height, width, height]).all()
    scores = [item['score'] for item in graph['triplets']]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) > 4


@pytest.mark.parametrize('task', ['predcls', 'sgcls', 'sgdet'])
def test_it_is_what_testing_predicts(inferencer, data_root, task):
    """Against the data set's own pipeline and annotations."""
    cfg = Config.fromfile(CONFIG).test_dataloader.dataset
    cfg.data_root = str(data_root)
    dataset = DATASETS.build(cfg)
    model = inferencer.model
    for index in range(len(dataset)):
        item = dataset[index]
        truth = item['data_samples'].gt_instances
        data = model.data_preprocessor(pseudo_collate([item]))
        with torch.no_grad():
            [expected] = model.predict(*data.values(), task=task)
        given = {}
        if task != 'sgdet':
            given['boxes'] = truth.bboxes
        if task == 'predcls':
            given['labels'] = [TOY_CLASSES[i] for i in truth.labels]
        [found] = inferencer(
            expected.img_path, topk=ALL, return_datasamples=True, **given
        )['predictions']
        assert isinstance(found, SGDataSample)
        assert len(found.pred_instances) == len(expected.pred_instances)
        for field, names in (
            ('pred_instances', ('bboxes', 'labels', 'scores')),
            ('pred_relations', ('pairs', 'predicate_scores', 'scores')),
        ):
            for name in names:
                torch.testing.assert_close(
                    found.get(field)[name], expected.get(field)[name]
                )


def test_all_kinds_of_input_agree(inferencer, images, graph, tmp_path):
    pixels = [cv2.imread(path) for path in images]
    for name in images:
        shutil.copy(name, tmp_path)
    expected = [inferencer(path)['predictions'][0] for path in images]
    assert inferencer(Path(images[0]))['predictions'] == expected[:1]
    for inputs in (images, tuple(images), pixels, tmp_path, str(tmp_path)):
        for batch_size in (1, 2):
            found = inferencer(inputs, batch_size)['predictions']
            for one, other in zip(found, expected, strict=True):
                assert_alike(one, other)
    assert inferencer([])['predictions'] == []


def test_wishes_are_those_of_filter_graph(inferencer, images):
    changed = set()
    for image in images:
        [graph] = inferencer(image, topk=ALL)['predictions']
        best = graph['triplets'][0]
        half = graph['triplets'][len(graph['triplets']) // 2]
        wishes = [
            # dicts round scores: stay off the edge
            dict(score_thr=half['score'] * 0.9999),
            dict(topk=3),
            dict(classes=[graph['objects'][0]['name'], 11]),
            dict(predicates=[best['name']]),
            dict(merge_iou=0.2),
        ]
        for wish in wishes:
            options = dict(topk=ALL) | wish
            [found] = inferencer(image, **options)['predictions']
            expected = filter_graph(graph, **wish)
            assert_alike(found, expected)
            if expected != graph:
                changed |= set(wish)
        [default] = inferencer(image)['predictions']
        assert_alike(default, filter_graph(graph, topk=100))
    assert changed == {
        'score_thr',
        'topk',
        'classes',
        'predicates',
        'merge_iou',
    }


@pytest.mark.parametrize(
    ('wishes', 'expected'),
    [
        ({}, 100),
        (dict(topk=3, score_thr=0.1), 3),
        (dict(classes=[0]), None),  # makes room for what is behind
        (dict(predicates=[0]), None),
        (dict(merge_iou=0.5), None),
    ],
)
def test_only_triplets_that_are_asked_for_are_searched(
    inferencer, images, monkeypatch, wishes, expected
):
    calls, predict = [], inferencer.model.predict

    def watch(*args, **kwargs):
        calls.append(kwargs['max_triplets'])
        return predict(*args, **kwargs)

    monkeypatch.setattr(inferencer.model, 'predict', watch)
    [graph] = inferencer(images[0], **wishes)['predictions']
    assert calls == [expected]
    monkeypatch.setattr(
        inferencer.model,
        'predict',
        lambda *args, **kwargs: predict(
            *args, **dict(kwargs, max_triplets=None)
        ),
    )
    [whole] = inferencer(images[0], **wishes)['predictions']
    assert_alike(graph, whole)


def test_the_task_comes_and_goes(inferencer, images):
    boxes, labels = [[5, 5, 40, 40], [20, 30, 60, 70]], ['dog', 9]
    [known] = inferencer(images[0], boxes=boxes, labels=labels)['predictions']
    assert [item['name'] for item in known['objects']] == ['dog', 'table']
    assert [item['score'] for item in known['objects']] == [1, 1]
    assert boxes_of(known) == pytest.approx(np.array(boxes))
    [unknown] = inferencer(images[0], boxes=boxes)['predictions']
    assert unknown['objects'][0]['score'] < 1
    [same] = inferencer(images[0], boxes=boxes, labels=labels, task='sgcls')[
        'predictions'
    ]
    assert same == unknown
    assert inferencer.model.task == 'sgdet'
    with pytest.raises(ValueError, match='reaches out'):
        inferencer(images[0], boxes=[[0, 0, 9, 5000]])
    assert inferencer.model.task == 'sgdet'


@pytest.mark.parametrize('task', ['predcls', 'sgcls', 'sgdet'])
def test_a_distorted_image_is_the_same_in_its_own_pixels(
    inferencer, images, monkeypatch, task
):
    """The model sees one input; width and height have scales of their own."""
    size = (96, 64)
    for transform in inferencer.pipeline.transforms:
        if type(transform).__name__ == 'Resize':
            monkeypatch.setattr(transform, 'keep_ratio', False)
            monkeypatch.setattr(transform, 'scale', size)
    image = cv2.imread(images[0])
    height, width = image.shape[:2]
    assert size[0] / width != pytest.approx(size[1] / height, rel=0.1)
    scale = np.array((size[0] / width, size[1] / height) * 2)
    boxes = np.array([[5.0, 5, 40, 40], [20, 30, 60, 70], [1, 2, 90, 30]])

    def run(picture, given):
        kwargs = {} if task == 'sgdet' else dict(boxes=given)
        if task == 'predcls':
            kwargs['labels'] = ['dog', 9, 9]
        results = inferencer(picture, topk=ALL, **kwargs)
        return results['predictions'][0]

    ours = run(image, boxes)
    plain = run(mmcv.imresize(image, size), boxes * scale)
    found = boxes_of(ours)
    assert found * scale == pytest.approx(boxes_of(plain), abs=0.02)
    if task != 'sgdet':
        assert found == pytest.approx(boxes, abs=0.02)
    assert [t['name'] for t in ours['triplets']] == [
        t['name'] for t in plain['triplets']
    ]
    assert [t['score'] for t in ours['triplets']] == pytest.approx(
        [t['score'] for t in plain['triplets']], rel=1e-3
    )


@pytest.mark.parametrize('num', [0, 1])
def test_few_boxes(inferencer, images, num, tmp_path):
    boxes, labels = [[5, 5, 40, 40]][:num], ['dog'][:num]
    for given in (dict(boxes=boxes), dict(boxes=boxes, labels=labels)):
        results = inferencer(images[0], out_dir=tmp_path, **given)
        [graph] = results['predictions']
        assert len(graph['objects']) == num
        assert graph['triplets'] == []
    # one image without boxes beside one with some
    found = inferencer(
        images[:2], 2, boxes=[boxes, [[5, 5, 40, 40], [9, 9, 60, 60]]]
    )['predictions']
    assert [len(graph['objects']) for graph in found] == [num, 2]


def test_files(inferencer, images, tmp_path):
    first = cv2.imread(images[0])
    results = inferencer(
        [images[0], first, images[0]],
        out_dir=tmp_path,
        export=['json', 'txt'],
        topk=5,
        return_vis=True,
    )
    stem = Path(images[0]).stem
    pictures = sorted(tmp_path.glob('vis/*.jpg'))
    assert len(pictures) == 3
    assert {stem, f'{stem}_2'} < {path.stem for path in pictures}
    # an array is BGR, as mmdet has it
    one, other, _ = results['visualization']
    assert np.array_equal(one, other)
    for graph, name in zip(
        results['predictions'][::2], (stem, f'{stem}_2'), strict=True
    ):
        path = tmp_path / 'preds' / f'{name}.json'
        assert read_scene_graphs(path) == [graph]
        lines = path.with_suffix('.txt').read_text().splitlines()
        assert len(lines) == len(graph['triplets']) == 5
    assert len(list(tmp_path.glob('preds/*'))) == 6
    inferencer(
        first, out_dir=tmp_path / 'no', no_save_vis=True, no_save_pred=True
    )
    assert not (tmp_path / 'no').exists()


def test_the_picture_follows_the_wishes(inferencer, images, monkeypatch):
    seen = []

    def draw(name, image, data_sample, **kwargs):
        limits = kwargs['topk_relations'], kwargs['relation_score_thr']
        seen.append((*limits, len(data_sample.pred_relations)))
        assert 'gt_instances' not in data_sample
        assert not kwargs['draw_gt']

    monkeypatch.setattr(inferencer.visualizer, 'add_datasample', draw)
    inferencer(images[0], show=True)
    inferencer(images[0], show=True, topk=4, score_thr=0.0)
    inferencer(images[0], show=True)
    assert seen[0] == seen[2]
    assert seen[0][:2] == (None, None)  # what the config says
    assert seen[1] == (4, 0.0, 4)


def test_print_result(inferencer, images, capsys):
    [graph] = inferencer(images[0], topk=2, print_result=True)['predictions']
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"'{images[0]}':"
    assert lines[1:] == to_triples(graph).splitlines()
    assert len(lines) == 3
    inferencer(images[0], boxes=[], print_result=True)
    assert 'no relation' in capsys.readouterr().out


def test_a_broken_image_loses_no_other(inferencer, images, tmp_path):
    for name in images:
        shutil.copy(name, tmp_path)
    broken = tmp_path / '0.JPG'
    broken.write_text('no image')
    thin = tmp_path / 'thin.png'
    cv2.imwrite(str(thin), np.zeros((1, 2000, 3), np.uint8))
    with pytest.warns(UserWarning, match=r'2 of 5 images did not load') as log:
        results = inferencer(tmp_path, 2, out_dir=tmp_path / 'out')
    [message] = [str(w.message) for w in log if 'load' in str(w.message)]
    assert str(broken) in message
    assert set(results['failed']) == {str(broken), str(thin)}
    assert [graph['file_name'] for graph in results['predictions']] == [
        Path(name).name for name in images
    ]
    with pytest.raises(ValueError, match=r'0\.JPG'):
        inferencer([*images, broken])
    narrow = r'thin\.png.* has 2000 x 1 pixels, which is too narrow'
    with pytest.raises(ValueError, match=narrow) as error:
        inferencer(thin)
    assert 'OpenCV' not in str(error.value)
    with pytest.raises(FileNotFoundError, match=r'nowhere\.jpg'):
        inferencer(str(tmp_path / 'nowhere.jpg'))
    for name in images:
        (tmp_path / Path(name).name).unlink()
    with pytest.raises(ValueError, match='2 of 2 images did not load'):
        inferencer(tmp_path)


@pytest.mark.parametrize(
    ('wishes', 'message'),
    [
        (dict(batch_size=0), 'at least 1, topk at least 0; not 0 and None'),
        (dict(topk=-1), 'at least 0; not 1 and -1'),
        (dict(labels=['dog']), 'labels need boxes'),
        (dict(task='sgcls'), "'sgcls' needs boxes"),
        (dict(task='predcls', boxes=[]), 'needs the labels'),
        (dict(task='sgdat'), "unknown task 'sgdat'"),
        (dict(classes=['dgo']), "unknown class 'dgo'; near it: dog"),
        (dict(predicates=[11]), 'no predicate 11'),
        (dict(boxes=[[1, 2, 9, 9]], labels=['hot dog']), 'of .*unknown class'),
        (dict(boxes=[[1, 2, 9, 9]], labels=[]), 'has 1 boxes, but 0 labels'),
    ],
)
def test_what_does_not_fit(inferencer, images, wishes, message):
    with pytest.raises(ValueError, match=message):
        inferencer(images[0], **wishes)


def test_boxes_are_counted(inferencer, images):
    with pytest.raises(ValueError, match='there are 3 images, but boxes for'):
        inferencer(images, boxes=[[[1, 2, 9, 9]]])
    with pytest.raises(ValueError, match='needs labels for each image'):
        inferencer(
            images[:2],
            boxes=[[[1, 2, 9, 9]]] * 2,
            labels=[['dog'], None],
        )


def test_what_cannot_be_drawn_costs_no_results(
    inferencer, images, tmp_path, monkeypatch
):
    def fail(*args, **kwargs):
        raise RuntimeError('no display')

    monkeypatch.setattr(inferencer.visualizer, 'show', fail)
    with pytest.raises(RuntimeError, match='no display'):
        inferencer(images[0], show=True, out_dir=tmp_path)
    assert [*(tmp_path / 'preds').iterdir()]


def test_limits_are_settings(inferencer, images, monkeypatch):
    monkeypatch.setattr(inferencer, 'max_objects', 1)
    with pytest.raises(ValueError, match='are 2; at most 1 are taken'):
        inferencer(images[0], boxes=[[1, 2, 9, 9]] * 2)
    monkeypatch.setattr(inferencer, 'max_pixels', 99)
    with pytest.raises(ValueError, match=r'jpg.* pixels, .*; at most'):
        inferencer(images[0])


@pytest.mark.parametrize('size', [(1, 1), (1, 250), (250, 1), (3, 700)])
def test_small_and_narrow_images(inferencer, size):
    """The toy models resize to 128 pixels."""
    image = np.full((*size, 3), 99, np.uint8)
    results = inferencer(image, return_vis=True)
    assert results['predictions'][0]['width'] == size[1]
    assert results['visualization'][0].size


def test_models_that_do_not_fit(checkpoint, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'near it: .*sgdet\.py'):
        SGGInferencer(str(CONFIG.with_name('sgdat.py')))
    with pytest.raises(FileNotFoundError, match=r'nowhere\.pth'):
        SGGInferencer(CONFIG, tmp_path / 'nowhere.pth')
    with pytest.raises(ValueError, match='no relation_head'):
        SGGInferencer(CONFIG.with_name('faster-rcnn_r18.py'))
    cfg = Config.fromfile(CONFIG)
    cfg.model.relation_head.num_predicates = 50
    with pytest.raises(ValueError, match='names 11 predicates'):
        SGGInferencer(cfg, checkpoint)


def test_names_without_dataset_meta(tmp_path):
    """The config's test set says them; nothing of it is opened."""
    path = write_checkpoint(tmp_path / 'bare.pth', dataset_meta=False)
    with warnings.catch_warnings():
        warnings.simplefilter('error', UserWarning)
        bare = SGGInferencer(str(CONFIG), path)
    assert bare.model.dataset_meta['predicates'] == TOY_PREDICATES


def test_a_detector_is_no_relation_head(checkpoint, tmp_path):
    weights = torch.load(checkpoint, weights_only=False)
    weights['state_dict'] = {
        key: value
        for key, value in weights['state_dict'].items()
        if not key.startswith('relation_head')
    }
    torch.save(weights, tmp_path / 'detector.pth')
    with pytest.raises(ValueError, match=r'is of a detector.*relation_head'):
        SGGInferencer(weights=tmp_path / 'detector.pth')
    torch.save({}, tmp_path / 'empty.pth')
    with pytest.raises(ValueError, match=r'random: detector\.backbone'):
        SGGInferencer(CONFIG, tmp_path / 'empty.pth')


def test_a_checkpoint_that_lacks_a_layer_is_refused(checkpoint, tmp_path):
    weights = torch.load(checkpoint)
    for key in [k for k in weights['state_dict'] if 'predicate_fc' in k]:
        del weights['state_dict'][key]
    torch.save(weights, tmp_path / 'partial.pth')
    with pytest.raises(ValueError, match=r'random: .*predicate_fc is not in'):
        SGGInferencer(weights=tmp_path / 'partial.pth')


def test_it_is_built_by_name(checkpoint):
    init_default_scope('mmsgg')
    built = INFERENCERS.build(
        dict(type='SGGInferencer', weights=str(checkpoint))
    )
    assert isinstance(built, SGGInferencer)


@pytest.mark.skipif(not PHOTOS.is_dir(), reason=f'no photographs in {PHOTOS}')
def test_photographs(inferencer, tmp_path):
    photos = sorted(PHOTOS.glob('*.jpg'))[:3]
    results = inferencer(photos, 3, out_dir=tmp_path, topk=20)
    assert len(list(tmp_path.glob('vis/*.jpg'))) == 3
    for path, graph in zip(photos, results['predictions'], strict=True):
        height, width = cv2.imread(str(path)).shape[:2]
        assert (graph['width'], graph['height']) == (width, height)
        boxes = boxes_of(graph)
        assert len(boxes)
        assert (boxes >= 0).all()
        assert (boxes <= [width, height, width, height]).all()
        assert ((boxes[:, 2:] - boxes[:, :2]).max(0) > 20).all()
        saved = json.loads(
            (tmp_path / 'preds' / f'{path.stem}.json').read_text()
        )
        assert saved['images'] == [graph]


def test_formats_are_checked_before_the_model_runs(
    inferencer, images, tmp_path, monkeypatch
):
    monkeypatch.setenv('PATH', '')
    monkeypatch.setattr(inferencer, 'forward', None)
    for ending, error, message in (
        ('svg', FileNotFoundError, 'apt install graphviz'),
        ('png', ValueError, r'\.png.*none of \.json'),
    ):
        with pytest.raises(error, match=message):
            inferencer(images[0], out_dir=tmp_path, export=['json', ending])
    assert not any(tmp_path.iterdir())


def test_a_config_of_the_first_version_is_explained(checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=False)
    cfg = content['meta']['cfg'].replace(
        'SceneGraphDetector', 'SceneGraphRCNN'
    )
    content['meta']['cfg'] = cfg
    path = tmp_path / 'old.pth'
    torch.save(content, path)
    with pytest.raises(ValueError, match=r'earlier version.*name a config'):
        SGGInferencer(weights=path, device='cpu')
