"""A relation head on detectors as mmdet configures them."""

import pytest
import torch
from mmengine.runner import load_checkpoint
from mmengine.structures import InstanceData

from mmsgg.models.task_modules import DetectionRelationSampler
from mmsgg.registry import MODELS

from ..mmdet_models import SIZE, detector_cfg, model_on
from .samples import random_sample

TASKS = ('predcls', 'sgcls', 'sgdet')
# One of each kind; all that mmdet has is what `make test-detectors` tries.
DETECTORS = {
    'double_heads/dh-faster-rcnn_r50_fpn_1x_coco.py': 'TwoStageObjects',
    # a neck in a list
    'libra_rcnn/libra-faster-rcnn_r50_fpn_1x_coco.py': 'TwoStageObjects',
    # boxes by buckets
    'sabl/sabl-cascade-rcnn_r50_fpn_1x_coco.py': 'TwoStageObjects',
    'rtmdet/rtmdet_tiny_8xb32-300e_coco.py': 'SingleStageObjects',
    # boxes beyond the image, one label each
    'yolox/yolox_tiny_8xb8-300e_coco.py': 'SingleStageObjects',
    # the coarsest map first
    'yolo/yolov3_mobilenetv2_8xb24-320-300e_coco.py': 'SingleStageObjects',
    'retinanet/retinanet_r18_fpn_1x_coco.py': 'SingleStageObjects',
    'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py': 'SingleStageObjects',
    'detr/detr_r50_8xb2-150e_coco.py': 'TransformerObjects',
    'deformable_detr/deformable-detr_r50_16xb2-50e_coco.py': (
        'TransformerObjects'
    ),
}


def small(name):
    """The model of a config, on a ResNet-18 where it is on a ResNet."""
    cfg = detector_cfg(name)
    if cfg.backbone.type == 'ResNet' and cfg.backbone.depth > 18:
        widths = {256: 64, 512: 128, 1024: 256, 2048: 512}
        cfg.backbone.depth = 18
        neck = cfg.neck[0] if isinstance(cfg.neck, list) else cfg.neck
        neck.in_channels = [widths[width] for width in neck.in_channels]
    for key in ('encoder', 'decoder'):  # of a transformer
        if key in cfg:
            cfg[key].num_layers = 2
    if cfg.test_cfg.get('rpn'):
        cfg.test_cfg.rpn.max_per_img = 20
    return cfg


def data_of(*sizes, proposals=False):
    samples = [random_sample(n, n if n > 1 else 0, seed=n) for n in sizes]
    for sample in samples:
        sample.set_metainfo(
            dict(
                img_shape=SIZE,
                ori_shape=SIZE,
                pad_shape=SIZE,
                scale_factor=(1.0, 1.0),
            )
        )
        if proposals:
            boxes = sample.gt_instances.bboxes
            sample.proposals = InstanceData(bboxes=boxes)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(
        255, (len(sizes), 3, *SIZE), generator=generator
    ).to(torch.uint8)
    return dict(inputs=list(images), data_samples=samples)


def step(model, task, **kwargs):
    """One training step of a task; returns the losses."""
    model.task = task
    if task == 'sgdet':
        model.relation_head.sampler = DetectionRelationSampler(num=16)
    batch = model.data_preprocessor(data_of(4, 2, **kwargs))
    losses = model.train()(**batch, mode='loss')
    loss, _ = model.parse_losses(losses)
    loss.backward()
    assert loss.isfinite()
    layer = model.relation_head.features.object_head[0]
    assert layer.weight.grad is not None
    return losses


@torch.no_grad()
def predict(model, task, *sizes, **kwargs):
    batch = model.eval().data_preprocessor(data_of(*sizes, **kwargs))
    return model.predict(*batch.values(), task=task)


@pytest.mark.parametrize('name', DETECTORS, ids=lambda n: n.split('/')[0])
def test_detectors_of_mmdet_carry_a_relation_head(name):
    """All three tasks, trained and tested, over frozen weights."""
    model = model_on(small(name))
    assert type(model.object_source).__name__ == DETECTORS[name]
    before = {k: v.clone() for k, v in model.detector.state_dict().items()}
    for task in TASKS:
        losses = step(model, task)
        assert not any(key.startswith('detector.') for key in losses)
    for key, value in model.detector.state_dict().items():
        assert torch.equal(value, before[key]), key
    for task in TASKS:
        first, second = predict(model, task, 4, 2)
        for sample, num in ((first, 4), (second, 2)):
            found = sample.pred_instances
            assert found.bboxes.isfinite().all()
            if task != 'sgdet':
                given = sample.gt_instances
                torch.testing.assert_close(found.bboxes, given.bboxes)
                assert len(sample.pred_relations) == num * (num - 1)
            if task == 'predcls':
                assert torch.equal(found.labels, given.labels)
        # a batch equals its images alone, padded alike
        [alone] = predict(model, task, 4)
        torch.testing.assert_close(
            alone.pred_instances.bboxes,
            first.pred_instances.bboxes,
            rtol=1e-3,
            atol=1e-2,
        )


@pytest.mark.parametrize(
    'name',
    [
        'faster_rcnn/faster-rcnn_r50_fpn_fcos-rpn_1x_coco.py',
        'cascade_rpn/cascade-rpn_faster-rcnn_r50-caffe_fpn_1x_coco.py',
        'rtmdet/rtmdet_tiny_8xb32-300e_coco.py',
        'detr/detr_r50_8xb2-150e_coco.py',
    ],
)
def test_unfrozen_detectors_of_mmdet_are_trained(name):
    model = model_on(small(name), freeze_detector=False)
    calls = []
    model.detector.backbone.register_forward_hook(lambda *_: calls.append(1))
    losses = step(model, 'sgdet')
    assert len(calls) == 1
    assert any(key.startswith('detector.loss') for key in losses)
    gradients = [p.grad for p in model.detector.parameters()]
    assert any(g is not None and g.any() for g in gradients)


def test_a_detector_without_rpn_takes_proposals():
    model = model_on(small('fast_rcnn/fast-rcnn_r50_fpn_1x_coco.py'))
    assert not model.detector.with_rpn
    model.object_source.selection['score_thr'] = 0.0
    step(model, 'sgdet', proposals=True)
    first, second = predict(model, 'sgdet', 4, 2, proposals=True)
    assert 0 < len(first.pred_instances) <= 4
    assert 0 < len(second.pred_instances) <= 2
    with pytest.raises(
        ValueError, match=r'no rpn_head.*4\.jpg.*LoadProposals'
    ):
        predict(model, 'sgdet', 4)


@pytest.mark.parametrize(
    'name',
    [
        'sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco.py',
        'htc/htc_r50_fpn_1x_coco.py',
        'solo/solo_r50_fpn_1x_coco.py',
    ],
)
def test_those_that_cannot_say_so(name):
    with pytest.raises(TypeError, match=r'cannot score given|no bbox_head'):
        model_on(detector_cfg(name))


@pytest.mark.parametrize(
    'name',
    [
        'rtmdet/rtmdet_tiny_8xb32-300e_coco.py',
        'retinanet/retinanet_r18_fpn_1x_coco.py',
    ],
)
def test_a_checkpoint_of_mmdet_loads_as_it_is(name, tmp_path):
    torch.manual_seed(3)
    cfg = small(name)
    detector = MODELS.build(dict(small(name), _scope_='mmdet'))
    path = tmp_path / 'mmdet.pth'
    torch.save(dict(state_dict=detector.state_dict(), meta={}), path)
    model = model_on(cfg)
    load_checkpoint(model, str(path), strict=False)
    for key, value in detector.state_dict().items():
        assert torch.equal(model.detector.state_dict()[key], value), key


@pytest.mark.parametrize(
    'name',
    [
        'rtmdet/rtmdet_tiny_8xb32-300e_coco.py',
        'deformable_detr/deformable-detr_r50_16xb2-50e_coco.py',
    ],
)
@torch.no_grad()
def test_the_surest_object_is_the_detectors_surest_box(name):
    """What is related is what the detector itself would have shown."""
    model = model_on(small(name)).eval()
    batch = model.data_preprocessor(data_of(4))
    [shown] = model.detector.predict(*batch.values(), rescale=False)
    best = shown.pred_instances.scores.argmax()
    batch = model.data_preprocessor(data_of(4))
    x = model.extract_feat(batch['inputs'])
    [objects] = model.objects_of(x, batch['data_samples'], None)
    likeliest = objects.logits[:, :-1].max(dim=1).values.argmax()
    torch.testing.assert_close(
        objects.bboxes[likeliest], shown.pred_instances.bboxes[best]
    )
    label = objects.logits[likeliest, :-1].argmax()
    assert label == shown.pred_instances.labels[best]
