"""The detector of Scene-Graph-Benchmark gives what the original gave.

Its weights go the way of a user's: saved as the original saves, converted by
the command, loaded into the model of the config.
"""

from ast import literal_eval

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from PIL import Image

from mmsgg.models import InclusiveRoIExtractor, TwoStageObjects
from mmsgg.models.object_sources.two_stage import select_detections
from mmsgg.models.task_modules import InclusiveDeltaXYWHBBoxCoder
from mmsgg.registry import MODELS, TASK_UTILS, TRANSFORMS
from mmsgg.structures import SGDataSample

from ...folders import REFERENCE, ROOT
from ...scripts import load_tool
from ...test_models.sgb_detector import narrow

command = load_tool('model_converters/sgb_to_mmsgg')
CONFIG = ROOT / 'configs' / 'sgb' / 'faster-rcnn_x101-32x8d_fpn.py'
RELATION_MODEL = Config.fromfile(CONFIG.parent / 'motifs_sgdet.py').model
#: How its objects are selected.
SELECTION = {
    key: value
    for key, value in RELATION_MODEL.object_source.items()
    if key != 'type'
}
PIXELS = dict(atol=1e-3, rtol=0)
CLOSE = dict(atol=1e-4, rtol=0)
IMAGES = ('image0', 'image1')


@pytest.fixture(scope='module')
def file():
    with np.load(REFERENCE / 'sgb' / 'sgb_detector.npz') as arrays:
        return dict(arrays)


@pytest.fixture(scope='module')
def sizes(file):
    return literal_eval(str(file['config']))


@pytest.fixture(scope='module')
def model(file, sizes, tmp_path_factory):
    folder = tmp_path_factory.mktemp('sgb')
    weights = {
        key.removeprefix('state_dict/'): torch.from_numpy(values)
        for key, values in file.items()
        if key.startswith('state_dict/')
    }
    cfg = Config.fromfile(CONFIG)
    narrow(cfg.model, weights, sizes)
    cfg.dump(folder / 'small.py')
    torch.save(dict(model=weights, iteration=3), folder / 'model_final.pth')
    paths = [str(folder / name) for name in ('model_final.pth', 'ours.pth')]
    command.main([*paths, '--config', str(folder / 'small.py')])
    model = MODELS.build(Config.fromfile(folder / 'small.py').model)
    state_dict = torch.load(paths[1], weights_only=True)['state_dict']
    model.load_state_dict(state_dict, strict=True)
    return model.eval()


@pytest.fixture(params=IMAGES)
def image(request, file):
    return part(file, request.param)


def part(file, name):
    """The arrays under a name, as tensors."""
    return {
        key.removeprefix(f'{name}/'): torch.as_tensor(values)
        for key, values in file.items()
        if key.startswith(f'{name}/')
    }


def loaded(model, image):
    """The normalised, padded batch of an image, and its sample."""
    rgb = image['input/rgb']
    shape = tuple(rgb.shape[:2])
    meta = dict(img_shape=shape, ori_shape=shape, scale_factor=(1.0, 1.0))
    data = dict(
        inputs=[rgb.flip(-1).permute(2, 0, 1).contiguous()],
        data_samples=[SGDataSample(metainfo=meta)],
    )
    data = model.data_preprocessor(data)
    return data['inputs'], data['data_samples']


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(ours, theirs, **(tolerance or CLOSE))


def same_ranking(ours, boxes, scores):
    """Compare what is ranked; ranks only where scores are apart."""
    assert len(ours) == len(boxes)
    rows = torch.cdist(boxes, ours.bboxes).argmin(dim=1)
    close(ours.bboxes[rows], boxes, **PIXELS)
    close(ours.scores[rows], scores)
    apart = scores[:-1] - scores[1:] > 1e-5
    true = torch.ones(1, dtype=torch.bool)
    sure = torch.cat([true, apart]) & torch.cat([apart, true])
    assert torch.equal(rows[sure], torch.arange(len(rows))[sure])


@torch.no_grad()
def test_image_and_backbone(model, image):
    inputs, _ = loaded(model, image)
    assert list(inputs.shape[2:]) == image['check/padded_shape'].tolist()
    if 'check/normalised_top_left_2x2_bgr' in image:
        corner = image['check/normalised_top_left_2x2_bgr']
        close(inputs[0, :, :2, :2], corner)
    levels = ('C2', 'C3', 'C4', 'C5')
    for ours, level in zip(model.backbone(inputs), levels, strict=True):
        corner = image[f'body/{level}_corner_4x4']
        close(ours[0, :, :4, :4], corner)


@torch.no_grad()
def test_pyramid_and_rpn(model, file):
    image = part(file, 'image0')
    inputs, samples = loaded(model, image)
    maps = model.extract_feat(inputs)
    scores, deltas = model.rpn_head(maps)
    anchors = model.rpn_head.prior_generator.grid_priors(
        [level.shape[2:] for level in maps], device='cpu'
    )
    for i in range(5):
        close(maps[i][0], image[f'fpn/P{i + 2}'])
        close(scores[i][0], image[f'rpn/objectness_logits_{i}'])
        close(deltas[i][0], image[f'rpn/deltas_{i}'])
        ends = torch.cat([anchors[i][:12], anchors[i][-4:]])
        close(ends, image[f'rpn/anchors_{i}_first_12_last_4'])
    # what is left of the levels, each after its bound
    cfg = model.rpn_head.test_cfg.copy()
    cfg.max_per_img = 10**6
    metas = [sample.metainfo for sample in samples]
    [ours] = model.rpn_head.predict_by_feat(
        scores, deltas, batch_img_metas=metas, cfg=cfg
    )
    level_scores, boxes = (
        torch.cat([image[f'rpn/level{i}_{name}'] for i in range(5)])
        for name in ('scores', 'boxes')
    )
    order = level_scores.argsort(descending=True)
    same_ranking(ours, boxes[order], level_scores[order])


@torch.no_grad()
def test_proposals_and_box_head(model, image):
    inputs, samples = loaded(model, image)
    maps = model.extract_feat(inputs)
    [proposals] = model.rpn_head.predict(maps, samples, rescale=False)
    boxes = image['proposals/boxes']
    same_ranking(proposals, boxes, image['proposals/scores'])

    rois = torch.nn.functional.pad(boxes, (1, 0))
    head = model.roi_head
    levels = head.bbox_roi_extractor.map_roi_levels(rois, 4)
    assert torch.equal(levels, image['roi/levels'])
    pooled = head.bbox_roi_extractor(maps[:4], rois)
    if 'roi/pooled_every_8th' in image:
        close(pooled[::8], image['roi/pooled_every_8th'])
    logits, deltas = head.bbox_head(pooled)
    close(logits.roll(1, 1), image['roi/class_logits'])
    close(deltas, image['roi/box_regression'][:, 4:])
    num_classes = head.bbox_head.num_classes
    decoded = head.bbox_head.bbox_coder.decode(
        boxes.repeat_interleave(num_classes, dim=0),
        deltas.reshape(-1, 4),
    )
    expected = image['roi/decoded_unclipped'][:, 1:]
    close(decoded.reshape(expected.shape), expected, **PIXELS)


@torch.no_grad()
def test_objects_of_a_relation_model(model, image, sizes):
    most = dict(max_per_img=sizes['MODEL.ROI_HEADS.DETECTIONS_PER_IMG'])
    num_classes = model.roi_head.bbox_head.num_classes
    source = TwoStageObjects(model, num_classes, **SELECTION | most)
    inputs, samples = loaded(model, image)
    maps = model.extract_feat(inputs)
    # in the order of the proposals, which the last digits may change
    samples[0].proposals = InstanceData(bboxes=image['proposals/boxes'])
    [objects] = source.objects(maps, samples, None)
    expected = part(image, 'relation_mode')
    close(objects.bboxes, expected['boxes'], **PIXELS)
    boxes = expected['boxes_per_cls'][:, 1:]
    close(objects.class_bboxes, boxes, **PIXELS)
    theirs = expected['predict_logits'].log_softmax(dim=1)
    close(objects.logits.log_softmax(dim=1).roll(1, 1), theirs)
    # an object lies in the box of the class that it was detected as
    rows = torch.arange(len(boxes))
    labels = expected['labels'] - 1
    close(objects.bboxes, objects.class_bboxes[rows, labels], **PIXELS)
    scores = objects.logits.softmax(dim=1)[rows, labels]
    close(scores, expected['scores'])


@torch.no_grad()
def test_detections(model, image):
    expected = part(image, 'detector_mode')
    model.roi_head.test_cfg.max_per_img = len(expected['boxes'])
    inputs, samples = loaded(model, image)
    [sample] = model.predict(inputs, samples, rescale=False)
    found = sample.pred_instances
    order = expected['scores'].argsort(descending=True)  # class by class there
    boxes, scores = expected['boxes'][order], expected['scores'][order]
    same_ranking(found, boxes, scores)
    labels = expected['labels'][order]
    assert torch.equal(found.labels + 1, labels)


def test_published_anchors(file):
    generator = Config.fromfile(CONFIG).model.rpn_head.anchor_generator
    generator = TASK_UTILS.build(generator)
    for (stride, _), anchors in zip(
        generator.strides, generator.base_anchors, strict=True
    ):
        expected = file[f'published_cell_anchors/stride_{stride}']
        assert anchors.tolist() == expected.tolist()


def test_resized_images(file):
    pipeline = Config.fromfile(CONFIG).test_dataloader.dataset.pipeline
    [resize] = [s for s in pipeline if s.type == 'TruncatedResize']
    resize = TRANSFORMS.build(resize)
    for original, resized in zip(
        file['unit/resize/original_wh'].tolist(),
        file['unit/resize/resized_wh'].tolist(),
        strict=True,
    ):
        image = np.zeros((original[1], original[0], 3), np.uint8)
        results = resize(dict(img=image))
        assert list(results['img'].shape[1::-1]) == resized, original
        ratios = [r / o for r, o in zip(resized, original, strict=True)]
        assert results['scale_factor'] == pytest.approx(ratios)


@pytest.mark.parametrize('name', [CONFIG.stem, 'motifs_sgdet'])
def test_what_a_model_sees(tmp_path, name):
    """A file, by Pillow and by hand."""
    rgb = np.random.default_rng(0).integers(0, 255, (200, 333, 3), np.uint8)
    path = tmp_path / 'x.png'  # without losses
    Image.fromarray(rgb).save(path)
    cfg = Config.fromfile(CONFIG.parent / f'{name}.py')
    item = dict(img_path=str(path), img_id='x', instances=[], relations=[])
    for step in cfg.test_dataloader.dataset.pipeline:
        item = TRANSFORMS.build(step)(item)
    detector = cfg.model.get('detector', cfg.model)
    with DefaultScope.overwrite_default_scope('mmdet'):
        preprocessor = MODELS.build(detector.data_preprocessor)
    batch = preprocessor({key: [value] for key, value in item.items()})

    resized = Image.fromarray(rgb).resize((999, 600), Image.BILINEAR)
    bgr = torch.tensor(np.array(resized)).permute(2, 0, 1).flip(0)
    mean = torch.tensor([102.9801, 115.9465, 122.7717])[:, None, None]
    expected = torch.nn.functional.pad(bgr - mean, (0, 25, 0, 8))
    close(batch['inputs'][0], expected)
    [sample] = batch['data_samples']
    assert sample.img_shape == (600, 999)
    assert sample.scale_factor == (999 / 333, 600 / 200)


def test_levels_and_pooling(file):
    unit = part(file, 'unit')
    cfg = Config.fromfile(CONFIG).model.roi_head.bbox_roi_extractor
    x = unit['roi_align/x']
    cfg.update(out_channels=x.shape[1])
    extractor = MODELS.build(cfg)
    assert isinstance(extractor, InclusiveRoIExtractor)
    boxes = torch.nn.functional.pad(unit['level_mapper/boxes'], (1, 0))
    levels = extractor.map_roi_levels(boxes, 4)
    assert torch.equal(levels, unit['level_mapper/levels'])
    close(
        extractor((x,), unit['roi_align/rois']),
        unit['roi_align/out_scale0.25_7x7_sampling2'],
    )


def test_box_coder(file):
    unit = part(file, 'unit/box_coder')
    cfg = Config.fromfile(CONFIG).model.roi_head.bbox_head.bbox_coder
    coder = TASK_UTILS.build(cfg)
    assert isinstance(coder, InclusiveDeltaXYWHBBoxCoder)
    encoded = coder.encode(unit['proposals'], unit['reference'])
    close(encoded, unit['encoded_10_10_5_5'])
    decoded = coder.decode(unit['proposals'][:2], unit['codes'])
    expected = unit['decoded_clamped_on_first_two_proposals']
    close(decoded, expected, **PIXELS)
    decoded = coder.decode(unit['proposals'], encoded)
    close(decoded, unit['reference'], **PIXELS)


@pytest.mark.parametrize('label', [0, 149])
def test_all_classes_keep_their_digits(label):
    """Two boxes overlap by a hair less than NMS allows, in whatever class.

    mmcv's batched NMS would move those of class 149 by 149,000 pixels, where
    there is a number for each 64th of a pixel.
    """
    shift = 53.847  # IoU 0.3 at 53.846
    boxes = torch.tensor(
        [[0, 0, 99, 99], [shift, 0, 99 + shift, 99], [989.0, 0, 999, 9]]
    )
    scores = torch.zeros(3, 151)
    scores[:, label] = 0.5
    class_boxes = boxes[:, None].expand(-1, 150, 4)
    kept = select_detections(scores, class_boxes, **SELECTION)
    assert torch.equal(kept.bboxes, boxes)


@pytest.mark.parametrize(
    'path', sorted(CONFIG.parent.glob('*_sgdet.py')), ids=lambda p: p.stem
)
def test_relation_models_hold_this_detector(path):
    alone = Config.fromfile(CONFIG).model.to_dict()
    assert alone['test_cfg']['rpn'].pop('max_per_img') == 2000
    cfg = Config.fromfile(path).model.to_dict()
    detector = cfg['detector']
    assert detector['test_cfg']['rpn'].pop('max_per_img') == 1000
    assert detector == alone
    assert cfg['object_source'] == RELATION_MODEL.object_source.to_dict()
