"""A converted detector against the slow one on the weights as they were."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample

from . import slow_motifs_detector as slow
from .command import command
from .linknet_pytorch import Widths, detector_shapes, random_weights

CONFIG = Path(__file__).parents[3] / 'configs/linknet/compat/sgdet.py'
WIDTHS = Widths(classes=5, rpn=16, fc=24, fmap=8)
HEIGHT, WIDTH = 90, 128  # of the image, on a square of 128
CLOSE = dict(atol=2e-3, rtol=0)  # pixels


@pytest.fixture(scope='module')
def source():
    weights = random_weights(detector_shapes(WIDTHS), seed=1)
    # moderate moves, but for one anchor that grows beyond all bounds
    rpn = [weights[f'rpn_head.conv.2.{k}'] for k in ('weight', 'bias')]
    for values in rpn:
        six = values.unflatten(0, (-1, 6))
        six[:, 2:] *= 0.1
        six[:, :2] *= 0.3
        six[7, 2:] *= 10
    for key in ('score_fc', 'bbox_fc'):
        weights[f'{key}.weight'] *= 0.1
        weights[f'{key}.bias'] *= 0.2
    return weights


@pytest.fixture
def model(source):
    cfg = Config.fromfile(CONFIG).model
    cfg.detector.rpn_head.feat_channels = WIDTHS.rpn
    cfg.detector.roi_head.bbox_head.num_classes = WIDTHS.classes
    cfg.detector.roi_head.bbox_head.fc67.out_channels = WIDTHS.fc
    cfg.relation_head = dict(
        type='FrequencyRelHead', num_classes=WIDTHS.classes, num_predicates=2
    )
    cfg.detector.test_cfg.rpn.max_per_img = 60
    cfg.object_source.score_thr = 0.2
    model = MODELS.build(cfg).eval()
    weights = command.convert_linknet_pytorch(source).state_dict
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert missing == ['relation_head.frequency_bias.table.weight']
    assert not unexpected
    return model


@pytest.fixture(scope='module')
def image():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(1, 3, 128, 128, generator=generator)


@pytest.fixture(scope='module')
def fmap(source, image):
    return slow.feature_map(source, image)


@pytest.fixture(scope='module')
def expected_proposals(source, fmap):
    return slow.proposals(source, fmap, HEIGHT, WIDTH)


def sample():
    return SGDataSample(metainfo=dict(img_shape=(HEIGHT, WIDTH)))


@torch.no_grad()
def test_feature_map(model, image, fmap):
    [ours] = model.extract_feat(image)
    assert ours.shape == (1, 512, 8, 8)
    torch.testing.assert_close(ours, fmap, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_proposals_before_nms(model, fmap, expected_proposals):
    model.detector.rpn_head.test_cfg.update(
        nms_pre=-1, max_per_img=10**6, nms=dict(type='nms', iou_threshold=1.0)
    )
    rpn_head = model.detector.rpn_head
    [ours] = rpn_head.predict((fmap,), [sample()], rescale=False)
    boxes, scores = map(torch.tensor, expected_proposals)
    fit = scores > 0
    assert 100 < fit.sum() < len(scores) - 500  # both kinds occur
    fit_ours = ours.scores > 0
    assert fit_ours.sum() == fit.sum()
    order = scores[fit].argsort(descending=True)
    torch.testing.assert_close(
        ours.scores[fit_ours], scores[fit][order].float(), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(
        ours.bboxes[fit_ours], boxes[fit][order].float(), **CLOSE
    )


@torch.no_grad()
def test_proposals_after_nms(model, fmap, expected_proposals):
    rpn_head = model.detector.rpn_head
    [ours] = rpn_head.predict((fmap,), [sample()], rescale=False)
    boxes, scores = expected_proposals
    kept = slow.nms(boxes, scores, 0.7)[:60]
    expected = torch.tensor([boxes[row] for row in kept])
    torch.testing.assert_close(ours.bboxes, expected, **CLOSE)


@torch.no_grad()
def test_detected_objects(model, source, fmap, expected_proposals):
    boxes, scores = expected_proposals
    boxes = [boxes[row] for row in slow.nms(boxes, scores, 0.7)[:60]]
    probabilities, class_boxes = slow.classify(
        source, fmap, boxes, HEIGHT, WIDTH
    )
    found = slow.detections(probabilities, class_boxes, 0.2, 64)
    assert 5 < len(found) < 60
    rows = [row for row, _ in found]

    [ours] = model.objects_of((fmap,), [sample()], None)

    # the relation head sees the proposals, as it did in training
    expected = torch.tensor(boxes)[rows]
    torch.testing.assert_close(ours.bboxes, expected, **CLOSE)
    expected = torch.tensor(class_boxes)[rows][:, 1:]
    torch.testing.assert_close(ours.class_bboxes, expected, **CLOSE)
    expected = torch.tensor(probabilities)[rows].roll(-1, dims=1)
    torch.testing.assert_close(
        ours.logits.softmax(dim=1), expected, atol=1e-5, rtol=0
    )


@torch.no_grad()
def test_no_proposals_at_all(model, fmap):
    nothing = sample()
    nothing.set_metainfo(dict(img_shape=(2, 2)))  # all smaller than 4 pixels
    model.detector.rpn_head.test_cfg.min_bbox_size = 3
    [ours] = model.objects_of((fmap,), [nothing], None)
    assert ours.bboxes.shape == (0, 4)
    assert ours.class_bboxes.shape == (0, WIDTHS.classes, 4)
