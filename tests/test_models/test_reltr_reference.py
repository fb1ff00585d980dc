"""RelTR gives what the authors' code gave, all the way from its weights.

They go the way of a user's: saved as the original saves, converted by the
command, loaded into the model of the config. Labels there count from 1; every
size is read from the file, so that other values of other sizes pass too.
"""

import json
from argparse import Namespace

import numpy as np
import pytest
import torch
from mmdet.structures.bbox import bbox_cxcywh_to_xyxy, bbox_xyxy_to_cxcywh
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmsgg.models.relation_heads import reltr_rel_head
from mmsgg.models.relation_heads.triplet_matching import Boxes
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample

from ..folders import REFERENCE, ROOT
from ..scripts import load_tool

command = load_tool('model_converters/reltr_to_mmsgg')
CONFIG = ROOT / 'configs' / 'reltr' / 'sgdet.py'
STATES = dict(atol=1e-5, rtol=0)
CLOSE = dict(atol=1e-4, rtol=0)
PIXELS = dict(atol=1e-3, rtol=0)
#: Losses there, and how they are called here.
LOSSES = dict(
    loss_ce='loss_object',
    loss_bbox='loss_bbox',
    loss_giou='loss_iou',
    loss_rel='loss_predicate',
)


def narrow(cfg, sizes):
    """Give the model of the config the sizes of the file."""
    width, num_heads = sizes['hidden_dim'], sizes['heads']
    attention = dict(embed_dims=width, num_heads=num_heads, dropout=0.0)
    hidden = sizes['feedforward']
    detector, head = cfg.model.detector, cfg.model.relation_head
    for part in ('encoder', 'decoder'):
        coder = detector[part]
        coder.num_layers = sizes[f'{part}_layers']
        coder.layer_cfg.self_attn_cfg.update(attention)
        coder.layer_cfg.ffn_cfg.update(
            embed_dims=width, feedforward_channels=hidden
        )
    detector.decoder.layer_cfg.cross_attn_cfg.update(attention)
    channels = sizes['backbone_channels']
    detector.backbone.update(depth=18, base_channels=channels // 8)
    detector.backbone.init_cfg = None
    detector.neck.update(in_channels=[channels], out_channels=width)
    detector.positional_encoding.num_feats = width // 2
    detector.num_queries = sizes['num_entities']
    detector.test_cfg.max_per_img = sizes['num_entities']
    num_classes = sizes['foreground_classes']
    detector.bbox_head.update(num_classes=num_classes, embed_dims=width)
    head.update(
        num_classes=num_classes,
        num_predicates=sizes['foreground_predicates'],
    )
    head.decoder.update(
        num_triplets=sizes['num_triplets'],
        num_layers=sizes['decoder_layers'],
        embed_dims=width,
        num_heads=num_heads,
        feedforward_channels=hidden,
    )


@pytest.fixture(scope='module')
def file():
    with np.load(REFERENCE / 'detr' / 'reltr.npz') as arrays:
        return {
            key: torch.from_numpy(arrays[key])
            if arrays[key].dtype.kind != 'U'
            else str(arrays[key])
            for key in arrays.files
        }


@pytest.fixture(scope='module')
def sizes(file):
    return json.loads(file['meta/json'])


@pytest.fixture(scope='module')
def model(file, sizes, tmp_path_factory):
    folder = tmp_path_factory.mktemp('reltr')
    cfg = Config.fromfile(CONFIG)
    narrow(cfg, sizes)
    cfg.dump(folder / 'small.py')
    model = MODELS.build(cfg.model)
    prefix = 'state_dict/'
    weights = {
        key.removeprefix(prefix): values
        for key, values in file.items()
        if key.startswith(prefix)
    }
    for name, values in model.detector.backbone.state_dict().items():
        if not name.endswith('num_batches_tracked'):
            weights[f'backbone.0.body.{name}'] = values
    torch.save(
        dict(model=weights, epoch=149, args=Namespace(lr=1e-4)),
        folder / 'theirs.pth',
    )
    paths = [str(folder / name) for name in ('theirs.pth', 'ours.pth')]
    command.main([*paths, '--config', str(folder / 'small.py')])
    converted = torch.load(paths[1], weights_only=True)
    model.load_state_dict(converted['state_dict'], strict=True)
    return model.eval()


@pytest.fixture(scope='module')
def samples(file):
    samples = []
    batch_shape = tuple(file['input/image_mask'].shape[1:])
    shapes = zip(
        file['input/img_shapes'].tolist(),
        file['input/ori_shapes'].tolist(),
        strict=True,
    )
    for i, (shape, ori_shape) in enumerate(shapes):
        scale = (shape[1] / ori_shape[1], shape[0] / ori_shape[0])
        sample = SGDataSample(
            metainfo=dict(
                img_shape=tuple(shape),
                ori_shape=tuple(ori_shape),
                batch_input_shape=batch_shape,
                scale_factor=scale,
            )
        )
        size = torch.tensor([shape[1], shape[0]] * 2)
        boxes = bbox_cxcywh_to_xyxy(file[f'target/{i}/boxes']) * size
        relations = file[f'target/{i}/relations']
        sample.gt_instances = InstanceData(
            bboxes=boxes, labels=file[f'target/{i}/labels'] - 1
        )
        sample.gt_relations = InstanceData(
            pairs=relations[:, :2], labels=relations[:, 2] - 1
        )
        samples.append(sample)
    return samples


@pytest.fixture(scope='module')
def found(file, model, samples):
    with torch.no_grad():
        x = model.detector.neck((file['input/feature_map'],))
        return model.find(x, samples, None)


@pytest.fixture(scope='module')
def triplets(model, found):
    with torch.no_grad():
        return model.relation_head.decode(found.x, found.objects)


def theirs(logits):
    """Move the unused logit, the last but one here, to the first place."""
    return torch.cat(
        [logits[..., -2:-1], logits[..., :-2], logits[..., -1:]], dim=-1
    )


def parts_of_image(bboxes, samples):
    """Boxes (L, B, n, 4) in pixels as [cx, cy, w, h], parts of the image."""
    sizes = torch.tensor([sample.img_shape[::-1] * 2 for sample in samples])
    return bbox_xyxy_to_cxcywh(bboxes / sizes[:, None])


def layers_of(file, field):
    """What the layers gave, the last one last."""
    layers = sorted(k for k in file if k.startswith('output/aux/'))
    layers = [k for k in layers if k.endswith(f'/{field}')]
    return torch.stack([file[k] for k in [*layers, f'output/{field}']])


def test_entities(file, found, samples):
    """The detector: encoder, decoder without a norm, heads."""
    torch.testing.assert_close(found.x[0], file['output/memory'], **STATES)
    states = torch.stack([o.layer_states for o in found.objects], dim=1)
    expected = file['output/entity_hidden'].permute(2, 1, 0, 3)
    torch.testing.assert_close(states, expected, **STATES)
    logits = torch.stack([o.layer_logits for o in found.objects])
    bboxes = torch.stack([o.layer_bboxes for o in found.objects])
    logits, bboxes = (each.permute(2, 0, 1, 3) for each in (logits, bboxes))
    expected = layers_of(file, 'pred_logits')
    torch.testing.assert_close(theirs(logits), expected, **CLOSE)
    expected = layers_of(file, 'pred_boxes')
    boxes = parts_of_image(bboxes, samples)
    torch.testing.assert_close(boxes, expected, **STATES)


def test_triplets(file, triplets, samples):
    pairs = zip(('sub', 'obj'), triplets, strict=False)
    for name, boxes in pairs:
        expected = layers_of(file, f'{name}_logits')
        torch.testing.assert_close(theirs(boxes.logits), expected, **CLOSE)
        expected = layers_of(file, f'{name}_boxes')
        bboxes = parts_of_image(boxes.bboxes, samples)
        torch.testing.assert_close(bboxes, expected, **STATES)
    expected = layers_of(file, 'rel_logits')
    logits = theirs(triplets.predicate_logits)
    torch.testing.assert_close(logits, expected, **CLOSE)


def test_states_and_attention(file, model, found):
    """The states of triplets, where they look, and the feature of that."""
    head = model.relation_head
    memory, positions, padding = (
        level.flatten(2).transpose(1, 2) for level in found.x
    )
    entities = torch.stack([o.layer_states for o in found.objects])
    with torch.no_grad():
        subjects, objects, maps = head.decoder(
            memory, positions, padding[..., 0], entities.permute(2, 0, 1, 3)
        )
        states = torch.cat([subjects, objects], dim=-1)
        expected = file['output/triplet_hidden']
        torch.testing.assert_close(states, expected, **STATES)
        maps = maps[-1].unflatten(-1, found.x[0].shape[-2:])
        expected = file['output/attention_maps_last_layer']
        torch.testing.assert_close(maps, expected, **STATES)
        convolved = head.map_encoder[:9](maps[0, :3])
        expected = file['output/mask_conv_features_last_layer']
        torch.testing.assert_close(convolved, expected, **CLOSE)
        encoded = head.map_encoder(maps.flatten(0, 1))
        expected = file['output/mask_features_last_layer'].flatten(0, 1)
        torch.testing.assert_close(encoded, expected, **CLOSE)


def test_ranking(file, model, found, samples):
    metas = [sample.metainfo for sample in samples]
    head = model.relation_head
    with torch.no_grad():
        graphs = head.predict(found.x, found.objects, metas, rescale=True)
    for i, (instances, relations) in enumerate(graphs):
        expected = {
            key.removeprefix(f'rank/{i}/'): values
            for key, values in file.items()
            if key.startswith(f'rank/{i}/')
        }
        subjects, objects = relations.pairs.T
        assert torch.equal(objects, subjects + len(relations))
        assert torch.equal(subjects, expected['query_order'])
        names = [
            instances.labels[subjects],
            relations.labels,
            instances.labels[objects],
        ]
        names = torch.stack(names, dim=1) + 1
        assert torch.equal(names, expected['triplets_sub_pred_obj'])
        boxes = instances.bboxes[relations.pairs].flatten(1)
        torch.testing.assert_close(boxes, expected['boxes_sub_obj'], **PIXELS)
        scores = [
            instances.scores[subjects],
            instances.scores[objects],
            relations.predicate_scores.amax(dim=1),
        ]
        scores = torch.stack(scores, dim=1)
        torch.testing.assert_close(
            scores, expected['scores_sub_obj_pred'], **CLOSE
        )
        torch.testing.assert_close(
            relations.scores, expected['triplet_scores'], **CLOSE
        )
        torch.testing.assert_close(
            relations.predicate_scores[subjects.argsort()],
            expected['all_predicate_scores'],
            **CLOSE,
        )


def entity_boxes(found):
    """What the entity queries gave, as the head hands it to its losses."""
    return Boxes(
        *(
            torch.stack([o.get(field) for o in found.objects]).permute(
                2, 0, 1, 3
            )
            for field in ('layer_logits', 'layer_bboxes')
        )
    )


def test_matches(file, model, found, triplets, samples):
    matcher = model.relation_head.matcher
    matches = matcher.match(entity_boxes(found), *triplets, samples)
    counts = dict(
        entity=[len(sample.gt_instances) for sample in samples],
        triplet=[len(sample.gt_relations) for sample in samples],
    )
    for name, layers in zip(counts, matches, strict=True):
        first = 0
        for i, count in enumerate(counts[name]):
            own = layers[-1].images == i
            for field, values, shift in (
                ('query', layers[-1].queries, 0),
                ('target', layers[-1].rows, first),
            ):
                expected = file[f'match/{i}/{name}_{field}']
                assert torch.equal(values[own] - shift, expected)
            first += count
    for name, boxes in zip(('subject', 'object'), triplets, strict=False):
        fits = matcher.fits(boxes, samples)[-1]
        found_by = matches[1][-1]
        fits[found_by.images, found_by.queries] = False
        expected = file[f'match/{name}_weight']
        assert torch.equal((~fits).float(), expected)


def test_losses(file, model, found, samples):
    with torch.no_grad():
        losses = model.relation_head.loss(found.x, found.objects, samples)
    weights = json.loads(file['meta/json'])['loss_weights']
    total = sum(losses.values())
    torch.testing.assert_close(total, file['loss/total'], **CLOSE)
    last = len(file['output/entity_hidden']) - 1
    for layer in range(last + 1):
        for theirs, ours in LOSSES.items():
            here = ours if layer == last else f'd{layer}.{ours}'
            there = theirs if layer == last else f'{theirs}_{layer}'
            torch.testing.assert_close(
                losses.pop(here) / weights[theirs],
                file[f'loss/{there}'],
                **CLOSE,
            )
    assert not losses


def test_boxes_are_averaged_over_all_processes(
    model, found, samples, monkeypatch
):
    """Here of another one that has three times as many."""
    head = model.relation_head
    losses = []
    for mean in (lambda num: num, lambda num: 2 * num):
        monkeypatch.setattr(reltr_rel_head, 'reduce_mean', mean)
        with torch.no_grad():
            losses.append(head.loss(found.x, found.objects, samples))
    alone, together = losses
    for name, loss in alone.items():
        of_boxes = name.endswith(('loss_bbox', 'loss_iou'))
        torch.testing.assert_close(together[name], loss / (1 + of_boxes))


def test_what_the_detector_finds_by_itself(file, model, found, samples):
    """The entities alone, as the authors compute AP50."""
    states = torch.stack([o.layer_states for o in found.objects])
    with torch.no_grad():
        results = model.detector.bbox_head.predict(
            states.permute(2, 0, 1, 3), samples, rescale=True
        )
    for i, result in enumerate(results):
        expected = file[f'detection/{i}/scores'].sort(descending=True)
        torch.testing.assert_close(result.scores, expected.values, **CLOSE)
        labels = file[f'detection/{i}/labels'][expected.indices]
        unused = labels == 0  # behind the others here
        num_classes = model.relation_head.num_classes
        labels = labels.masked_fill(unused, num_classes + 1)
        assert torch.equal(result.labels + 1, labels)
