"""Box regression: ours as mmdet's, compat as published, on the same boxes."""

from math import log
from pathlib import Path

import pytest
import torch
from mmdet.models.task_modules import RandomSampler
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.structures import InstanceData

from mmsgg.registry import MODELS, TASK_UTILS

CONFIGS = Path(__file__).parents[2] / 'configs'
SIZE = 320  # pixels, of square images
MMDET = get_config('mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py').model


def headline():
    return Config.fromfile(
        CONFIGS / 'detection' / 'faster-rcnn_vgg16_vg150.py'
    ).model


def compat():
    return Config.fromfile(
        CONFIGS / 'linknet' / 'compat' / 'faster-rcnn_vgg16.py'
    ).model


def published_loss(boxes, deltas, targets, num_samples, fraction):
    """neural-motifs' loss of the positive boxes, number by number.

    Args:
        boxes: (n, 4) positive RoIs or anchors; the last pixel counts.
        deltas: (n, 4) what the network says of them.
        targets: (n, 4) their ground truth.
        num_samples: Of positive and negative samples together.
        fraction: Share of positives that is asked for.
    """
    total = 0.0
    for box, delta, target in zip(
        boxes.tolist(), deltas.tolist(), targets.tolist(), strict=True
    ):
        for axis in (0, 1):
            size = box[axis + 2] - box[axis] + 1
            wanted = target[axis + 2] - target[axis] + 1
            centre = box[axis] + size / 2
            errors = (
                delta[axis] - (target[axis] + wanted / 2 - centre) / size,
                delta[axis + 2] - log(wanted / size),
            )
            for error in map(abs, errors):
                total += error - 0.5 if error >= 1 else error**2 / 2
    num = len(boxes)
    return total / (num + 1e-4) * 2 / fraction * num / (num_samples + 1e-4)


def made_truth(seed):
    """Some boxes (3, 4) of an image, and their classes."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(3, 2, generator=generator) * SIZE / 2
    sides = 30 + torch.rand(3, 2, generator=generator) * SIZE / 3
    return InstanceData(
        bboxes=torch.cat([corners, corners + sides], dim=1),
        labels=torch.tensor([3, 0, 149]),
    )


class TestRoIs:
    @pytest.fixture
    def samples(self):
        """256 RoIs of each of two images, a few of them positive."""
        cfg = headline().train_cfg.rcnn
        assigner = TASK_UTILS.build(dict(cfg.assigner, _scope_='mmdet'))
        sampler = TASK_UTILS.build(dict(cfg.sampler, _scope_='mmdet'))
        assert isinstance(sampler, RandomSampler)
        results = []
        for seed in range(2):
            torch.manual_seed(seed)
            truth = made_truth(seed)
            near = truth.bboxes.repeat(20, 1) + 9 * torch.randn(60, 4)
            corners = torch.rand(900, 2) * SIZE
            far = torch.cat([corners, corners + 8], dim=1)
            rois = InstanceData(priors=torch.cat([near, far]))
            assigned = assigner.assign(rois, truth)
            results.append(sampler.sample(assigned, rois, truth))
        return results

    def loss(self, cfg, samples, deltas):
        """loss_bbox of a config, and the share of the positive samples."""
        cfg.roi_head.bbox_head.fc67.out_channels = 4
        head = MODELS.build(dict(cfg.roi_head.bbox_head, _scope_='mmdet'))
        rois = torch.cat([result.priors for result in samples])
        rois = torch.cat([torch.zeros(len(rois), 1), rois], dim=1)
        logits = torch.zeros(len(rois), head.num_classes + 1)
        losses = head.loss_and_target(
            logits, deltas, rois, samples, cfg.train_cfg.rcnn
        )
        return losses['loss_bbox']['loss_bbox'].item()

    @pytest.fixture
    def deltas(self, samples):
        """(512, 4 x 150), of the scale of what is to be learned, and wild."""
        deltas = torch.randn(512, 600, generator=torch.manual_seed(5)) / 5
        deltas[::7] *= 10
        return deltas

    def test_headline_is_mmdet(self, samples, deltas):
        ours, theirs = headline(), headline()
        theirs.roi_head.bbox_head.update(
            {
                key: MMDET.roi_head.bbox_head[key]
                for key in ('bbox_coder', 'loss_bbox')
            }
        )
        assert self.loss(ours, samples, deltas) == pytest.approx(
            self.loss(theirs, samples, deltas)
        )

    def test_compat_is_as_published(self, samples, deltas):
        positives = [result.pos_priors for result in samples]
        assert all(0 < len(boxes) < 256 for boxes in positives)
        rows = [
            256 * i + row for i, boxes in enumerate(positives)
            for row in range(len(boxes))
        ]  # fmt: skip
        labels = torch.cat([result.pos_gt_labels for result in samples])
        expected = published_loss(
            torch.cat(positives),
            deltas[rows].view(-1, 150, 4)[range(len(rows)), labels],
            torch.cat([result.pos_gt_bboxes for result in samples]),
            num_samples=512,
            fraction=0.25,
        )
        found = self.loss(compat(), samples, deltas)
        assert found == pytest.approx(expected, rel=1e-5)

    def test_an_untrained_box_head_learns_at_the_rate_of_mmdet(self, samples):
        """Without stds and weights it would be a 20th and less."""
        untrained = torch.zeros(512, 600)
        plain = compat()
        plain.roi_head.bbox_head.loss_bbox.loss_weight = 1.0
        bare, published, ours = (
            self.loss(cfg, samples, untrained)
            for cfg in (plain, compat(), headline())
        )
        assert published == pytest.approx(8 * bare)
        assert ours > 20 * bare


class TestAnchors:
    def loss(self, cfg):
        """loss_rpn_bbox, and boxes, deltas and targets of the positives."""
        torch.manual_seed(7)
        head = MODELS.build(
            dict(
                cfg.rpn_head,
                _scope_='mmdet',
                train_cfg=cfg.train_cfg.rpn,
                test_cfg=cfg.test_cfg.rpn,
            )
        )
        side = SIZE // 16
        truths = [
            InstanceData(bboxes=torch.tensor([box]), labels=torch.tensor([3]))
            for box in ([80.0, 96, 180, 170], [30.0, 40, 200, 300])
        ]
        metas = [dict(img_shape=(SIZE, SIZE), pad_shape=(SIZE, SIZE))] * 2
        scores = [torch.zeros(2, 20, side, side)]
        deltas = [torch.randn(2, 80, side, side) / 2]
        anchors, valid = head.get_anchors([(side, side)], metas, device='cpu')

        torch.manual_seed(8)  # which samples are drawn
        _, weights, _, positive, _ = head.get_targets(
            anchors, valid, truths, metas
        )
        torch.manual_seed(8)
        losses = head.loss_by_feat(scores, deltas, truths, metas)
        flat = deltas[0].permute(0, 2, 3, 1).reshape(2, -1, 4)
        chosen = positive[0][..., 0] > 0  # images, anchors
        boxes = torch.stack([image[0] for image in anchors])
        targets = [
            truth.bboxes.expand(int(mask.sum()), 4)
            for truth, mask in zip(truths, chosen, strict=True)
        ]
        assert (weights[0] > 0).sum() == 512
        return (
            sum(losses['loss_rpn_bbox']).item(),
            (boxes[chosen], flat[chosen], torch.cat(targets)),
        )

    def test_headline_is_mmdet(self):
        ours, theirs = headline(), headline()
        theirs.rpn_head.update(
            {key: MMDET.rpn_head[key] for key in ('bbox_coder', 'loss_bbox')}
        )
        assert self.loss(ours)[0] == pytest.approx(self.loss(theirs)[0])

    def test_compat_is_as_published(self):
        found, positives = self.loss(compat())
        assert len(positives[0]) > 4
        expected = published_loss(*positives, num_samples=512, fraction=0.5)
        assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize('task', ['predcls', 'sgcls', 'sgdet'])
def test_relation_configs_have_the_detectors_boxes(task):
    for detector, folder in ((headline(), ''), (compat(), 'compat')):
        cfg = Config.fromfile(CONFIGS / 'linknet' / folder / f'{task}.py')
        for head in ('rpn_head', 'roi_head'):
            assert cfg.model.detector[head] == detector[head]
