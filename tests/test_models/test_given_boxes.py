"""Scene graphs from boxes and classes; there are no images at all."""

import json
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.structures import InstanceData

from mmsgg.datasets import VRDDataset
from mmsgg.models.object_sources import GivenBoxes
from mmsgg.models.task_modules import DetectionRelationSampler
from mmsgg.registry import DATASETS, MODELS
from mmsgg.structures.bbox import box_ious

from ..folders import DATA
from ..scripts import load_tool
from .samples import NUM_CLASSES, NUM_PREDICATES, linknet_cfg, random_sample
from .test_linknet_switches import NO_IMAGE

set_data_root = load_tool('analysis_tools/repeated_runs').set_data_root
CONFIGS = Path(__file__).parents[2] / 'configs'
HEADS = dict(
    linknet=linknet_cfg(**NO_IMAGE),
    gated=linknet_cfg(**NO_IMAGE, layout_gate=True, dropout=0.2),
    frequency=dict(
        type='FrequencyRelHead',
        num_classes=NUM_CLASSES,
        num_predicates=NUM_PREDICATES,
    ),
)


def build(head, **kwargs):
    torch.manual_seed(0)
    cfg = dict(
        type='SceneGraphDetector', task='predcls', relation_head=HEADS[head]
    )
    model = MODELS.build(cfg | kwargs)
    for name, parameter in model.named_parameters():
        if 'frequency_bias' in name:
            torch.nn.init.normal_(parameter)
    return model.eval()


def samples_of(*sizes):
    samples = [random_sample(n, 2 * n if n > 1 else 0, n) for n in sizes]
    for sample in samples:
        del sample.scale_factor  # there is no image that was scaled
        gt = sample.gt_instances
        sample.proposals = InstanceData(
            bboxes=gt.bboxes + 1,
            labels=gt.labels,
            scores=torch.linspace(0.5, 0.9, len(gt)),
        )
    return samples


@pytest.mark.parametrize('task', ['predcls', 'sgdet'])
@pytest.mark.parametrize('head', HEADS)
@torch.no_grad()
def test_objects_keep_boxes_classes_and_scores(head, task):
    model = build(head, task=task)
    batch = model.test_step(dict(data_samples=samples_of(5, 0, 1, 3)))
    for sample, size in zip(batch, (5, 0, 1, 3), strict=True):
        found = sample.pred_instances
        given = sample.gt_instances if task == 'predcls' else sample.proposals
        torch.testing.assert_close(found.bboxes, given.bboxes)
        assert torch.equal(found.labels, given.labels)
        scores = given.get('scores', torch.ones(size))
        torch.testing.assert_close(found.scores, scores)
        relations = sample.pred_relations
        assert len(relations) == size * max(size - 1, 0)
        product = found.scores[relations.pairs].prod(dim=1)
        best = relations.predicate_scores.amax(dim=1)
        torch.testing.assert_close(relations.scores, product * best)
        [alone] = model.test_step(dict(data_samples=samples_of(size)))
        torch.testing.assert_close(
            relations.scores, alone.pred_relations.scores
        )


@pytest.mark.parametrize('head', HEADS)
@torch.no_grad()
def test_given_pairs_are_the_annotated_ones_each_once(head):
    model = build(head, given_pairs=True)
    [sample, empty] = samples_of(4, 1)
    sample.gt_relations = InstanceData(
        pairs=torch.tensor([[2, 0], [1, 1], [2, 0]]), labels=torch.arange(3)
    )
    sample, empty = model.test_step(dict(data_samples=[sample, empty]))
    pairs = sample.pred_relations.pairs.tolist()
    assert sorted(pairs) == [[1, 1], [2, 0]]
    assert len(empty.pred_relations) == 0


@pytest.mark.parametrize('task', ['predcls', 'sgdet'])
@pytest.mark.parametrize('head', HEADS)
def test_gradients_reach_every_parameter(head, task):
    model = build(head, task=task).train()
    data = model.data_preprocessor(dict(data_samples=samples_of(5, 4)), True)
    losses = model(**data, mode='loss')
    model.parse_losses(losses)[0].backward()
    without = {
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    }
    assert {name for name in without if not name.endswith('W.bias')} == set()


def test_the_gate_makes_geometry_depend_on_classes():
    model = build('gated')
    head = model.relation_head
    with torch.no_grad():
        head.layout_gate.weight.zero_()
        head.layout_gate.bias.fill_(1)
    plain = build('linknet')
    missing = plain.load_state_dict(model.state_dict(), strict=False)
    assert missing.missing_keys == []
    ours, theirs = (
        m.test_step(dict(data_samples=samples_of(4)))[0]
        for m in (model, plain)
    )
    torch.testing.assert_close(
        ours.pred_relations.scores, theirs.pred_relations.scores
    )


def test_what_is_wrong_is_named():
    with pytest.raises(ValueError, match="predcls and sgdet, not 'sgcls'"):
        build('linknet', task='sgcls')
    cfg = dict(
        type='SceneGraphDetector', task='predcls', relation_head=linknet_cfg()
    )
    with pytest.raises(ValueError, match='no image to show to LinkNetRelHead'):
        MODELS.build(cfg)
    [sample] = samples_of(2)
    del sample.proposals
    with pytest.raises(ValueError, match=r'2\.jpg.*LoadDetections'):
        build('linknet', task='sgdet').test_step(dict(data_samples=[sample]))


def test_a_detection_of_the_background_is_refused():
    [sample] = samples_of(2)
    sample.proposals.labels[1] = NUM_CLASSES
    with pytest.raises(ValueError, match=r'2\.jpg is of class.*from 0; subt'):
        build('linknet', task='sgdet').test_step(dict(data_samples=[sample]))


def test_a_detector_beside_given_boxes_makes_the_maps():
    maps = (torch.zeros(1, 2, 3, 4),)
    detector = SimpleNamespace(extract_feat=lambda images: (images, maps))
    assert GivenBoxes(detector, NUM_CLASSES).extract_feat('image') == (
        'image',
        maps,
    )
    assert GivenBoxes(None, NUM_CLASSES).extract_feat(None) == ()


def vrd_config(name, folder):
    """A config on the detections of VRD, its data in a folder."""
    cfg = Config.fromfile(CONFIGS / 'vrd' / f'{name}_boxes_detections.py')
    set_data_root(cfg, str(folder))
    return cfg


def write_vrd(folder, found_class=1):
    def end(category, *bbox):
        return dict(category=category, bbox=bbox)

    cat, hat = end(0, 5, 30, 1, 20), end(1, 1, 8, 3, 12)
    rows = [dict(predicate=1, subject=hat, object=cat)]
    found = [
        dict(bbox=[2, 0, 11, 7], category=found_class, score=0.75),
        dict(bbox=[0, 4, 19, 29], category=0, score=0.5),
    ]
    for name, content in (
        ('annotations_test.json', {'a.jpg': rows, 'b.jpg': rows, 'c.jpg': []}),
        ('objects.json', VRDDataset.METAINFO['classes']),
        ('predicates.json', VRDDataset.METAINFO['predicates']),
        ('detections_test.json', {'a.jpg': found}),
    ):
        (folder / name).write_text(json.dumps(content))


@pytest.mark.parametrize('name', ['linknet', 'frequency'])
def test_configs_open_no_image(name, tmp_path, monkeypatch):
    """There is no image; a look at one would fail, here and on the way."""

    def refuse(*_, **__):
        raise AssertionError('an image was opened')

    for reader in ('imread', 'imdecode'):
        monkeypatch.setattr(cv2, reader, refuse)
    write_vrd(tmp_path)
    cfg = vrd_config(name, tmp_path)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    # the third image has no relation, and is left out
    assert len(dataset) == 2
    data = pseudo_collate([dataset[i] for i in range(2)])
    assert 'inputs' not in data
    model = MODELS.build(cfg.model).eval()
    with torch.no_grad():
        found, unfound = model.test_step(data)
    assert found.pred_instances.labels.tolist() == [1, 0]
    assert found.pred_instances.scores.tolist() == [0.75, 0.5]
    assert found.pred_relations.predicate_scores.shape == (2, 70)
    assert len(unfound.pred_instances) == 0
    assert len(unfound.gt_instances) == 2
    losses = MODELS.build(cfg.model | dict(task='predcls')).train()(
        **model.data_preprocessor(data), mode='loss'
    )
    assert losses['loss_predicate'].isfinite()


def count_on_detections(folder):
    """Count what the sampler makes of VRD's relations on detections.

    Returns:
        How many relations get a related pair, and how many have an unrelated
        pair although both boxes were found by detections of their class.
    """
    cfg = vrd_config('frequency', folder)
    model = MODELS.build(cfg.model)
    sizes = model.relation_head.num_classes, model.relation_head.num_predicates
    sampler = DetectionRelationSampler(10**9, overlap_only=False)
    related = wrong = 0
    for item in DATASETS.build(cfg.test_dataloader.dataset):
        data = model.data_preprocessor(pseudo_collate([item]))
        [sample] = data['data_samples']
        gt, relations = sample.gt_instances, sample.gt_relations
        [objects] = model.objects_of((), [sample], None)
        targets = sampler.sample(objects, gt, relations, *sizes)
        positive = targets.predicates < sizes[1]
        related += int(positive.sum())
        negatives = {*map(tuple, targets.pairs[~positive].tolist())}
        shown = box_ious(objects.bboxes, gt.bboxes) >= 0.5
        shown &= targets.labels[:, None] == gt.labels
        for pair in relations.pairs.tolist():
            subjects, objects_ = (shown[:, k].nonzero()[:, 0] for k in pair)
            found = product(subjects.tolist(), objects_.tolist())
            wrong += not negatives.isdisjoint(found)
    return related, wrong


@pytest.mark.parametrize('found_class', [1, 2])
def test_relations_on_made_detections_whatever_they_are_called(
    tmp_path, found_class
):
    write_vrd(tmp_path, found_class)
    assert count_on_detections(tmp_path) == (1, 0)


@pytest.mark.skipif(
    not (DATA / 'vrd').is_dir(),
    reason=f'the real VRD is not in {DATA} (MMSGG_DATA)',
)
def test_relations_on_real_detections():
    """A third of the well-localised detections have another class.

    Where the detected classes had to agree too, 2509 relations got a pair. 29
    more, of 7638, are matched by nothing but one detection at both ends.
    """
    assert count_on_detections(DATA / 'vrd') == (3937, 0)
