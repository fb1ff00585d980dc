"""A model in fixed shapes says what the model says."""

import runpy
import sys
from copy import deepcopy
from types import SimpleNamespace

import pytest
import torch
from mmcv.ops import batched_nms
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmsgg.datasets import ToyVGDataset
from mmsgg.models.relation_heads.object_classes import late_nms
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample

from ...folders import ROOT
from ...scripts import load_tool

pytest.importorskip('torch._higher_order_ops.while_loop')
if not hasattr(torch.library, 'custom_op'):
    pytest.skip('this torch exports no loops', allow_module_level=True)

export = load_tool('deployment/export')
fixed = load_tool('deployment/static_graph.fixed_size')
objects = load_tool('deployment/static_graph.objects')
program = load_tool('deployment/static_graph.program')
SIZES = [(128, 128), (100, 128), (128, 61)]
MODELS_OF = ['egtr_sgdet', 'sgdet']


def build(name):
    cfg = Config.fromfile(ROOT / 'configs' / 'toy' / f'{name}.py')
    if name == 'sgdet':
        cfg.model.object_source.score_thr = 0.05
        cfg.model.detector.test_cfg.rpn.max_per_img = 60
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    for key, weight in model.named_parameters():
        if key.startswith('relation_head') and weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.08)
    for key, weight in model.detector.named_parameters():
        if 'cls_branches' in key or 'fc_cls' in key:
            torch.nn.init.normal_(weight, std=0.3)
    spread_features(model.detector)
    return model.eval()


@torch.no_grad()
def spread_features(detector):
    """Give batch norms statistics; else untrained features hardly vary."""
    for part in detector.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = None
    pixels = picture((128, 128)).permute(2, 0, 1)[None].float()
    detector.train().extract_feat((pixels - 128) / 64)


def picture(size):
    """An image that is no noise, in the corner of a canvas of noise."""
    generator = torch.Generator().manual_seed(size[1])
    canvas = torch.randint(0, 256, (128, 128, 3), generator=generator)
    coarse = torch.rand(1, 3, 9, 9, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size, mode='bilinear')
    canvas[: size[0], : size[1]] = (255 * smooth[0].permute(1, 2, 0)).long()
    return canvas.to(torch.uint8)


@torch.no_grad()
def predicted(model, image, size):
    """What the model itself says of the image without the canvas."""
    pixels = image[: size[0], : size[1]].flip(2).permute(2, 0, 1)
    sample = SGDataSample(metainfo=dict(img_shape=size))
    data = model.data_preprocessor(
        dict(inputs=[pixels], data_samples=[sample]), False
    )
    [sample] = model.predict(
        data['inputs'], data['data_samples'], rescale=False, max_relations=100
    )
    return sample.pred_instances, sample.pred_relations


def assert_same(graph, expected):
    graph = SimpleNamespace(
        **{k: torch.as_tensor(v) for k, v in graph.items()}
    )
    instances, relations = expected
    num, pairs = len(instances), len(relations)
    assert num > 3 and pairs > 10
    close = dict(atol=1e-4, rtol=1e-4)
    assert (graph.scores >= 0).sum() == num
    assert (graph.triplet_scores >= 0).sum() == pairs
    torch.testing.assert_close(graph.boxes[:num], instances.bboxes, **close)
    assert graph.labels[:num].equal(instances.labels)
    torch.testing.assert_close(graph.scores[:num], instances.scores, **close)
    torch.testing.assert_close(
        graph.triplet_scores[:pairs], relations.scores, **close
    )
    gaps = relations.scores.diff().abs() > 1e-4
    clear = torch.ones(pairs, dtype=torch.bool)
    clear[1:] &= gaps
    clear[:-1] &= gaps
    assert clear.any()
    for name, values in (
        ('pairs', relations.pairs),
        ('predicates', relations.labels),
        ('predicate_scores', relations.predicate_scores),
    ):
        torch.testing.assert_close(
            getattr(graph, name)[:pairs][clear], values[clear], **close
        )


@pytest.mark.parametrize('name', MODELS_OF)
def test_fixed_shapes_change_nothing(name):
    model = build(name)
    fixed_model = program.SceneGraphProgram(deepcopy(model))
    counts = []
    for size in SIZES:
        image = picture(size)
        expected = predicted(model, image, size)
        with torch.no_grad():
            graph = fixed_model(image, torch.tensor(size))
        assert_same(graph, expected)
        counts.append(len(graph['pairs']))
    assert counts == [100] * 3


@pytest.fixture(scope='module')
def exported():
    model = build('egtr_sgdet')
    return model, export.export_program(deepcopy(model), (128, 128), 100, 1000)


def test_exported_program(exported):
    model, traced = exported
    shapes = {
        str(node.meta['val'].shape)
        for node in traced.graph.nodes
        if isinstance(node.meta.get('val'), torch.Tensor)
    }
    assert not [shape for shape in shapes if 'u' in shape]  # data-dependent
    run = traced.module()
    for size in SIZES[1:]:
        image = picture(size)
        assert_same(
            run(image, torch.tensor(size)), predicted(model, image, size)
        )


def test_onnx_gives_the_same(exported, tmp_path, monkeypatch, capsys):
    onnxruntime = pytest.importorskip('onnxruntime')
    pytest.importorskip('onnxscript')
    from PIL import Image

    model, traced = exported
    path, size = tmp_path / 'egtr.onnx', SIZES[1]
    about = dict(scale=(128, 128), shape=(128, 128), **ToyVGDataset.METAINFO)
    load_tool('deployment/static_graph.onnx_file').write_onnx(
        path, traced, about
    )
    image = picture(size)
    expected = predicted(model, image, size)
    session = onnxruntime.InferenceSession(str(path))
    feed = dict(image=image.numpy(), size=torch.tensor(size).numpy())
    names = [output.name for output in session.get_outputs()]
    graph = session.run(None, feed)
    assert_same(dict(zip(names, graph, strict=True)), expected)

    photo = tmp_path / 'photo.png'
    Image.fromarray(image[: size[0], : size[1]].numpy()).save(photo)
    demo = ROOT / 'demo' / 'onnx_demo.py'
    monkeypatch.setattr(sys, 'argv', [str(demo), str(photo), str(path)])
    runpy.run_path(str(demo), run_name='__main__')
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    best = expected[1].labels[0]
    assert ToyVGDataset.METAINFO['predicates'][best] in lines[0]


def random_boxes(num, generator):
    corners = 60 * torch.rand(num, 2, generator=generator)
    return torch.cat([corners, corners + 25], dim=1)


def test_nms_keeps_what_the_greedy_one_keeps():
    generator = torch.Generator().manual_seed(0)
    longest = 0
    for _ in range(20):
        boxes = random_boxes(80, generator)
        boxes[3, 2] = boxes[3, 0]  # no area
        scores = torch.rand(80, generator=generator)
        scores[:9] = fixed.EMPTY
        groups = torch.randint(2, (80,), generator=generator)
        cfg = dict(type='nms', iou_threshold=0.4)
        dets, rows = fixed.fixed_batched_nms(boxes, scores, groups, cfg)
        there = scores > 0
        expected, kept = batched_nms(
            boxes[there], scores[there], groups[there], cfg
        )
        num = len(kept)
        torch.testing.assert_close(dets[:num], expected)
        assert rows[:num].equal(there.nonzero().flatten()[kept])
        assert (dets[num:, 4] == fixed.EMPTY).all() and len(dets) == 80
        longest = max(longest, num)
    assert longest > 10


def test_nms_of_onnx_keeps_the_same(tmp_path):
    onnxruntime = pytest.importorskip('onnxruntime')
    pytest.importorskip('onnxscript')

    class Nms(torch.nn.Module):
        def forward(self, boxes, present):
            return fixed.survivors(boxes, present, 0.4)

    generator = torch.Generator().manual_seed(3)
    boxes = random_boxes(60, generator)
    present = torch.rand(60, generator=generator) > 0.2
    traced = torch.export.export(Nms(), (boxes, present), strict=False)
    translations = load_tool('deployment/static_graph.onnx_file').TRANSLATIONS
    path = tmp_path / 'nms.onnx'
    torch.onnx.export(
        traced, dynamo=True, custom_translation_table=translations
    ).save(path)
    session = onnxruntime.InferenceSession(str(path))
    names = [value.name for value in session.get_inputs()]
    for there in (present, ~present, torch.zeros_like(present)):
        feed = dict(zip(names, (boxes.numpy(), there.numpy()), strict=True))
        [kept] = session.run(None, feed)
        expected = fixed.survivors(boxes, there, 0.4)
        assert torch.as_tensor(kept).equal(expected)
        assert expected.sum() < max(there.sum(), 1)


def test_objects_of_rtmdet_are_the_same_clusters():
    generator = torch.Generator().manual_seed(2)
    args = SimpleNamespace(bbox_head=True), 3, 0.4, 12
    for _ in range(10):
        scores = torch.rand(70, generator=generator).sort(descending=True)
        labels = torch.randint(3, (70,), generator=generator)
        result = InstanceData(
            bboxes=random_boxes(70, generator),
            scores=scores.values,
            labels=labels,
        )
        expected = program.SingleStageObjects(*args).cluster(result[:60])
        result.scores[60:] = fixed.EMPTY
        found = objects.FixedSingleStageObjects(*args).cluster(result)
        num = len(expected)
        assert len(found) == 12 and found.present.sum() == num > 3
        for name in ('bboxes', 'class_bboxes', 'logits'):
            torch.testing.assert_close(found[name][:num], expected[name])


def test_late_nms_chooses_as_the_greedy_one():
    generator = torch.Generator().manual_seed(1)
    for _ in range(20):
        # so many in a place that classes run out
        boxes = 0.3 * random_boxes(9, generator)[:, None]
        boxes = boxes + 4 * torch.rand(9, 3, 1, generator=generator)
        scores = torch.rand(9, 4, generator=generator).softmax(dim=1)[:, :3]
        present = torch.ones(9, dtype=torch.bool)
        present[[2, 6]] = False
        found = fixed.fixed_late_nms(scores, boxes, present, 0.3)
        expected = late_nms(scores[present], boxes[present], 0.3)
        assert found[present].equal(expected)


def test_what_cannot_be_exported_says_so():
    model = build('sgdet')
    model.relation_head.debiasing = torch.nn.Identity()
    model.object_source.selection['max_per_class'] = 3
    with pytest.raises(ValueError, match=r'debiasing.*max_per_class'):
        program.SceneGraphProgram(model)
    model = build('egtr_sgdet')
    model.object_source = InstanceData()
    with pytest.raises(ValueError, match='InstanceData has no fixed shapes'):
        program.SceneGraphProgram(model)


def test_names_of_configs_and_missing_files(tmp_path, capsys):
    parse = load_tool('deployment/compare_export').parse_args
    weights = tmp_path / 'egtr.pth'
    weights.touch()
    args = parse(['toy/egtr_sgdet', str(weights), 'egtr.onnx'])
    assert Config.fromfile(args.config).model.type == 'SceneGraphDetector'
    with pytest.raises(SystemExit, match='2'):
        parse(['toy/egtr_sgdet', str(tmp_path / 'egtr'), 'egtr.onnx'])
    assert f'near it: {weights}' in capsys.readouterr().err


def test_scale_and_shape_come_from_the_config():
    cfg = Config.fromfile(ROOT / 'configs' / 'toy' / 'sgdet.py')
    assert export.resize_scale(cfg) == (128, 128)
    cfg.test_dataloader.dataset.pipeline[1].keep_ratio = False
    with pytest.raises(ValueError, match='keep_ratio=True'):
        export.resize_scale(cfg)
    model = build('sgdet')
    model.data_preprocessor.pad_size_divisor = 32
    assert export.input_shape(model, (1333, 800)) == (1344, 1344)
    export.check_shape(model, (320, 448))
    with pytest.raises(ValueError, match=r'320 450: .* multiples of 32;'):
        export.check_shape(model, (320, 450))
