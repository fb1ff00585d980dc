from types import SimpleNamespace

import cv2
import mmcv
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from mmdet.engine.hooks import DetVisualizationHook
from mmengine.structures import InstanceData

from mmsgg.registry import VISUALIZERS
from mmsgg.structures import SGDataSample
from mmsgg.visualization import SGLocalVisualizer, sg_local_visualizer
from mmsgg.visualization.colors import (
    HIT,
    MISS,
    NEUTRAL,
    class_color,
    color_classes,
)

META = dict(classes=('person', 'horse', 'tree'), predicates=('on', 'near'))
BOXES = [[10, 10, 40, 40], [90, 90, 120, 120], [90, 10, 120, 40]]
LABELS = [0, 1, 2]
TITLE, SIDE, GAP = 30, 760, 8  # pixels of the picture


def objects(boxes=BOXES, labels=LABELS, **fields):
    return InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float).reshape(-1, 4),
        labels=torch.tensor(labels, dtype=torch.long),
        **fields,
    )


def relations(*rows, scores=None):
    table = torch.tensor(rows, dtype=torch.long).reshape(-1, 3)
    data = InstanceData(pairs=table[:, :2], labels=table[:, 2])
    if scores is not None:
        data.scores = torch.tensor(scores)
    return data


def true_sample(*rows):
    sample = SGDataSample()
    sample.gt_instances = objects()
    sample.gt_relations = relations(*rows)
    return sample


def full_sample(true_rows, pred_rows, boxes=BOXES):
    sample = true_sample(*true_rows)
    sample.pred_instances = objects(boxes, scores=torch.ones(3))
    scores = [0.9 - 0.01 * k for k in range(len(pred_rows))]
    sample.pred_relations = relations(*pred_rows, scores=scores)
    return sample


def picture(sample, image=None, meta=META, draw=None, **kwargs):
    visualizer = SGLocalVisualizer(**kwargs)
    visualizer.dataset_meta = meta
    if image is None:
        image = np.full((128, 128, 3), 90, np.uint8)
    visualizer.add_datasample('image', image, sample, **(draw or {}))
    return visualizer.get_image()


def assert_same_picture(drawn, expected):
    """But for single pixels: matplotlib 3.10 draws an image of some sizes so
    that a few of its edges lie a pixel off."""
    assert drawn.shape == expected.shape
    assert (drawn != expected).any(-1).mean() < 0.03


def count(pixels, color):
    return int((pixels == color).all(-1).sum())


def region(drawn, box, panel=0):
    """The part of a picture under a box of the 128-pixel image."""
    x1, y1, x2, y2 = np.round(np.array(box) * SIDE / 128).astype(int)
    left = panel * (SIDE + GAP)
    return drawn[TITLE + y1 : TITLE + y2, left + x1 : left + x2]


BETWEEN = [42, 42, 88, 88]  # objects 0 and 1, on the way of their arrow


def test_arrow_is_between_its_objects():
    drawn = picture(true_sample([0, 1, 0]))
    assert drawn.dtype == np.uint8
    assert drawn.shape[1] == SIDE
    assert drawn.shape[0] > TITLE + SIDE  # a legend is below
    assert count(region(drawn, BETWEEN), NEUTRAL) > 150
    assert count(region(drawn, [0, 100, 80, 127]), NEUTRAL) == 0
    without = picture(true_sample())
    assert count(without, NEUTRAL) == 0


def test_arrow_head_is_at_the_object():
    at_start, at_end = [32, 32, 50, 50], [80, 80, 98, 98]
    there = picture(true_sample([0, 1, 0]))
    back = picture(true_sample([1, 0, 0]))
    for drawn, subject, object_ in (
        (there, at_start, at_end),
        (back, at_end, at_start),
    ):
        head = count(region(drawn, object_), NEUTRAL)
        tail = count(region(drawn, subject), NEUTRAL)
        assert head > tail > 0


def test_boxes_have_the_colour_of_their_class():
    drawn = picture(true_sample([0, 1, 0]))
    for box, label in zip(BOXES, LABELS, strict=True):
        outside = np.add(box, [-2, -2, 2, 2])
        assert count(region(drawn, outside), class_color(label)) > 300
    assert len({class_color(label) for label in range(48)}) == 48


def test_two_panels_with_hits_in_green():
    drawn = picture(full_sample([[0, 1, 0]], [[0, 1, 0], [2, 0, 1]]))
    assert drawn.shape[1] == 2 * SIDE + GAP
    assert (drawn[:, SIDE : SIDE + GAP] == 255).all()
    top = [45, 10, 85, 40]  # between objects 2 and 0
    for panel in (0, 1):
        assert count(region(drawn, BETWEEN, panel), HIT) > 150
        assert count(region(drawn, BETWEEN, panel), MISS) == 0
    assert count(region(drawn, top, 0), MISS) == 0
    assert count(region(drawn, top, 1), MISS) > 100
    assert count(drawn, NEUTRAL) == 0


@pytest.mark.parametrize(
    ('rows', 'boxes'),
    [
        ([[0, 1, 1]], BOXES),  # another predicate
        ([[1, 0, 0]], BOXES),  # the other direction
        ([[0, 1, 0]], [[10, 10, 40, 24], *BOXES[1:]]),  # IoU < 0.5
    ],
)
def test_misses_are_red_in_both_panels(rows, boxes):
    drawn = picture(full_sample([[0, 1, 0]], rows, boxes))
    assert count(drawn, HIT) == 0
    for panel in (0, 1):
        assert count(region(drawn, BETWEEN, panel), MISS) > 100


def test_only_the_best_relations_are_drawn():
    sample = full_sample([[0, 1, 0]], [[2, 0, 1], [0, 1, 0]])
    assert count(picture(sample), HIT) > 0
    assert count(picture(sample, topk_relations=1), HIT) == 0
    # given in another order, the scores decide
    sample.pred_relations.scores = torch.tensor([0.1, 0.2])
    assert count(picture(sample, topk_relations=1), HIT) > 0


def test_a_picture_may_have_limits_of_its_own():
    sample = full_sample([[0, 1, 0]], [[2, 0, 1], [0, 1, 0]])  # 0.9 and 0.89
    for setting, own, drawn in (
        (dict(topk_relations=1), dict(topk_relations=2), True),
        (dict(topk_relations=2), dict(topk_relations=0), False),
        (dict(relation_score_thr=0.895), dict(relation_score_thr=0.0), True),
        (dict(), dict(relation_score_thr=0.895), False),
    ):
        assert (count(picture(sample, draw=own, **setting), HIT) > 0) == drawn


def test_threshold_is_for_objects_without_relation():
    sample = SGDataSample()
    sample.pred_instances = objects(scores=torch.tensor([0.1, 0.1, 0.5]))
    sample.pred_relations = relations([0, 1, 0], scores=[0.01])
    shown = [count(picture(sample), class_color(c)) > 0 for c in LABELS]
    assert shown == [True, True, True]
    drawn = picture(sample, draw=dict(pred_score_thr=0.6))
    shown = [count(drawn, class_color(label)) > 0 for label in LABELS]
    assert shown == [True, True, False]
    drawn = picture(sample, max_loose_objects=0)
    assert count(drawn, class_color(2)) == 0


def test_either_panel_can_be_left_out():
    sample = full_sample([[0, 1, 0]], [[0, 1, 1]])
    for name in ('draw_gt', 'draw_pred'):
        assert picture(sample, draw={name: False}).shape[1] == SIDE
    image = np.full((20, 30, 3), 7, np.uint8)
    nothing = dict(draw_gt=False, draw_pred=False)
    np.testing.assert_array_equal(picture(sample, image, draw=nothing), image)
    np.testing.assert_array_equal(picture(None, image), image)


def empty_parts():
    no_objects = SGDataSample()
    no_objects.gt_instances = objects([], [])
    no_objects.gt_relations = relations()
    no_objects.pred_instances = objects([], [], scores=torch.zeros(0))
    no_objects.pred_relations = relations(scores=[])
    no_gt_relations = full_sample([], [[0, 1, 0]])
    del no_gt_relations.gt_relations
    no_pred_relations = full_sample([[0, 1, 0]], [])
    del no_pred_relations.pred_relations
    outside = full_sample([[0, 1, 0]], [[0, 1, 0], [1, 2, 0]])
    outside.pred_instances.bboxes = torch.tensor(
        [[-50.0, -50, 20, 20], [500, 500, 600, 600], [100, 40, 90, 30]]
    )
    coincident = full_sample(
        [[0, 1, 0], [0, 1, 1], [1, 0, 0], [0, 0, 0]],
        [[0, 1, 0], [2, 0, 0]],
        [[50, 50, 50, 50]] * 3,
    )
    dangling = full_sample([[0, 7, 0]], [[-1, 0, 0]])
    return dict(
        no_objects=no_objects,
        no_relations=full_sample([], []),
        no_gt_relations=no_gt_relations,
        no_pred_relations=no_pred_relations,
        outside=outside,
        coincident=coincident,
        dangling=dangling,
    )


@pytest.mark.parametrize('case', empty_parts())
@pytest.mark.parametrize('size', [(40, 300), (900, 10)])
def test_poor_samples_are_drawn(case, size):
    image = np.zeros((*size, 3), np.uint8)
    drawn = picture(empty_parts()[case], image)
    panel = (drawn.shape[1] - GAP) // 2
    assert drawn.shape[1] == 2 * panel + GAP
    side = np.clip(max(size), SIDE, 1024) / max(size)
    assert panel >= round(size[1] * side)
    assert drawn.shape[0] >= TITLE + round(size[0] * side)


@pytest.mark.parametrize('meta', [None, {}, dict(classes=('person',))])
def test_names_may_be_missing(meta):
    sample = full_sample([[0, 1, 0]], [[0, 1, 0]])
    assert count(picture(sample, meta=meta), HIT) > 0


def test_same_input_gives_same_picture_and_leaves_the_input():
    sample = full_sample([[0, 1, 0], [1, 2, 1]], [[0, 1, 0], [2, 1, 1]])
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    before = image.copy()
    first, second = picture(sample, image), picture(sample, image)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(image, before)
    assert plt.get_fignums() == []


def test_many_relations_stay_listed():
    pairs = [[s, o, p] for s in range(3) for o in range(3) for p in range(2)]
    few, many = (picture(true_sample(*pairs[:n])) for n in (2, 18))
    assert len(many) - len(few) >= 24 * 5  # lines of the legend


def test_graph_stands_below():
    sample = full_sample([[0, 1, 0]], [[0, 1, 0], [2, 0, 1]])
    plain, drawn = picture(sample), picture(sample, with_graph=True)
    height = len(plain)
    assert_same_picture(drawn[:height], plain)
    assert drawn.shape[:2] == (height + round(0.65 * SIDE), 2 * SIDE + GAP)
    graphs = [drawn[height:, :SIDE], drawn[height:, SIDE + GAP :]]
    assert [count(graph, HIT) > 50 for graph in graphs] == [True, True]
    assert [count(graph, MISS) > 50 for graph in graphs] == [False, True]


def test_without_text_the_picture_is_the_image():
    sample = true_sample([0, 1, 0])
    drawn = picture(sample, with_text=False)
    assert_same_picture(drawn, picture(sample)[TITLE : TITLE + SIDE])
    drawn = picture(sample, with_text=False, min_side=1)
    assert drawn.shape == (128, 128, 3)
    assert count(drawn, NEUTRAL) > 50


def test_image_is_rgb(tmp_path):
    red = np.zeros((128, 128, 3), np.uint8)
    red[..., 0] = 200
    out_file = tmp_path / 'folder' / 'picture.png'
    sample = true_sample([0, 1, 0])
    drawn = picture(sample, red, draw=dict(out_file=str(out_file)))
    corner = drawn[TITLE + 5, 5].astype(int)
    assert corner[0] > corner[1] + 100
    assert corner[1] == corner[2]
    read = cv2.imread(str(out_file))[..., ::-1]
    assert_same_picture(read, drawn)


@pytest.mark.parametrize('with_file', [True, False])
def test_works_with_the_hook_of_mmdet(tmp_path, with_file):
    visualizer = VISUALIZERS.build(
        dict(
            type='SGLocalVisualizer',
            name=f'hook_{with_file}',
            vis_backends=[dict(type='LocalVisBackend')],
            save_dir=str(tmp_path),
        )
    )
    visualizer.dataset_meta = META
    path = str(tmp_path / 'image.png')
    mmcv.imwrite(np.full((128, 128, 3), 90, np.uint8), path)
    sample = full_sample([[0, 1, 0]], [[0, 1, 0]])
    sample.set_metainfo(dict(img_path=path))
    hook = DetVisualizationHook(
        draw=True, interval=1, test_out_dir='drawn' if with_file else None
    )
    assert hook._visualizer is visualizer
    runner = SimpleNamespace(work_dir=str(tmp_path), timestamp='now', iter=0)
    hook.after_val_iter(runner, 0, {}, [sample])
    hook.after_test_iter(runner, 0, {}, [sample])
    written = tmp_path / 'vis_data' / 'vis_image' / 'test_img_1.png'
    if with_file:
        written = tmp_path / 'now' / 'drawn' / 'image.png'
    assert (tmp_path / 'vis_data' / 'vis_image' / 'val_img_0.png').exists()
    assert mmcv.imread(str(written)).shape[1] == 2 * SIDE + GAP


def test_hit_on_a_relation_that_is_not_drawn_is_a_hit():
    sample = full_sample([[2, 0, 1], [0, 1, 0]], [[0, 1, 0]])
    drawn = picture(sample, max_gt_relations=1)
    assert count(region(drawn, BETWEEN, 0), HIT) == 0
    assert count(region(drawn, BETWEEN, 1), HIT) > 150


def labels_in(monkeypatch, sample, image=None, **kwargs):
    """The labels on the image and the texts around it."""
    labels, texts = [], []
    draw, write = sg_local_visualizer.draw_label, Axes.text

    def draw_label(axes, label):
        labels.append(label)
        draw(axes, label)

    def text(self, x, y, s, **style):
        texts.append(s)
        return write(self, x, y, s, **style)

    with monkeypatch.context() as patch:
        patch.setattr(sg_local_visualizer, 'draw_label', draw_label)
        patch.setattr(Axes, 'text', text)
        picture(sample, image, **kwargs)
    return labels, texts


def test_scores_and_boxes_in_no_relation_are_told(monkeypatch):
    sample = full_sample([[0, 1, 0]], [[0, 1, 0]])
    sample.pred_instances.scores = torch.tensor([0.9, 0.8, 0.7])
    labels, texts = labels_in(monkeypatch, sample)
    names = [label.text for label in labels]
    assert names[:2] == ['person-0', 'horse-1']
    assert {'person-0 0.90', 'horse-1 0.80', 'tree-2 0.70'} < {*names}
    told = '3 objects (1 dashed: no relation), 1 relation, 1'
    assert f'Ground truth: {told} found' in texts
    assert f'Prediction: {told} hits' in texts
    # in the list, names are without scores
    assert texts.count('person-0') == 3
    _, texts = labels_in(monkeypatch, true_sample([0, 1, 0], [1, 2, 0]))
    assert 'Ground truth: 3 objects, 2 relations' in texts


def test_boxes_in_no_relation_are_dashed():
    drawn = picture(true_sample([0, 1, 0]))
    right = [118, 12, 122, 38]  # an edge of object 2
    rows = (region(drawn, right) == class_color(2)).all(-1).any(1)
    assert 0.3 < rows.mean() < 0.9
    drawn = picture(true_sample([0, 1, 0], [2, 1, 0]))
    rows = (region(drawn, right) == class_color(2)).all(-1).any(1)
    assert rows.all()


def test_many_objects_have_lighter_strokes_and_a_fill():
    def crowd(number):
        """The first box, which no arrow and no name but its own touches."""
        sample = SGDataSample()
        boxes = [[4, 40, 60, 120]] + [
            [90, 13 * i, 120, 13 * i + 9] for i in range(8)
        ]
        sample.gt_instances = objects(boxes[:number], [0] + [1] * (number - 1))
        rows = [[i, (i + 1) % number, 0] for i in range(number)]
        sample.gt_relations = relations(*rows)
        drawn = region(picture(sample), [2, 38, 62, 122]).astype(int)
        return count(drawn, class_color(0)), drawn[-60:-30, 30:60].mean((0, 1))

    (stroke, inside), (lighter, filled) = crowd(8), crowd(9)
    assert 0 < lighter < 0.8 * stroke
    assert np.ptp(inside) == 0
    assert filled[0] > filled[1] > filled[2]  # a little orange


def test_marks_shrink_with_the_picture(monkeypatch):
    sample = true_sample([0, 1, 0], [2, 1, 0])
    small = dict(with_text=False, min_side=1)
    sizes = []
    for side, size in ((128, 8), (600, 10), (760, 13), (1000, 13)):
        image = np.full((side, side, 3), 90, np.uint8)
        sample.gt_instances.bboxes = torch.tensor(BOXES) * (side / 128)
        labels, _ = labels_in(monkeypatch, sample, image, **small)
        assert {label.size for label in labels} == {size}
        boxes = np.array([label.box for label in labels])
        sizes.append((boxes[:, 2:] - boxes[:, :2]).prod(1).sum())
    assert sizes[0] < 0.55 * sizes[2]


def test_colours_are_the_same_in_both_panels_and_in_the_graph():
    sample = full_sample([[0, 1, 0]], [[0, 1, 0], [2, 1, 0]])
    sample.gt_instances.labels[:] = torch.tensor([8, 1, 1])
    sample.pred_instances.labels[:] = torch.tensor([8, 1, 0])
    drawn = picture(sample, with_graph=True, meta={})
    colors = color_classes([0, 1, 8])
    left, right = drawn[:, :SIDE], drawn[:, SIDE + GAP :]
    assert colors[8] != class_color(8)  # too close to that of class 0
    graph = round(0.65 * SIDE)  # its height
    for panel in (left, right, left[-graph:], right[-graph:]):
        assert count(panel, class_color(8)) == 0
        assert count(panel, colors[8]) > 100


def test_nested_boxes_have_arrows_from_name_to_name(monkeypatch):
    sample = true_sample([0, 1, 0])
    boxes = [[10, 20, 120, 120], [60, 70, 100, 110], [0, 0, 9, 9]]
    sample.gt_instances.bboxes = torch.tensor(boxes, dtype=torch.float)
    labels, _ = labels_in(monkeypatch, sample)
    subject, object_ = (np.array(label.box) for label in labels[:2])
    image = picture(sample)[TITLE : TITLE + SIDE]
    y, _ = np.nonzero((image == NEUTRAL).all(-1))
    # nothing is blue below the name of the lower one
    assert abs(y.min() - subject[1]) < 40
    assert y.max() <= object_[3] + 8
