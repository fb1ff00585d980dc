import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from torch import nn

from mmsgg.evaluation import DumpSceneGraphs, SceneGraphMetric
from mmsgg.evaluation import functional as F
from mmsgg.models import SceneGraphDetector
from mmsgg.registry import MODELS

from .samples import random_objects, random_sample

CONFIGS = Path(__file__).parents[2] / 'configs'
SIZE = 64


def build(name='sgcls', **kwargs):
    """The toy model for the 4 classes and 3 predicates of the samples."""
    cfg = Config.fromfile(CONFIGS / 'toy' / f'{name}.py').model
    cfg.detector.data_preprocessor.pad_size_divisor = SIZE
    cfg.detector.roi_head.bbox_head.num_classes = 4
    cfg.relation_head.update(num_classes=4, num_predicates=3)
    cfg.update(kwargs)
    torch.manual_seed(0)
    return MODELS.build(cfg)


def data_of(*sizes, scale=(1.0, 1.0)):
    samples = [
        random_sample(n, 2 * n if n > 1 else 0, seed=n, scale=scale)
        for n in sizes
    ]
    generator = torch.Generator().manual_seed(0)
    images = [
        torch.randint(
            255, (3, SIZE, SIZE), generator=generator, dtype=torch.uint8
        )
        for _ in sizes
    ]
    return dict(inputs=images, data_samples=samples)


def run_loss(model, data):
    data = model.data_preprocessor(data, True)
    return model(**data, mode='loss')


@pytest.mark.parametrize('name', ['predcls', 'sgcls', 'sgdet'])
def test_frozen_means_frozen(name):
    model = build(name)
    model.object_source.selection['score_thr'] = (
        0.0  # an untrained detector finds some
    )
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    losses = run_loss(model, data_of(4, 0, 1))
    model.parse_losses(losses)[0].backward()
    optimizer.step()
    changed = {
        key
        for key, value in model.state_dict().items()
        if not torch.equal(value, before[key])
    }
    assert changed and all(key.startswith('relation_head.') for key in changed)
    frozen = [
        p
        for n, p in model.named_parameters()
        if n.split('.')[0] != 'relation_head'
    ]
    assert all(p.grad is None and not p.requires_grad for p in frozen)
    assert (
        not model.detector.backbone.training and model.relation_head.training
    )


@pytest.mark.parametrize('name', ['predcls', 'sgcls', 'sgdet'])
def test_unfrozen_detector_is_trained_by_both_losses(name):
    model = build(name, freeze_detector=False).train()
    model.object_source.selection['score_thr'] = 0.0
    data = data_of(4, 3)
    for sample in data['data_samples']:  # where relations are in sgdet
        sample.proposals = InstanceData(bboxes=sample.gt_instances.bboxes)
    losses = run_loss(model, data)
    assert {
        'detector.loss_rpn_cls',
        'detector.loss_bbox',
        'loss_predicate',
    } <= losses.keys()
    weight = model.detector.backbone.conv1.weight
    for loss in ('loss_predicate', 'detector.loss_bbox'):
        [grad] = torch.autograd.grad(losses[loss], weight, retain_graph=True)
        assert grad.any(), loss
    assert model.detector.backbone.training


def count_calls(module):
    calls = []
    module.register_forward_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize('freeze_detector', [True, False])
@pytest.mark.parametrize('name', ['predcls', 'sgcls', 'sgdet'])
def test_a_step_makes_each_map_once(name, freeze_detector):
    model = build(name, freeze_detector=freeze_detector).train()
    model.object_source.selection['score_thr'] = 0.0
    parts = dict(
        backbone=model.detector.backbone,
        rpn=model.detector.rpn_head.rpn_conv,
        context=model.relation_head.global_context.classifier,
    )
    calls = {key: count_calls(part) for key, part in parts.items()}
    for step in (1, 2):  # the second on other images
        run_loss(model, data_of(4, 3 + step))
        assert len(calls['backbone']) == len(calls['context']) == step
        with_rpn = name == 'sgdet' or not freeze_detector
        assert len(calls['rpn']) == step * with_rpn
    assert 'extract_feat' not in vars(model.detector)
    assert 'forward' not in vars(model.detector.rpn_head)


def normalised(model):
    """Batch norms everywhere in a detector, and dropout before its scores."""
    rpn, head = model.detector.rpn_head, model.detector.roi_head.bbox_head
    channels = rpn.rpn_conv.out_channels
    rpn.rpn_conv = nn.Sequential(rpn.rpn_conv, nn.BatchNorm2d(channels))
    channels = head.fc_cls.in_features
    head.fc_cls = nn.Sequential(
        nn.BatchNorm1d(channels), nn.Dropout(0.5), head.fc_cls
    )
    return model


@pytest.mark.parametrize('name', ['sgcls', 'sgdet'])
def test_a_step_moves_running_statistics_as_the_detector_alone(name):
    model = normalised(build(name, freeze_detector=False)).train()
    model.object_source.selection['score_thr'] = 0.0
    alone = copy.deepcopy(model)
    torch.manual_seed(0)
    run_loss(model, data_of(4, 3))
    torch.manual_seed(0)
    data = alone.data_preprocessor(data_of(4, 3), True)
    alone.detector.loss(*data.values())
    expected = dict(alone.named_buffers())
    moved = 0
    for key, value in model.named_buffers():
        if not key.startswith('relation_head.'):
            torch.testing.assert_close(value, expected[key])
            if key.endswith('num_batches_tracked'):
                assert value == 1
                moved += 1
    assert moved > 10


@pytest.mark.parametrize('name', ['sgcls', 'sgdet'])
def test_objects_are_made_as_in_a_test(name):
    """Without dropout, from proposals of test_cfg, also while training."""
    model = normalised(build(name, freeze_detector=False)).eval()
    model.object_source.selection['score_thr'] = 0.0
    model.detector.test_cfg.rpn.max_per_img = 9
    data = model.data_preprocessor(data_of(4, 3), True)
    samples = data['data_samples']
    given = None
    if name == 'sgcls':
        given = [
            InstanceData(bboxes=sample.gt_instances.bboxes)
            for sample in samples
        ]
    with torch.no_grad():
        x = model.extract_feat(data['inputs'])
        expected = model.objects_of(x, samples, given)
    model.train()
    model.detector.backbone.norm1.train(False)  # set apart, it stays so
    modes = [module.training for module in model.modules()]
    before = {k: v.clone() for k, v in model.named_buffers()}
    for one, other in zip(
        model.objects_of(x, samples, given), expected, strict=True
    ):
        assert len(one) and not one.logits.requires_grad
        for key in one.keys():
            torch.testing.assert_close(one[key], other[key])
    assert modes == [module.training for module in model.modules()]
    for key, value in model.named_buffers():
        assert torch.equal(value, before[key]), key


def test_unknown_task_is_named():
    with pytest.raises(ValueError, match=r"'sgg'.*predcls, sgcls, sgdet"):
        build('sgcls', task='sgg')


def test_arguments_by_position():
    head = dict(type='FrequencyRelHead', num_classes=4, num_predicates=3)
    source = dict(type='GivenBoxes')
    model = SceneGraphDetector(None, head, source, 'predcls', False)
    assert model.relation_head.num_classes == 4 and model.task == 'predcls'
    assert model.detector is None and not model.freeze_detector


def test_there_is_a_relation_head():
    with pytest.raises(TypeError, match='relation_head'):
        SceneGraphDetector(detector=None)


def test_a_detector_checkpoint_starts_both_branches():
    model = build('sgcls')
    detector = {
        key: torch.full_like(value, 0.5)
        for key, value in model.detector.state_dict().items()
    }
    missing, unexpected = model.load_state_dict(dict(detector), strict=False)
    assert not unexpected
    assert all(key.startswith('relation_head.') for key in missing)
    for branch in ('object_head', 'union_head'):
        weights = getattr(model.relation_head.features, branch).state_dict()
        assert all((value == 0.5).all() for value in weights.values())


def test_a_checkpoint_with_relation_head_keeps_it():
    model, other = build('sgcls'), build('sgdet')
    weights = {k: v + 1 for k, v in model.state_dict().items()}
    other.load_state_dict(dict(weights), strict=True)
    for key, value in other.state_dict().items():
        assert torch.equal(value, weights[key])


@pytest.mark.parametrize('frequency_bias', [True, False])
@pytest.mark.parametrize('name', ['predcls', 'sgcls', 'sgdet'])
def test_bfloat16_comes_near_float32(name, frequency_bias):
    model = build(name)
    model.object_source.selection['score_thr'] = 0.0
    if not frequency_bias:
        model.relation_head.frequency_bias = None
    seen = []
    for enabled in (False, True):
        torch.manual_seed(0)
        with torch.autocast('cpu', torch.bfloat16, enabled=enabled):
            model.train()
            losses = run_loss(model, data_of(4, 0, 3))
            model.parse_losses(losses)[0].backward()
            grad = model.relation_head.features.object_head[
                0
            ].weight.grad.clone()
            model.zero_grad()
            with torch.no_grad():
                samples = model.eval().test_step(data_of(4, 1))
        instances, relations = (
            samples[0].get(f'pred_{kind}')
            for kind in ('instances', 'relations')
        )
        assert instances.scores.dtype == torch.float32
        assert relations.scores.dtype == torch.float32
        seen.append((losses['loss_object'], grad, relations.scores))
    for exact, rounded in zip(*seen, strict=True):
        assert rounded.isfinite().all() and not torch.equal(exact, rounded)
        error = (exact - rounded).norm() / exact.norm()
        assert error < 0.15


def test_an_unfrozen_detector_in_bfloat16():
    """Its RPN's maps go into losses and into NMS, which wants float32."""
    seen = []
    for enabled in (False, True):
        model = build('sgdet', freeze_detector=False).train()
        torch.manual_seed(0)
        with torch.autocast('cpu', torch.bfloat16, enabled=enabled):
            losses = run_loss(model, data_of(4, 0, 3))
            model.parse_losses(losses)[0].backward()
        grad = model.detector.rpn_head.rpn_conv.weight.grad
        seen.append((sum(losses['detector.loss_rpn_cls']), grad))
    for exact, rounded in zip(*seen, strict=True):
        error = (exact - rounded).norm() / exact.norm()
        assert 0 < error < 0.15


@pytest.mark.parametrize('name', ['predcls', 'sgcls', 'sgdet'])
@torch.no_grad()
def test_boxes_come_back_in_original_pixels(name, tmp_path):
    """Of an image that was stretched one way and shrunk the other."""
    scale = (0.5, 2.0)
    model = build(name).eval()
    model.object_source.selection['score_thr'] = 0.0
    plain = model.test_step(data_of(4, 2))
    scaled = model.test_step(data_of(4, 2, scale=scale))
    for one, other in zip(plain, scaled, strict=True):
        torch.testing.assert_close(
            one.pred_instances.bboxes,
            other.pred_instances.bboxes * torch.tensor(scale * 2),
        )
        # the same boxes on the same input image, whatever the original was
        assert len(one.pred_relations)
        torch.testing.assert_close(
            one.pred_relations.predicate_scores,
            other.pred_relations.predicate_scores,
        )
        gt = other.gt_instances
        if name != 'sgdet':
            torch.testing.assert_close(other.pred_instances.bboxes, gt.bboxes)
        if name == 'predcls':
            assert torch.equal(other.pred_instances.labels, gt.labels)
    assert recall_of(scaled, tmp_path) == recall_of(plain, tmp_path)


@torch.no_grad()
def test_classes_are_given_in_predcls_alone():
    """And boxes in sgcls too, in training as in a test."""
    model, seen = build('sgdet'), []
    model.object_source.selection['score_thr'] = 0.0
    model.relation_head.register_forward_pre_hook(
        lambda head, args: seen.extend(args[1])
    )
    for model.task in ('predcls', 'sgcls', 'sgdet'):
        run_loss(model.train(), data_of(3))
        model.eval().test_step(data_of(3))
    gt = random_sample(3, 6, seed=3).gt_instances
    for image in seen[:2]:
        assert torch.equal(image.labels, gt.labels)
    assert [torch.equal(image.bboxes, gt.bboxes) for image in seen] == (
        [True] * 4 + [False] * 2
    )
    assert not any('labels' in image for image in seen[2:])


@pytest.mark.parametrize('task', ['predcls', 'sgcls', 'sgdet'])
def test_a_map_for_each_branch_is_refused(task):
    """TridentNet, which in training makes three of an image."""
    model = build(
        task,
        freeze_detector=False,
        relation_head=dict(global_context=None),
    ).train()
    make, loss = model.detector.extract_feat, model.detector.loss
    model.detector.extract_feat = lambda inputs: [
        maps.repeat(3, 1, 1, 1) for maps in make(inputs)
    ]
    model.detector.loss = lambda inputs, samples: loss(inputs, samples * 3)
    with pytest.raises(ValueError, match=r'6 maps of 2 images.*frozen'):
        run_loss(model, data_of(4, 3))


@pytest.mark.parametrize('mode', ['loss', 'predict', 'tensor'])
def test_a_head_sees_the_finest_map_first(mode, monkeypatch):
    """In whatever order the detector has them, and keeps them, itself."""
    model = build('sgcls')
    coarse, fine = torch.zeros(1, 2, 4, 6), torch.zeros(1, 2, 8, 12)
    source = model.object_source
    monkeypatch.setattr(source, 'extract_feat', lambda _: (coarse, fine))
    seen = []

    def objects(x, *_):
        seen.append(x)
        return [random_objects(4)]

    def head(x, *_, **__):
        seen.append(x)
        raise StopIteration

    monkeypatch.setattr(source, 'objects', objects)
    for name in ('loss', 'predict', 'forward'):
        monkeypatch.setattr(model.relation_head, name, head)
    data = model.data_preprocessor(data_of(4))
    with pytest.raises(StopIteration):
        model(**data, mode=mode)
    assert [[level.shape[-1] for level in x] for x in seen] == [
        [6, 12],
        [12, 6],
    ]


@torch.no_grad()
def test_boxes_may_stay_in_input_pixels():
    model = build('sgcls').eval()
    scale = (0.5, 2.0)
    data = model.data_preprocessor(data_of(4, scale=scale))
    [sample] = model.predict(*data.values(), rescale=False)
    torch.testing.assert_close(
        sample.pred_instances.bboxes,
        sample.gt_instances.bboxes * torch.tensor(scale * 2),
    )


@torch.no_grad()
def test_boxes_of_training_are_in_input_pixels_as_they_come():
    """The pipeline has scaled them already."""
    model = build('sgcls').train()
    seen = []
    model.relation_head.loss = lambda x, objects, _: seen.extend(objects) or {}
    data = data_of(4)
    [sample] = data['data_samples']
    sample.set_metainfo(dict(scale_factor=(0.5, 2.0)))
    run_loss(model, data)
    assert torch.equal(seen[0].bboxes, sample.gt_instances.bboxes)


def recall_of(samples, folder):
    """Recalls of samples, and of the file that keeps them."""
    dumped = DumpSceneGraphs(str(folder / 'graphs.pkl'), topk=3)
    metric, again = (SceneGraphMetric(metrics=('R', 'ng-R'), topk=3)
                     for _ in range(2))  # fmt: skip
    samples = [sample.to_dict() for sample in samples]
    metric.process(None, samples)
    dumped.process(None, samples)
    again.process(None, dumped.results)
    scores = metric.evaluate(len(samples))
    assert again.evaluate(len(samples)) == scores
    return scores


@torch.no_grad()
def test_a_batch_equals_its_images_alone():
    model = build('sgdet').eval()
    model.object_source.selection['score_thr'] = 0.0
    data = data_of(3, 4)
    batch = model.test_step(dict(data))
    for i, sample in enumerate(batch):
        [alone] = model.test_step({k: [v[i]] for k, v in data.items()})
        assert len(sample.pred_instances) > 1
        for field in ('pred_instances', 'pred_relations'):
            one, other = sample.get(field), alone.get(field)
            for key in one.keys():
                torch.testing.assert_close(one[key], other[key])


@torch.no_grad()
def test_nothing_found_is_an_empty_graph():
    model = build('sgdet').eval()
    model.object_source.selection['score_thr'] = 1.0
    for sample in model.test_step(data_of(3, 0)):
        assert len(sample.pred_instances) == 0
        assert sample.pred_relations.pairs.shape == (0, 2)
        assert sample.pred_relations.predicate_scores.shape == (0, 3)


@torch.no_grad()
def test_proposals_of_the_sample_replace_the_rpn():
    model = build('sgdet').eval()
    model.object_source.selection.update(
        score_thr=0.0, nms=dict(type='nms', iou_threshold=1.0)
    )
    for parameter in model.detector.roi_head.bbox_head.fc_reg.parameters():
        parameter.zero_()  # boxes stay as proposed
    data = data_of(3)
    proposals = data['data_samples'][0].gt_instances.bboxes
    data['data_samples'][0].proposals = InstanceData(bboxes=proposals)
    [sample] = model.test_step(data)
    found = sample.pred_instances.bboxes
    torch.testing.assert_close(
        found[found[:, 0].argsort()], proposals[proposals[:, 0].argsort()]
    )


@torch.no_grad()
def test_no_proposals_at_all():
    model = build('sgdet').eval()
    data = data_of(2, 2)
    for sample in data['data_samples']:
        sample.proposals = InstanceData(bboxes=torch.zeros(0, 4))
    for sample in model.test_step(data):
        assert len(sample.pred_relations) == 0


def test_missing_ground_truth_is_explained():
    model = build('predcls').eval()
    data = data_of(2)
    del data['data_samples'][0].gt_instances
    with pytest.raises(ValueError, match=r'predcls.*2\.jpg.*sgdet'):
        model.test_step(data)


@torch.no_grad()
def test_tensor_mode_gives_raw_logits():
    model = build('sgcls').eval()
    data = model.data_preprocessor(data_of(3, 1))
    output = model(**data, mode='tensor')
    assert [len(o) for o in output.object_logits] == [3, 1]
    assert [tuple(p.shape) for p in output.predicate_logits] == [
        (6, 4),
        (0, 4),
    ]


@pytest.mark.parametrize('name', ['predcls', 'sgcls', 'sgdet'])
@torch.no_grad()
def test_the_task_of_a_call_is_an_argument(name):
    """Whatever the task of the model, which stays."""
    other = build('sgdet').eval()
    other.object_source.selection['score_thr'] = 0.0
    expected = build(name).eval()
    expected.object_source.selection.update(other.object_source.selection)
    [one] = expected.test_step(data_of(4))
    data = other.data_preprocessor(data_of(4))
    [two] = other.predict(*data.values(), task=name)
    assert other.task == 'sgdet'
    for field in ('pred_instances', 'pred_relations'):
        for key, value in one.get(field).items():
            assert torch.equal(value, two.get(field)[key])
    with pytest.raises(ValueError, match=r"'sgg'.*predcls, sgcls, sgdet"):
        other.predict(*data.values(), task='sgg')


@pytest.mark.parametrize('name', ['predcls', 'sgcls'])
@torch.no_grad()
def test_given_objects_keep_their_masks(name):
    """So that the rules of PSG score what OpenPSG does."""
    model = build(name).eval()
    data = data_of(4)
    instances = data['data_samples'][0].gt_instances
    boxes = instances.bboxes = torch.tensor(
        [[0.0, 0, 40, 40], [1, 0, 40, 40], [5, 50, 20, 60], [30, 50, 60, 60]]
    )
    instances.labels[:] = 1
    masks = torch.zeros(4, SIZE, SIZE, dtype=torch.bool)
    masks[0, :20, :40] = masks[1, 20:40, :40] = True  # in nearly one box
    masks[2, 50:60, 5:20] = masks[3, 50:60, 30:60] = True
    instances.masks = masks
    [sample] = model.test_step(copy.deepcopy(data))
    assert torch.equal(sample.pred_instances.masks, masks)
    torch.testing.assert_close(sample.pred_instances.bboxes, boxes)
    if name == 'predcls':
        graphs = F.predicted_graph(sample.to_dict(), masks=True)
        true = F.true_graph(sample.to_dict(), masks=True)
        rules = SceneGraphMetric(protocol='psg').rules
        assert (F.match_graphs(graphs, true, rules).objects == np.eye(4)).all()
        rules = rules._replace(masks=False)
        assert F.match_graphs(graphs, true, rules).objects.sum() == 6
    data = model.data_preprocessor(data)
    for kwargs in (dict(rescale=False), dict(task='sgdet')):
        [sample] = model.predict(*data.values(), **kwargs)
        assert 'masks' not in sample.pred_instances


def test_the_detectors_config_is_left_alone():
    cfg = Config.fromfile(CONFIGS / 'toy' / 'sgcls.py').model
    before = copy.deepcopy(cfg.to_dict())
    MODELS.build(cfg)
    assert cfg.to_dict() == before
