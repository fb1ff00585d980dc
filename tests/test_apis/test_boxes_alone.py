"""A model that opens no image takes the boxes of any detector."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import save_checkpoint
from mmengine.structures import InstanceData

from mmsgg.apis import SGGInferencer
from mmsgg.datasets import VRD_CLASSES
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample

from ..folders import ROOT

CONFIGS = ROOT / 'configs'
BOXES = [[0.5, 0, 40, 60], [10, 20, 90, 60], [30, 5, 70, 33]]
LABELS = ['person', 'bike', 'hat']
SCORES = [0.875, 0.5, 0.25]  # no rounding in float32


def trained(folder, name):
    """A config, and a checkpoint as its training would leave one."""
    init_default_scope('mmsgg')
    config = CONFIGS / name
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(config).model)
    model.init_weights()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.1)
    weights = folder / f'{config.stem}.pth'
    save_checkpoint(dict(meta={}, state_dict=model.state_dict()), str(weights))
    return config, weights


@pytest.fixture(scope='module')
def vrd(tmp_path_factory):
    config, weights = trained(
        tmp_path_factory.mktemp('vrd'), 'vrd/linknet_boxes.py'
    )
    return SGGInferencer(config, weights, device='cpu', show_progress=False)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'photo.png'
    cv2.imwrite(str(path), np.zeros((60, 100, 3), np.uint8))
    return path


def predict(inferencer, image, **kwargs):
    found = inferencer(image, return_datasamples=True, **kwargs)
    return found['predictions'][0]


def test_it_is_what_the_model_says(vrd, photo):
    found = predict(vrd, photo, boxes=BOXES, labels=LABELS)
    sample = SGDataSample(
        metainfo=dict(img_shape=(60, 100), ori_shape=(60, 100))
    )
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor(BOXES),
        labels=torch.tensor([VRD_CLASSES.index(name) for name in LABELS]),
    )
    with torch.no_grad():
        [expected] = vrd.model.predict(None, [sample])
    assert len(expected.pred_relations) == 6  # the pairs are not given
    for name in ('pairs', 'labels', 'scores', 'predicate_scores'):
        torch.testing.assert_close(
            found.pred_relations[name], expected.pred_relations[name]
        )
    assert len(found.pred_relations.scores.unique()) == 6
    assert found.pred_instances.bboxes.tolist() == BOXES


def test_all_kinds_of_input_agree(vrd, photo, tmp_path):
    given = dict(boxes=BOXES, labels=LABELS)
    [one] = vrd(photo, out_dir=tmp_path / 'out', **given)['predictions']
    array = cv2.imread(str(photo))
    several = {key: [value] * 2 for key, value in given.items()}
    many = vrd([photo, array], 2, **several)['predictions']
    for graph in many:
        for ours, theirs in zip(
            graph['triplets'], one['triplets'], strict=True
        ):
            near = pytest.approx(theirs['score'], rel=1e-3)
            assert ours == theirs | dict(score=near)
    assert (tmp_path / 'out' / 'vis' / 'photo.jpg').stat().st_size
    numbers = [VRD_CLASSES.index(name) for name in LABELS]
    for labels in (numbers, np.array(numbers), torch.tensor(numbers)):
        same = vrd(photo, boxes=BOXES, labels=labels)['predictions']
        assert same == [one]


def test_detections_of_a_file_are_not_asked_for(photo, tmp_path):
    config, weights = trained(tmp_path, 'vrd/linknet_boxes_detections.py')
    inferencer = SGGInferencer(config, weights, device='cpu')
    found = predict(inferencer, photo, boxes=BOXES, labels=LABELS)
    assert len(found.pred_relations) == 6


@pytest.mark.parametrize('of_pixels', [False, True])
def test_scores_count(vrd, inferencer, photo, of_pixels):
    model = inferencer if of_pixels else vrd
    labels = [3, 5, 3]
    certain = predict(model, photo, boxes=BOXES, labels=labels)
    found = predict(model, photo, boxes=BOXES, labels=labels, scores=SCORES)
    assert found.pred_instances.scores.tolist() == SCORES
    assert certain.pred_instances.scores.tolist() == [1, 1, 1]

    def by_pair(sample):
        rows = sample.pred_relations
        return dict(zip(map(tuple, rows.pairs.tolist()), rows, strict=True))

    plain, weighted = by_pair(certain), by_pair(found)
    assert len(plain) == 6
    for (s, o), relation in weighted.items():
        expected = SCORES[s] * SCORES[o] * plain[s, o].scores
        torch.testing.assert_close(relation.scores, expected)
        assert relation.labels == plain[s, o].labels


def test_names_are_translated(vrd, photo):
    expected = vrd(photo, boxes=BOXES[::2], labels=LABELS[::2], scores=[1, 0])
    found = vrd(
        photo,
        boxes=BOXES,
        labels=['man', 'toothbrush', 'hat'],
        scores=[1, 0.5, 0],
        label_map={'man': 'person', 'toothbrush': None, 'bike': 'hat'},
    )
    assert found['predictions'] == expected['predictions']
    numbered = vrd(
        photo, boxes=BOXES, labels=[7, 8, 9], label_map={7: 0, 8: 'hat', 9: 0}
    )
    names = [item['name'] for item in numbered['predictions'][0]['objects']]
    assert names == ['person', 'hat', 'person']


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (dict(), 'has no detector and takes boxes and labels'),
        (dict(task='sgdet', boxes=BOXES, labels=LABELS), 'has no detector'),
        (dict(boxes=BOXES), "not 'sgcls': give the classes of the boxes too"),
        (
            dict(boxes=BOXES, labels=['man', 'bike', 'chiar']),
            r"photo.png': unknown class 'chiar'; near it: chair, .*'man'; "
            r'.*\(label_map={name: class} translates',
        ),
        (
            dict(boxes=BOXES, labels=LABELS, label_map={'hat': 'hut'}),
            "unknown class 'hut'; near it: hat",
        ),
        (dict(boxes=BOXES, labels=LABELS, scores=[1]), r'shape \(1,\)'),
        (dict(boxes=BOXES, labels=LABELS, scores=[0, 1, 80]), 'from 0 to 80'),
        (
            dict(boxes=BOXES, labels=LABELS, scores=[0, 1, float('nan')]),
            'not from 0 to 1',
        ),
    ],
)
def test_what_does_not_fit(vrd, photo, given, message):
    with pytest.raises(ValueError, match=message):
        vrd(photo, **given)


def test_one_entry_of_scores_an_image(vrd, photo):
    several = dict(boxes=[BOXES] * 2, labels=[LABELS] * 2)
    with pytest.raises(ValueError, match='2 images, but scores for 3'):
        vrd([photo] * 2, scores=SCORES, **several)
    one, two = vrd([photo] * 2, scores=[SCORES, None], **several)[
        'predictions'
    ]
    assert [item['score'] for item in one['objects']] == SCORES
    assert [item['score'] for item in two['objects']] == [1, 1, 1]
