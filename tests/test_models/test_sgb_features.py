"""What the heads of Scene-Graph-Benchmark share, against its values."""

import pytest
import torch
from mmengine.structures import InstanceData

from mmsgg.models.layers import FrequencyBias
from mmsgg.models.relation_heads.object_classes import (
    class_probabilities,
    late_nms,
)
from mmsgg.models.relation_heads.pair_features import (
    fill_rectangles,
    image_sizes,
)
from mmsgg.registry import MODELS
from mmsgg.structures.bbox import image_geometry

from . import sgb
from .samples import (
    NUM_CLASSES,
    drawing_cfg,
    feature_map,
    linknet_cfg,
    metas,
    random_objects,
)


@pytest.fixture(scope='module')
def reference():
    return sgb.read('sgb_motifs')


def test_where_boxes_lie_in_their_image(reference):
    arrays, sizes = reference
    for case in sgb.cases(arrays):
        for task in ('predcls', 'sgdet'):
            objects = sgb.objects_of(
                sgb.part(arrays, f'{case}/input'), task, sizes['image_wh']
            )
            torch.testing.assert_close(
                image_geometry(objects.bboxes, image_sizes([objects])),
                arrays[f'{case}/{task}/intermediate/box_info'],
            )


def test_boxes_drawn_into_their_image(reference):
    arrays, sizes = reference
    for case in sgb.cases(arrays):
        key = f'{case}/predcls/intermediate'
        if f'{key}/rect_inputs' not in arrays:
            continue
        expected = arrays[f'{key}/rect_inputs']
        pairs = arrays[f'{key}/pairs_before_ranking']
        boxes = arrays[f'{case}/input/boxes'][pairs]
        frames = torch.tensor([sizes['image_wh']]).expand(len(pairs), 2)
        for i in range(2):
            drawn = fill_rectangles(boxes[:, i], frames, expected.shape[-1])
            assert torch.equal(drawn.bool(), expected[:, i])
            assert {*drawn.unique().tolist()} == {0.0, 1.0}


@pytest.mark.parametrize(
    ('rule', 'of'),
    [
        ('background', 'labels_post_processing'),
        ('overwrite', 'labels_in_transformer_and_penet'),
    ],
)
def test_late_nms_where_classes_run_out(reference, rule, of):
    arrays, sizes = reference
    names = {k.split('/')[0] for k in arrays if k.startswith('late_nms')}
    assert names
    for name in names:
        boxes = arrays[f'{name}/input/boxes_per_cls']
        scores = arrays[f'{name}/input/logits'].softmax(dim=1)[:, 1:]
        labels = late_nms(scores, boxes[:, 1:], sizes['later_nms'], rule)
        background = scores.shape[1]
        found = torch.where(labels == background, 0, labels + 1)
        assert torch.equal(found, arrays[f'{name}/output/{of}'])


@torch.no_grad()
def test_what_is_left_of_a_crowd_scores_nothing():
    """Its class is a guess, as a graph has no background."""
    head = MODELS.build(linknet_cfg(frequency_bias=False)).eval()
    objects = random_objects(NUM_CLASSES + 2, task='sgdet')
    labels = torch.tensor([0, 1, NUM_CLASSES, 2, NUM_CLASSES, 3])
    logits = torch.randn(len(labels), NUM_CLASSES + 1)
    pairs = head.all_pairs(objects.bboxes)
    predicates = torch.randn(len(pairs), head.num_predicates + 1)
    instances, relations = head.predict_by_feat(
        logits, labels, predicates, objects, pairs, metas(1)[0]
    )
    left = labels == NUM_CLASSES
    assert torch.equal(instances.labels[~left], labels[~left])
    guesses = logits[:, :-1].argmax(dim=1)
    assert torch.equal(instances.labels[left], guesses[left])
    assert (instances.scores == 0).tolist() == left.tolist()
    unrelated = left[relations.pairs].any(dim=1)
    assert torch.equal(relations.scores == 0, unrelated)


def test_a_frequency_bias_with_background():
    bias = FrequencyBias(3, 2, background=True)
    counts = torch.randint(9, (3, 3, 3)).numpy()
    bias.set_counts(counts)
    plain = FrequencyBias(3, 2)
    plain.set_counts(counts)
    labels = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    torch.testing.assert_close(bias(labels), plain(labels))
    of_background = bias(torch.tensor([[3, 0], [1, 3], [3, 3]]))
    expected = torch.tensor([1e-3, 1e-3, 1 + 1e-3]).log().expand(3, 3)
    torch.testing.assert_close(of_background, expected)


def test_given_classes_are_certain():
    open_, given = random_objects(2), random_objects(3, 1, 'predcls')
    distribution = class_probabilities([open_, given])
    torch.testing.assert_close(distribution[:2], open_.logits.softmax(dim=1))
    rows = torch.arange(3)
    assert torch.equal(distribution[2:][rows, given.labels], torch.ones(3))


def test_the_size_of_the_image_is_missed():
    with pytest.raises(ValueError, match='img_shape in their metainfo'):
        image_sizes([InstanceData(bboxes=random_objects(2).bboxes)])
    cfg = drawing_cfg()
    cfg['union_roi_extractor']['drawn_in'] = 'image'
    features = MODELS.build(linknet_cfg(features=cfg)).features
    boxes = torch.cat([torch.zeros(2, 1), random_objects(2).bboxes], dim=1)
    with pytest.raises(ValueError, match="drawn_in='union'"):
        features.union_roi_extractor(feature_map(1), boxes, boxes)
