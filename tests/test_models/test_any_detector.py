"""A relation head on detectors as mmdet configures them."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmsgg.registry import MODELS

from .samples import random_sample

BRANCHES = Path(__file__).parents[2] / 'configs/_base_/models/fpn_branches.py'
SIZE = 64


def model_on(base, tmp_path, **kwargs):
    """LinkNet on a whole config of mmdet, for the classes of the samples."""
    path = tmp_path / 'config.py'
    path.write_text(
        f"""
_base_ = ['mmdet::{base}', {str(BRANCHES)!r}]

model = dict(
    type='mmsgg.SceneGraphRCNN',
    relation_head=dict(
        _scope_='mmsgg',
        type='LinkNetRelHead',
        num_classes=80,
        num_predicates=3,
        sampler=dict(type='DetectionRelationSampler', num=16),
        geometric_layout=dict(type='GeometricLayout', out_channels=8),
        **_base_.fpn_branches,
    ),
    test_cfg=dict(objects=dict(score_thr=0.0, max_per_img=5)),
)
"""
    )
    cfg = Config.fromfile(path).model
    cfg.backbone.depth = 18
    neck = cfg.neck[0] if isinstance(cfg.neck, list) else cfg.neck
    neck.in_channels = [64, 128, 256, 512]
    if cfg.test_cfg.get('rpn'):
        cfg.test_cfg.rpn.max_per_img = 20
    cfg.update(kwargs)
    torch.manual_seed(0)
    return MODELS.build(cfg)


def data_of(*sizes, proposals=False):
    samples = [random_sample(n, n if n > 1 else 0, seed=n) for n in sizes]
    for sample in samples if proposals else ():
        sample.proposals = InstanceData(bboxes=sample.gt_instances.bboxes)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(
        255, (len(sizes), 3, SIZE, SIZE), generator=generator
    )
    return dict(inputs=list(images.to(torch.uint8)), data_samples=samples)


def step_and_predict(model, data, again):
    batch = model.train().data_preprocessor(data, True)
    loss, _ = model.parse_losses(model(**batch, mode='loss'))
    loss.backward()
    assert loss.isfinite()
    assert model.relation_head.object_head[0].weight.grad is not None
    with torch.no_grad():
        return model.eval().test_step(again)


@pytest.mark.parametrize(
    'base',
    [
        'double_heads/dh-faster-rcnn_r50_fpn_1x_coco.py',
        'libra_rcnn/libra-faster-rcnn_r50_fpn_1x_coco.py',  # necks in a list
        'sabl/sabl-cascade-rcnn_r50_fpn_1x_coco.py',  # boxes by buckets
    ],
)
def test_detectors_of_mmdet_carry_a_relation_head(base, tmp_path):
    model = model_on(base, tmp_path)
    predictions = step_and_predict(model, data_of(4, 2), data_of(4, 2))
    for sample in predictions:
        assert len(sample.pred_instances) == 5
        assert sample.pred_instances.bboxes.shape == (5, 4)
        assert len(sample.pred_relations) == 20


@pytest.mark.parametrize(
    'base',
    [
        'faster_rcnn/faster-rcnn_r50_fpn_fcos-rpn_1x_coco.py',
        'cascade_rpn/cascade-rpn_faster-rcnn_r50-caffe_fpn_1x_coco.py',
    ],
)
def test_unfrozen_detectors_of_mmdet_are_trained(base, tmp_path):
    model = model_on(base, tmp_path, freeze_detector=False)
    predictions = step_and_predict(model, data_of(4, 2), data_of(4, 2))
    assert all(len(sample.pred_instances) == 5 for sample in predictions)
    gradients = [p.grad for p in model.rpn_head.parameters()]
    assert any(g is not None and g.any() for g in gradients)


def test_a_detector_without_rpn_takes_proposals(tmp_path):
    model = model_on('fast_rcnn/fast-rcnn_r50_fpn_1x_coco.py', tmp_path)
    assert not model.with_rpn
    data, again = (data_of(4, 2, proposals=True) for _ in range(2))
    first, second = step_and_predict(model, data, again)
    assert 0 < len(first.pred_instances) <= 4
    assert 0 < len(second.pred_instances) <= 2
    with pytest.raises(
        ValueError, match=r'no rpn_head.*4\.jpg.*LoadProposals'
    ):
        model.test_step(data_of(4))


@pytest.mark.parametrize(
    'base',
    [
        'sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco.py',
        'htc/htc_r50_fpn_1x_coco.py',
    ],
)
def test_those_that_cannot_say_so(base, tmp_path):
    with pytest.raises(TypeError, match=r'RoIHead cannot score given boxes'):
        model_on(base, tmp_path)
