"""Proposals from a file, through a pipeline as configs have it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.evaluation import DumpProposals
from mmengine.config import Config

from mmsgg.datasets.transforms import LoadProposals
from mmsgg.registry import METRICS

CONFIG = (
    Path(__file__).parents[3] / 'configs/linknet/sgdet_r101_fpn_proposals.py'
)
BOXES = torch.tensor([[0.0, 10.0, 50.0, 40.0], [4, 4, 8, 8], [0, 0, 100, 50]])
SCORES = torch.tensor([0.2, 0.9, 0.5])


@pytest.fixture
def files(tmp_path):
    """An image of 100 x 50 pixels, and its proposals as mmdet dumps them."""
    image = tmp_path / 'VG_100K' / '7.jpg'
    image.parent.mkdir()
    cv2.imwrite(str(image), np.zeros((50, 100, 3), dtype=np.uint8))
    metric = DumpProposals(output_dir=str(tmp_path))
    prediction = dict(bboxes=BOXES, scores=SCORES)
    metric.process({}, [dict(img_path=str(image), pred_instances=prediction)])
    metric.evaluate(1)
    return image, tmp_path / 'proposals.pkl'


def item(image):
    return dict(
        img_path=str(image),
        img_id=7,
        height=50,
        width=100,
        instances=[
            dict(bbox=[10, 10, 20, 20], bbox_label=3, ignore_flag=0),
            dict(bbox=[0, 0, 50, 50], bbox_label=1, ignore_flag=0),
        ],
        relations=[dict(pair=[0, 1], predicate_label=2)],
    )


@pytest.mark.parametrize(
    ('split', 'flipped'),
    [('train', 0), ('train', 1), ('val', 0), ('test', 0)],
)
def test_the_pipeline_brings_them_in_input_pixels(files, split, flipped):
    image, proposals = files
    cfg = Config.fromfile(CONFIG)
    pipeline = cfg[f'{split}_dataloader'].dataset.pipeline
    [load] = [step for step in pipeline if step.type == 'LoadProposals']
    load.proposal_file = str(proposals)
    if split == 'train':
        pipeline[-2].transforms[-1].prob = float(flipped)
    packed = Compose(pipeline)(item(image))
    sample = packed['data_samples']
    scale = 592 / 100

    def mirrored(boxes):
        x1, y1, x2, y2 = boxes.T
        flip = torch.stack([592 - x2, y1, 592 - x1, y2], dim=1)
        return flip if flipped else boxes

    order = SCORES.argsort(descending=True)
    torch.testing.assert_close(
        torch.as_tensor(sample.proposals.bboxes),
        mirrored(BOXES[order] * scale),
    )
    torch.testing.assert_close(sample.proposals.scores, SCORES[order])
    # ground truth: input pixels in training, original ones in a test
    boxes = torch.tensor([[10.0, 10, 20, 20], [0, 0, 50, 50]])
    torch.testing.assert_close(
        torch.as_tensor(sample.gt_instances.bboxes.numpy()),
        mirrored(boxes * scale) if split == 'train' else boxes,
    )
    assert sample.gt_relations.pairs.tolist() == [[0, 1]]


def test_only_the_first_are_taken(files):
    image, proposals = files
    results = LoadProposals(str(proposals), 1)(dict(img_path=str(image)))
    assert results['proposals'].tolist() == BOXES[1:2].tolist()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'gone\.pkl.*DumpProposals'):
        LoadProposals(str(tmp_path / 'gone.pkl'))


def test_an_image_without_proposals_is_named(files):
    transform = LoadProposals(str(files[1]))
    with pytest.raises(KeyError, match=r'for VG_100K/8\.jpg.*proposals\.pkl'):
        transform(dict(img_path='data/VG_100K/8.jpg'))


def test_the_file_of_our_metric_is_no_pickle(files, tmp_path):
    image, proposals = files
    metric = METRICS.build(
        dict(type='DumpProposals', output_dir=str(tmp_path / 'new'))
    )
    prediction = dict(bboxes=BOXES, scores=SCORES)
    sample = dict(img_path=str(image), pred_instances=prediction)
    none = dict(bboxes=BOXES[:0], scores=SCORES[:0])
    metric.process({}, [sample, dict(img_path='a/8.jpg', pred_instances=none)])
    metric.evaluate(2)
    written = LoadProposals(str(tmp_path / 'new' / 'proposals.npz'))
    results = written(dict(img_path=str(image)))
    by_mmdet = LoadProposals(str(proposals))(dict(img_path=str(image)))
    for key in ('proposals', 'proposals_scores'):
        assert results[key].tolist() == by_mmdet[key].tolist()
    assert written(dict(img_path='x/a/8.jpg'))['proposals'].shape == (0, 4)
    with pytest.raises(ValueError, match=r'does not end in \.npz'):
        METRICS.build(dict(type='DumpProposals', proposals_file='a.pkl'))
