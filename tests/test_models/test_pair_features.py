"""The regions of objects and of pairs, at once and in chunks."""

import weakref

import numpy as np
import pytest
import torch
from mmdet.structures.bbox import bbox2roi

from mmsgg.models.relation_heads.pair_features import (
    draw_rectangles,
    stack_pairs,
)
from mmsgg.registry import MODELS
from mmsgg.structures.bbox import union_boxes

from .samples import (
    assert_same_graph,
    drawing_cfg,
    feature_map,
    features_cfg,
    linknet_cfg,
    metas,
    random_objects,
)


def test_union_boxes_and_their_drawing():
    subjects = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    objects = torch.tensor([[2.0, 3.0, 8.0, 8.0]])
    frames = union_boxes(subjects, objects)
    assert frames.tolist() == [[0, 0, 8, 8]]
    size = 5
    drawing = draw_rectangles(objects, frames, size)[0]
    fine = 400  # cells of the slow drawing along one side of one cell
    grid = (np.arange(size * fine) + 0.5) * 8 / (size * fine)
    inside = np.outer((grid > 3) & (grid < 8), (grid > 2) & (grid < 8))
    covered = inside.reshape(size, fine, size, fine).mean(axis=(1, 3))
    np.testing.assert_allclose(drawing, covered, atol=5e-3)
    point = torch.ones(1, 4)  # no box has less
    assert draw_rectangles(point, point, size).isfinite().all()


@pytest.mark.parametrize('draw_boxes', [False, True])
def test_union_extractor_pools_the_union_of_its_own_image(draw_boxes):
    torch.manual_seed(0)
    roi_extractor = dict(
        type='mmdet.SingleRoIExtractor',
        roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=1),
        out_channels=8,
        featmap_strides=[8],
    )
    extractor = MODELS.build(
        dict(
            type='UnionRoIExtractor',
            roi_extractor=roi_extractor,
            draw_boxes=draw_boxes,
        )
    ).eval()
    x = feature_map(3)
    boxes = torch.tensor(
        [[0.0, 0.0, 20.0, 20.0], [30.0, 10.0, 60.0, 50.0], [5, 5, 9, 9]]
    )
    none = torch.zeros(0, 2, dtype=torch.long)
    pairs = [torch.tensor([[0, 1], [1, 2]]), none, torch.tensor([[2, 0]])]

    def pool(x, bboxes, pairs):
        rois = bbox2roi(bboxes)
        return extractor(x, *rois[stack_pairs(bboxes, pairs).T])

    with torch.no_grad():
        out = pool(x, [boxes, boxes[:0], boxes], pairs)
        assert out.shape == (3, 8, 7, 7)
        last = pool((x[0][2:],), [boxes], [pairs[2]])
        torch.testing.assert_close(out[2:], last)
        if not draw_boxes:
            roi = torch.tensor([[0, 0.0, 0.0, 60.0, 50.0]])
            expected = extractor.roi_extractor(x, roi)
            torch.testing.assert_close(out[:1], expected)
        assert pool(x, [boxes[:0]] * 3, [none] * 3).shape == (0, 8, 7, 7)


def pooled_at_once(head):
    """Hook a list in that gets the number of RoIs of each pooling."""
    sizes = []
    head.features.union_roi_extractor.roi_extractor.register_forward_pre_hook(
        lambda _, args: sizes.append(len(args[1]))
    )
    return sizes


@pytest.mark.parametrize('max_pairs', [1, 3, 7, 1000])
@pytest.mark.parametrize('draw_boxes', [False, True])
@torch.no_grad()
def test_pairs_in_chunks_give_the_same(draw_boxes, max_pairs):
    """Chunks of 44 pairs reach over images, and over those without pairs."""
    torch.manual_seed(0)
    head = MODELS.build(
        linknet_cfg(features=drawing_cfg() if draw_boxes else features_cfg())
    ).eval()
    sizes = pooled_at_once(head)
    objects = [random_objects(n, n) for n in (5, 0, 3, 1, 4, 3)]
    whole = head.predict(feature_map(6), objects, metas(6))
    assert sizes == [44 if draw_boxes else 22]
    sizes.clear()

    head.features.max_pairs = max_pairs
    chunks = head.predict(feature_map(6), objects, metas(6))
    for graph, other in zip(whole, chunks, strict=True):
        assert_same_graph(graph, other)
    assert max(sizes) <= max_pairs
    assert sum(sizes) == (44 if draw_boxes else 22)


@torch.no_grad()
def test_no_union_feature_outlives_its_chunk():
    """Or the memory would grow with the square of the objects."""
    head = MODELS.build(linknet_cfg()).eval()
    head.features.max_pairs = 4
    made, most_alive = [], 0

    def count(*args):
        nonlocal most_alive
        made.append(weakref.ref(args[-1]))
        most_alive = max(most_alive, sum(ref() is not None for ref in made))

    head.features.union_head.register_forward_hook(count)
    head.predict(feature_map(1), [random_objects(9)], metas(1))
    assert len(made) == 36 / 4
    assert most_alive <= 2


def test_training_takes_all_pairs_at_once():
    """Batch norm wants them together."""
    head = MODELS.build(linknet_cfg()).train()
    head.features.max_pairs = 1
    sizes = pooled_at_once(head)
    pairs = torch.tensor([[0, 1], [1, 2], [2, 0]])
    head(feature_map(1), [random_objects(3)], [pairs])
    assert sizes == [3]


@torch.no_grad()
def test_no_pairs_in_chunks():
    head = MODELS.build(linknet_cfg()).eval()
    head.features.max_pairs = 1
    objects = [random_objects(n) for n in (0, 1)]
    graphs = head.predict(feature_map(2), objects, metas(2))
    assert [len(relations) for _, relations in graphs] == [0, 0]


@pytest.mark.parametrize('draw_boxes', [False, True])
def test_shared_unions_train_as_if_pooled_pair_by_pair(draw_boxes):
    """Logits and gradients, where pairs are drawn twice and both ways."""
    torch.manual_seed(0)
    head = MODELS.build(
        linknet_cfg(
            features=drawing_cfg() if draw_boxes else features_cfg(),
            geometric_layout=dict(type='GeometricLayout', dropout=0.0),
        )
    ).train()
    sizes = pooled_at_once(head)
    pairs = [
        torch.tensor([[0, 1], [1, 0], [2, 1], [0, 1], [2, 2]]),
        torch.zeros(0, 2, dtype=torch.long),
        torch.tensor([[1, 0], [0, 1]]),
    ]
    objects = [random_objects(n, n) for n in (4, 1, 2)]
    x = feature_map(3)[0].requires_grad_()

    def plain(x, bboxes, pairs, image_sizes):
        rois = bbox2roi(bboxes)
        pooled = head.features.union_roi_extractor(x, *rois[pairs.T])
        return head.features.union_head(pooled), torch.arange(7)

    def run():
        logits = head((x,), objects, pairs).predicate_logits
        weights = torch.arange(28.0).reshape(7, 4).sin()
        parameters = [p for p in head.parameters() if p.requires_grad]
        loss = (torch.cat(logits) * weights).sum()
        return logits, torch.autograd.grad(
            loss, [x, *parameters], allow_unused=True
        )

    shared = run()
    head.features.embed_unions = plain
    torch.testing.assert_close(shared, run())
    assert sizes == [7 if draw_boxes else 4, 7]


def test_every_part_starts_as_its_config_says():
    cfg = features_cfg()
    constant = dict(type='Constant', layer='Linear')
    cfg['object_head'] = dict(
        cfg['object_head'], init_cfg=dict(constant, val=2)
    )
    cfg['union_head'] = dict(cfg['union_head'], init_cfg=dict(constant, val=3))
    head = MODELS.build(linknet_cfg(features=cfg))
    head.init_weights()
    parts = head.features
    assert (parts.object_head[0].weight == 2).all()
    assert (parts.union_head[3].weight == 3).all()
    assert parts.union_roi_extractor.roi_extractor.is_init
