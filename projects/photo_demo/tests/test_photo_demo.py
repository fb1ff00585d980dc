"""The command, with a detector and a relation model that know nothing."""

import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmdet.datasets import CocoDataset
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import save_checkpoint
from mmengine.structures import InstanceData

import photo_demo
from measure import Score
from mmsgg.datasets import GQA200_CLASSES, VRD_CLASSES
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample
from photo_demo import (
    Detector,
    left_out,
    load_detector,
    load_label_map,
    main,
    parse_args,
)
from tests.folders import ROOT

COCO = CocoDataset.METAINFO['classes']
CONFIG = str(ROOT / 'configs' / 'vrd' / 'linknet_boxes.py')
FOUND = dict(
    boxes=[[0.0, 0, 30, 50], [10, 5, 60, 55], [4, 4, 9, 9]],
    labels=['person', 'couch', 'toothbrush'],
    scores=[0.75, 0.5, 0.5],
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a photo, far from npm and data."""
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((60, 80, 3), np.uint8))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('PATH', '')
    return tmp_path


@pytest.fixture
def weights(project):
    """A relation model, where a training leaves it."""
    init_default_scope('mmsgg')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(CONFIG).model)
    model.init_weights()
    folder = project / 'work_dirs' / 'vrd' / 'linknet_boxes'
    folder.mkdir(parents=True)
    path = folder / 'epoch_12.pth'
    save_checkpoint(dict(meta={}, state_dict=model.state_dict()), str(path))
    return path


@pytest.mark.parametrize(
    ('family', 'classes'), [('vrd', VRD_CLASSES), ('gqa', GQA200_CLASSES)]
)
def test_names_of_coco_are_known(family, classes):
    label_map = load_label_map(f'configs/{family}/linknet_boxes.py')
    known = {*classes, None}
    assert {label_map.get(name, name) for name in COCO} <= known
    assert {*label_map} <= {*COCO} - {*classes}  # no name is bent


def test_a_photo(project, weights, monkeypatch, capsys):
    detector = Detector(COCO, lambda image: FOUND)
    monkeypatch.setattr(photo_demo, 'load_detector', lambda args: detector)
    main(['a.png', '--out-dir', 'out', '--topk', '2'])
    printed = capsys.readouterr().out
    assert 'person' in printed and 'sofa' in printed
    assert 'unknown to the relation model: 1 toothbrush' in printed
    assert (project / 'out' / 'vis' / 'a.jpg').stat().st_size
    assert (project / 'out' / 'preds' / 'a.json').stat().st_size


def test_what_make_vrd_left_is_taken(project, weights):
    assert photo_demo.relation_weights(CONFIG, None).samefile(weights)
    other = project / 'work_dirs' / 'vrd' / "LinkNet, the paper's attention"
    (other / 'seed_0').mkdir(parents=True)
    weights = weights.rename(other / 'seed_0' / weights.name)
    assert photo_demo.relation_weights(CONFIG, None).samefile(weights)


def test_it_trains_where_data_is(project, monkeypatch):
    calls = []
    monkeypatch.setattr(
        photo_demo.subprocess,
        'run',
        lambda command, **_: calls.append(command),
    )
    (project / 'here').mkdir()
    (project / 'here' / 'annotations_train.json').touch()
    photo_demo.relation_weights(CONFIG, project / 'here')
    [command] = calls
    assert command[:1] == [sys.executable] and CONFIG in command
    assert f'train_dataloader.dataset.data_root={project / "here"}' in command


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['b.png'], "there is no photo 'b.png'"),
        (['a.png', '--data-root', 'no'], 'dataset vrd --no-images .docs/vrd'),
        (
            ['a.png', '--config', str(ROOT / 'configs/gqa/linknet_boxes.py')],
            'GQA_200_Test.json.*CC BY 4.0',
        ),
    ],
)
def test_one_sentence(project, monkeypatch, options, message):
    monkeypatch.setattr(photo_demo, 'load_detector', lambda args: None)
    with pytest.raises(SystemExit, match=f'^error: .*{message}'):
        main(options)


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('centernet', 'npm is missing'),
        ('yolo', "no detector 'yolo': name centernet, or one of mmdet"),
        ('mmdet:no-such', "mmdet's 'no-such' does not load"),
    ],
)
def test_detectors_that_cannot_be_had(project, name, message):
    # before the relation model is trained
    with pytest.raises(SystemExit, match=f'^error: .*{message}'):
        main(['a.png', '--detector', name])


def test_left_out():
    label_map = dict(fork=None, couch='sofa')
    assert left_out(['fork', 'couch', 'cup', 'fork'], label_map) == '2 fork'
    assert left_out(['cup'], label_map) == ''


def test_the_notebook_has_its_outputs():
    nbformat = pytest.importorskip('nbformat', reason='nbformat is missing')
    path = ROOT / 'projects' / 'photo_demo' / 'photo_demo.ipynb'
    cells = nbformat.read(path, as_version=4).cells
    outputs = [
        output
        for cell in cells
        if cell.cell_type == 'code'
        for output in cell.outputs
    ]
    kinds = [output.output_type for output in outputs]
    assert kinds == ['stream', 'execute_result'] * 3
    texts = [output.text for output in outputs[::2]]
    assert 'cup on table' in texts[0] and 'person wear tie' in texts[1]
    assert all('image/jpeg' in output.data for output in outputs[1::2])


def test_a_detector_of_mmdet(monkeypatch):
    class Stub:
        model = SimpleNamespace(dataset_meta=dict(classes=('cat', 'hat')))

        def __init__(self, name, weights, **kwargs):
            assert (name, weights) == ('rtmdet-s', 'a.pth')

        def __call__(self, image):
            rows = dict(bboxes=[[1, 2, 3, 4]] * 2, labels=[1, 0])
            return dict(predictions=[rows | dict(scores=[0.5, 0.25])])

    monkeypatch.setattr(photo_demo, 'DetInferencer', Stub)
    options = ['--detector', 'mmdet:rtmdet-s', '--detector-weights', 'a.pth']
    detector = load_detector(parse_args(['a.png', *options]))
    assert detector.classes == ('cat', 'hat')
    assert detector.detect(np.zeros((9, 9, 3), np.uint8)) == dict(
        boxes=[[1, 2, 3, 4]], labels=['hat'], scores=[0.5]
    )


def test_what_is_measured():
    """Two of three objects are found; the detector lacks the third class."""
    boxes = torch.tensor([[0.0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9]])
    truth, found = SGDataSample(), SGDataSample()
    truth.set_metainfo(dict(img_id=1))
    truth.gt_instances = InstanceData(
        bboxes=boxes, labels=torch.tensor([0, 1, 2])
    )
    truth.gt_relations = InstanceData(
        pairs=torch.tensor([[0, 1], [1, 2]]), labels=torch.tensor([0, 0])
    )
    found.pred_instances = InstanceData(
        bboxes=boxes + torch.tensor([[0.0], [1], [9]]),
        labels=torch.tensor([0, 1, 2]),
        scores=torch.ones(3),
    )
    found.pred_relations = InstanceData(
        pairs=torch.tensor([[0, 1], [1, 2]]),
        labels=torch.tensor([0, 0]),
        scores=torch.tensor([0.5, 0.4]),
        predicate_scores=torch.tensor([[0.5, 0.1], [0.4, 0.1]]),
    )
    score = Score(np.array([True, True, False]))
    score.add(truth, found)
    assert score.objects.tolist() == [[2, 3], [2, 2]]
    assert score.pairs.tolist() == [2, 1]
    assert score.row('x') == ['x', '66.7', '100.0', '50.0', '50.0']
