"""A detector's checkpoint in a relation stage."""

import pytest
import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.runner import load_checkpoint

from mmsgg.models.detectors.detector_weights import (
    branch_weights,
    check_frozen_weights,
)
from mmsgg.registry import MODELS

from ..test_configs import CONFIGS, small_model
from .samples import random_boxes

DETECTORS = {
    'r101_fpn': 'faster-rcnn_r101_fpn',
    'r50-c4': 'faster-rcnn_r50-c4',
    'cascade-rcnn_r50_fpn': 'cascade-rcnn_r50_fpn',
}


def small(path, **kwargs):
    cfg = small_model(CONFIGS / path)
    if 'r101' in path:
        cfg.get('detector', cfg).backbone.depth = 50
    cfg.update(kwargs)
    return cfg


def with_classes(cfg, num_classes):
    """The config of a detector, for another number of classes."""
    heads = cfg.roi_head.bbox_head
    for head in heads if isinstance(heads, list) else [heads]:
        head.num_classes = num_classes
    return cfg


@torch.no_grad()
def detector_feature(detector, x, rois):
    """The region feature that the detector's own classifier reads."""
    roi_head = detector.roi_head
    cascade = isinstance(roi_head.bbox_head, torch.nn.ModuleList)
    extractor = roi_head.bbox_roi_extractor
    extractor = extractor[-1] if cascade else extractor
    head = roi_head.bbox_head[-1] if cascade else roi_head.bbox_head
    features = []
    hook = head.fc_cls.register_forward_pre_hook(
        lambda _, inputs: features.append(inputs[0])
    )
    pooled = extractor(x[: extractor.num_inputs], rois)
    if roi_head.with_shared_head:
        pooled = roi_head.shared_head(pooled)
    head(pooled)
    hook.remove()
    return features[0]


@pytest.mark.parametrize('name', DETECTORS)
@torch.no_grad()
def test_the_object_branch_starts_as_the_detectors(name, tmp_path):
    torch.manual_seed(0)
    cfg = small(f'detection/{DETECTORS[name]}_vg150.py')
    detector = ROOT_MODELS.build(cfg).eval()
    path = tmp_path / 'detector.pth'
    torch.save(dict(state_dict=detector.state_dict()), path)
    model = MODELS.build(small(f'linknet/sgcls_{name}.py')).eval()
    load_checkpoint(model, str(path))

    x = detector.extract_feat(torch.rand(2, 3, 64, 96))
    boxes = random_boxes(5, torch.Generator().manual_seed(0))
    rois = bbox2roi([boxes, boxes[:2] + 3])
    head = model.relation_head.features
    pooled = head.object_roi_extractor(
        x[: head.object_roi_extractor.num_inputs], rois
    )
    torch.testing.assert_close(
        head.object_head(pooled), detector_feature(detector, x, rois)
    )
    others = head.object_head.state_dict()
    for key, value in head.union_head.state_dict().items():
        assert torch.equal(value, others[key])


def test_a_branch_of_another_width_starts_by_itself():
    detector = {
        'roi_head.bbox_head.shared_fcs.0.weight': torch.ones(4, 9),
        'roi_head.bbox_head.shared_fcs.1.weight': torch.ones(4, 4),
        'roi_head.bbox_head.fc_cls.weight': torch.ones(3, 4),
    }
    head = {
        'features.object_head.0.weight': torch.zeros(4, 9),
        'features.object_head.3.weight': torch.zeros(4, 4),
        'features.union_head.0.weight': torch.zeros(8, 9),
    }
    weights = branch_weights(detector, head)
    assert set(weights) == {
        'features.object_head.0.weight',
        'features.object_head.3.weight',
    }


@pytest.mark.parametrize('name', ['r101_fpn', 'cascade-rcnn_r50_fpn'])
def test_a_frozen_detector_of_other_classes_is_refused(name, tmp_path):
    cfg = small(f'detection/{DETECTORS[name]}_vg150.py')
    coco = ROOT_MODELS.build(with_classes(cfg, 80)).state_dict()
    path = tmp_path / 'coco.pth'
    torch.save(dict(state_dict=coco), path)
    model = MODELS.build(small(f'linknet/sgcls_{name}.py'))
    with pytest.raises(
        ValueError, match=r'fc_cls\.weight is \(81, 1024\) in it, \(151, 1024'
    ):
        load_checkpoint(model, str(path))
    # one that is trained itself may start from it
    thawed = small(f'linknet/sgcls_{name}.py', freeze_detector=False)
    load_checkpoint(MODELS.build(thawed), str(path))


def test_what_is_missing_is_refused_too():
    frozen = {
        'backbone.conv.weight': torch.zeros(2, 3),
        'backbone.bn.num_batches_tracked': torch.tensor(0),
        'neck.conv.weight': torch.zeros(2),
    }
    head_alone = {'relation_head.fc.weight': torch.zeros(2)}
    check_frozen_weights(head_alone, frozen)
    whole = {k: v for k, v in frozen.items() if 'tracked' not in k}
    check_frozen_weights(whole | head_alone, frozen)
    with pytest.raises(ValueError, match=r'neck\.conv\.weight \(2,\) is not'):
        check_frozen_weights(
            {'backbone.conv.weight': torch.zeros(2, 3)}, frozen
        )
