"""Rules of protocols: what holds on any input, and the edges."""

import json
import logging

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.structures.mask import BitmapMasks
from mmengine.evaluator import Evaluator
from mmengine.logging import MessageHub, MMLogger
from pycocotools import mask as coco_mask

from mmsgg.datasets.vg150 import VG150_PREDICATES
from mmsgg.evaluation import SceneGraphMetric
from mmsgg.evaluation import functional as F

from ...scripts import load_tool
from .random_graphs import samples

NAMES = [*F.PROTOCOLS]


def with_masks(sample):
    """The sample with the pixels of its boxes, later ones on top."""
    sample = dict(sample)
    for field in ('gt_instances', 'pred_instances'):
        boxes = np.asarray(sample[field]['bboxes']).reshape(-1, 4)
        masks = np.zeros((len(boxes), 12, 12), dtype=bool)
        for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
            mask[max(y1, 0) : y2 + 1, max(x1, 0) : x2 + 1] = True
        sample[field] = dict(sample[field], masks=masks)
    scores = sample['pred_relations']['predicate_scores'] / 4
    sample['pred_relations'] = dict(
        sample['pred_relations'], predicate_scores=scores
    )
    return sample


def evaluate(data_samples, protocol='motifs', **kwargs):
    metric = SceneGraphMetric(protocol=protocol, **kwargs)
    metric.process(None, [with_masks(sample) for sample in data_samples])
    return metric.evaluate(len(data_samples)), metric.report


@settings(max_examples=20)
@given(samples())
def test_motifs_is_the_default(data_samples):
    metric = SceneGraphMetric(('R', 'ng-R', 'mR', 'ng-mR'), (20, 50, 100))
    metric.process(None, [with_masks(sample) for sample in data_samples])
    np.testing.assert_equal(
        evaluate(data_samples)[0], metric.evaluate(len(data_samples))
    )


@settings(max_examples=8)
@given(samples(), st.randoms(use_true_random=False))
@pytest.mark.parametrize('protocol', NAMES)
def test_order_of_images_changes_nothing(protocol, data_samples, random):
    data_samples = [dict(s, img_id=i) for i, s in enumerate(data_samples)]
    shuffled = random.sample(data_samples, len(data_samples))
    np.testing.assert_equal(
        evaluate(shuffled, protocol), evaluate(data_samples, protocol)
    )


@settings(max_examples=8)
@given(samples())
@pytest.mark.parametrize('protocol', NAMES)
def test_a_wrong_pair_at_the_end_raises_no_recall(protocol, data_samples):
    worse = []
    for sample in data_samples:
        objects, relations = sample['pred_instances'], sample['pred_relations']
        pairs = relations['pairs']
        objects = dict(
            bboxes=np.concatenate([objects['bboxes'], [[9, 9, 9, 9]]]),
            labels=np.append(objects['labels'], 77),
            scores=np.append(objects['scores'], 0),
        )
        table = np.zeros((1, relations['predicate_scores'].shape[-1]))
        relations = dict(
            pairs=np.concatenate([pairs, [[len(objects['labels']) - 1] * 2]]),
            predicate_scores=np.concatenate(
                [relations['predicate_scores'], table]
            ),
        )
        if 'scores' in sample['pred_relations']:
            scores = sample['pred_relations']['scores']
            relations['scores'] = np.append(scores, 0)
        worse.append(
            dict(sample, pred_instances=objects, pred_relations=relations)
        )
    rules = dict(without_prediction='zero')  # else the image comes back
    before, _ = evaluate(data_samples, protocol, rules=rules)
    after, _ = evaluate(worse, protocol, rules=rules)
    for name, value in before.items():
        assert not after[name] > value + 1e-12, name


def empty_sample(objects=True, relations=True, detections=True, pairs=True):
    boxes = np.array([[0, 0, 5, 5], [4, 4, 9, 9]])
    some, none = np.array([[0, 1]]), np.zeros((0, 2), int)

    def instances(full):
        number = 2 if full else 0
        return dict(
            bboxes=boxes[:number], labels=np.arange(number),
            scores=np.ones(number),
        )  # fmt: skip

    gt_pairs = some if relations and objects else none
    pred_pairs = some if pairs and detections else none
    return dict(
        gt_instances=instances(objects),
        gt_relations=dict(pairs=gt_pairs, labels=gt_pairs[:, 0] + 1),
        pred_instances=instances(detections),
        pred_relations=dict(
            pairs=pred_pairs,
            predicate_scores=np.array([[0.5, 1, 0.5]])[: len(pred_pairs)],
        ),
    )


@pytest.mark.parametrize('protocol', NAMES)
def test_empty_images(protocol):
    full = empty_sample()
    parts = [
        empty_sample(objects=False),
        empty_sample(relations=False),
        empty_sample(False, False, False, False),
        empty_sample(relations=False, pairs=False),
    ]
    for part in parts:  # none has a relation
        results, report = evaluate([part], protocol)
        assert all(np.isnan(value) for value in results.values())
        assert report['images_with_relations'] == 0
    results, report = evaluate([full, *parts], protocol)
    recall = 'pooled-R@50' if protocol == 'vrd-lu' else 'R@50'
    assert results[recall] == 1
    assert (report['images'], report['images_with_relations']) == (5, 1)
    nothing, _ = evaluate([empty_sample(pairs=False)], protocol)
    skipped = F.PROTOCOLS[protocol].rules.without_prediction == 'skip'
    assert nothing[recall] == pytest.approx(
        np.nan if skipped else 0, nan_ok=True
    )


@pytest.mark.parametrize(
    ('without', 'both', 'skipped'),
    [('zero', (0.5, 0.5), 0), ('skip', (1, 1), 2), ('skip-mR', (0.5, 1), 1)],
)
def test_images_without_a_prediction(without, both, skipped):
    images = [
        empty_sample(),
        empty_sample(detections=False),
        empty_sample(relations=False),
    ]
    if without == 'skip':
        images.append(empty_sample(pairs=False))
    results, report = evaluate(
        images, metrics=('R', 'mR-present', 'pooled-R'), topk=5,
        rules=dict(without_prediction=without),
    )  # fmt: skip
    assert (results['R@5'], results['mR-present@5']) == both
    assert results['pooled-R@5'] == 1 / (3 if without == 'skip' else 2)
    assert report['skipped_images'] == skipped


def test_objects_without_pairs_are_a_prediction_for_some():
    images = [
        empty_sample(),
        empty_sample(pairs=False),
        empty_sample(relations=False, pairs=False),
    ]
    for without, mean in (('zero', 0.5), ('skip', 1), ('skip-mR', 0.5)):
        results, report = evaluate(
            images, metrics='mR-present', topk=5,
            rules=dict(without_prediction=without),
        )  # fmt: skip
        assert results == {'mR-present@5': mean}
        assert report['skipped_images'] == (without == 'skip')


@pytest.mark.parametrize(
    ('without', 'mean'), [('zero', 0.5), ('skip', 1), ('skip-mR', 0.5)]
)
def test_pairs_and_objects_of_images_without_a_prediction(without, mean):
    names = dict(metrics=('R', 'PairR', 'InstR'), topk=(5, 'gt'))
    rules = dict(without_prediction=without)
    some, none = empty_sample(), empty_sample(detections=False)
    results, _ = evaluate([some, none], rules=rules, **names)
    assert [*results.values()] == [mean] * 5
    results, _ = evaluate([none], rules=rules, **names)
    nothing = np.nan if without == 'skip' else 0
    np.testing.assert_equal([*results.values()], [nothing] * 5)


def test_strict_and_last_pixel():
    sample = empty_sample()
    sample['pred_instances']['bboxes'] = np.array([[0, 0, 5, 2], [4, 4, 9, 9]])
    got = [
        evaluate(
            [sample], metrics='R', topk=1,
            rules=dict(strict=strict, last_pixel=last_pixel),
        )[0]['R@1']
        for strict, last_pixel in ((0, 1), (1, 1), (0, 0))
    ]  # fmt: skip
    assert got == [1, 0, 0]  # 18 of 36; 10 of 25


def test_absent_predicates():
    sample = empty_sample()
    zero, _ = evaluate([sample], metrics=('mR', 'mR-present'), topk=1)
    assert zero == {'mR@1': 1 / 3, 'mR-present@1': 1}
    nan, _ = evaluate(
        [sample], metrics='mR', topk=1, rules=dict(absent_predicate='nan')
    )
    assert np.isnan(nan['mR@1'])


def test_one_object_named_twice_counts_once():
    sample = empty_sample()
    boxes = sample['pred_instances']['bboxes']
    sample['pred_instances'] = dict(
        bboxes=np.concatenate([boxes, boxes]),
        labels=np.array([0, 1, 0, 1]), scores=np.array([1, 1, 0.9, 0.9]),
    )  # fmt: skip
    sample['gt_relations'] = dict(
        pairs=np.array([[0, 1], [0, 1]]), labels=np.array([0, 1])
    )
    sample['pred_relations'] = dict(
        pairs=np.array([[0, 1], [2, 3]]), predicate_scores=np.eye(2, 3) / 2
    )
    for masks in (False, True):
        twice, report = evaluate(
            [sample], metrics='R', topk=5, rules=dict(masks=masks)
        )
        assert (twice['R@5'], report['merged_nodes']) == (1, 0)
        rules = dict(masks=masks, merge_nodes=True, repeated_pairs='first')
        once, report = evaluate([sample], metrics='R', topk=5, rules=rules)
        assert (once['R@5'], report['merged_nodes']) == (0.5, 2)


def test_unique_relations_and_triplets():
    sample = empty_sample()
    sample['gt_relations'] = dict(
        pairs=np.array([[1, 0], [0, 1], [1, 0]]), labels=np.array([0, 1, 0])
    )
    results, report = evaluate(
        [sample], metrics='R', topk=1, rules=dict(unique_relations=True)
    )
    assert results['R@1'] == 0.5
    assert (report['relations'], report['repeated_relations']) == (2, 1)
    sample['pred_relations'] = dict(
        pairs=np.array([[0, 1], [0, 1], [1, 0]]),
        predicate_scores=np.array([[0, 0.5, 0], [0, 0.4, 0], [0.3, 0, 0]]),
    )
    for metric in ('R', 'ng-R'):
        for unique, recall in ((False, 1 / 3), (True, 1)):
            results, _ = evaluate(
                [sample], metrics=metric, topk=2,
                rules=dict(unique_triplets=unique),
            )  # fmt: skip
            assert results[f'{metric}@2'] == pytest.approx(recall)


def test_the_score_of_open_images_has_a_k_of_its_own():
    sample = empty_sample()
    pairs = np.array([[0, 1], [1, 0]])
    sample['gt_relations'] = dict(pairs=pairs, labels=np.array([0, 1]))
    sample['pred_relations'] = dict(
        pairs=pairs, predicate_scores=np.eye(2, 3) / 2
    )
    results, _ = evaluate(
        [sample], 'openimages', metrics=('pooled-R', 'score'), topk=1
    )
    assert results['pooled-R@1'] == 0.5
    # the recall at 50, and both average precisions over three predicates
    assert results['score'] == pytest.approx(0.2 + 0.8 * 2 / 3)


@pytest.mark.parametrize(
    ('arguments', 'judged', 'needs_all'),
    [
        (dict(), (20,), False),
        (dict(metrics=('R', 'mAP_rel')), (20, 100), False),
        (dict(metrics='score'), (20, 50, 100), False),
        (dict(metrics='PRank'), (20,), True),
        (dict(topk=(20, 'gt')), (20,), True),
        (dict(rules=dict(unique_triplets=True)), (20,), True),
        (dict(rules=dict(merge_nodes=True)), (20,), True),
        (dict(rules=dict(repeated_pairs='first')), (20,), True),
        (dict(rules=dict(candidate_score='probability')), (20,), True),
    ],
)
def test_how_much_of_a_result_file_is_needed(arguments, judged, needs_all):
    metric = SceneGraphMetric(**dict(topk=20) | arguments)
    assert metric.judged_topk == judged
    assert metric.needs_all_pairs == needs_all


@pytest.mark.parametrize('few', [1, 2])
def test_what_scores_no_more_than_the_least_is_dropped(few):
    """The only relation scores a half, once :func:`evaluate` divided by 4."""
    sample = empty_sample()
    sample['pred_relations']['predicate_scores'] = np.array([[0.4, 2.0, 0.8]])
    names = ('pooled-R', 'mAP_rel')
    for least, value in ((0.49, 1), (0.5, 0)):
        rules = dict(least_score=least, predicates_per_pair=few)
        results, _ = evaluate([sample], metrics=names, topk=1, rules=rules)
        assert [*results.values()] == [value, pytest.approx(value / 3)]


def test_an_earlier_detection_that_was_dropped_stays_so():
    """No pixel of the third is free; the fourth covers it, and one more."""
    pixels = np.zeros((4, 1, 13), dtype=bool)
    pixels[0, 0, :6] = pixels[1, 0, 6:12] = pixels[2:, 0, 3:9] = True
    pixels[3, 0, 12] = True
    masks = F.encode_masks(pixels)
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    nodes = F.find_nodes(scores, F.mask_ious(masks, masks), masks)
    assert nodes.node_of_detection.tolist() == [0, 1, -1, 2]
    assert F.decode_masks(nodes.masks)[2].nonzero()[1].tolist() == [12]


def test_the_first_row_of_a_pair_is_that_of_the_highest_score():
    graph = F.PredictedGraph(
        np.zeros((2, 4)), np.zeros(2), np.ones(2),
        np.array([[0, 1], [1, 0], [0, 1]]), np.eye(3),
        pair_scores=np.array([0.1, 0.2, 0.3]),
    )  # fmt: skip
    merged = F.merge_pairs(graph, 'first')
    assert merged.pairs.tolist() == [[0, 1], [1, 0]]
    assert merged.predicate_scores.tolist() == np.eye(3)[[2, 1]].tolist()


def test_of_equal_scores_what_is_false_comes_first():
    scores, found = np.array([0.5, 0.5]), np.array([True, False])
    for order in ([0, 1], [1, 0]):
        assert F.average_precision(scores, found[order], 1) == 0.5


def test_k_of_the_annotation():
    sample = empty_sample()
    sample['gt_relations'] = dict(
        pairs=np.array([[0, 1], [0, 1]]), labels=np.array([0, 1])
    )
    sample['pred_relations'] = dict(
        pairs=np.array([[1, 0], [0, 1]]), predicate_scores=np.eye(2, 3) / 2
    )
    results, _ = evaluate([sample], metrics='R', topk=('gt', 2))
    assert results == {'R@gt': 0, 'R@2': 0.5}  # one pair is related


def forms(masks):
    """The same masks in every form."""
    codes = coco_mask.encode(
        np.asfortranarray(masks.transpose(1, 2, 0).astype(np.uint8))
    )
    return [
        masks, torch.as_tensor(masks), masks.astype(np.uint8),
        BitmapMasks(masks.astype(np.uint8), *masks.shape[1:]), codes,
        [dict(c, counts=c['counts'].decode()) for c in codes],
        [dict(size=[2, 2], counts=counts) for counts in ([1, 2, 1], [0, 4])],
        F.pack_masks(codes),
    ]  # fmt: skip


def test_masks_in_any_form():
    masks = np.array([[[0, 1], [1, 0]], [[1, 1], [1, 1]]], dtype=bool)
    for form in forms(masks):
        codes = F.encode_masks(form)
        np.testing.assert_array_equal(F.decode_masks(codes), masks)
    assert F.encode_masks(masks[:0]) == []
    assert F.encode_masks(F.pack_masks([])) == []
    np.testing.assert_allclose(
        F.mask_ious(codes, codes[:1]), [[1], [0.5]], rtol=0, atol=0
    )
    nothing = F.encode_masks(np.zeros((1, 2, 2), dtype=bool))
    assert F.mask_ious(nothing, nothing) == 0


@pytest.mark.parametrize('seed', range(3))
def test_masks_are_subtracted_as_their_pixels_are(seed):
    rng = np.random.default_rng(seed)
    masks = rng.random((60, 5, 7)) < rng.choice(
        [0, 0.02, 0.3, 0.7, 0.98, 1], (60, 1, 1)
    )
    codes = F.encode_masks(masks)
    for one in range(50):
        for k in (0, 1, 2, 9):
            rest = masks[one] & ~masks[one + 1 : one + 1 + k].any(axis=0)
            code = F.subtract_masks(codes[one], codes[one + 1 : one + 1 + k])
            assert (F.decode_masks([code])[0] == rest).all()


@pytest.mark.parametrize('seed', range(3))
def test_nodes_of_masks_are_those_of_their_pixels(seed):
    rng = np.random.default_rng(seed)
    masks = rng.random((40, 6, 8)) < rng.uniform(0, 0.3, (40, 1, 1))
    masks[::2] |= masks[rng.integers(0, 40, 20)]  # some repeat others
    codes, scores = F.encode_masks(masks), rng.random(40)
    owner = np.full(40, -1)
    cores, regions = [], []
    taken = np.zeros((6, 8), dtype=bool)
    overlaps = F.mask_ious(codes, codes)
    for one in np.argsort(-scores):
        if owner[one] < 0 and (free := masks[one] & ~taken).any():
            owner[(owner < 0) & (overlaps[one] >= 0.5)
                  & (scores <= scores[one])] = len(cores)  # fmt: skip
            cores.append(one)
            regions.append(free)
            taken |= free
    assert 1 < len(cores) < 39 and -1 in owner
    nodes = F.find_nodes(scores, overlaps, codes)
    assert nodes.node_of_detection.tolist() == owner.tolist()
    assert nodes.cores.tolist() == cores
    assert (F.decode_masks(nodes.masks) == regions).all()


def test_masks_that_do_not_fit():
    sample = with_masks(empty_sample())
    metric = SceneGraphMetric(protocol='psg')
    sizes = dict(sample['pred_instances'], masks=np.ones((2, 9, 9), bool))
    with pytest.raises(ValueError, match=r'different sizes.*\(9, 9\)'):
        metric.process(None, [dict(sample, pred_instances=sizes)])
    with pytest.raises(ValueError, match='image 5: gt_instances has no masks'):
        metric.process(None, [dict(empty_sample(), img_id=5)])
    few = dict(sample['gt_instances'], masks=np.ones((1, 12, 12), bool))
    with pytest.raises(ValueError, match='has 1 masks for 2 objects'):
        metric.process(None, [dict(sample, gt_instances=few)])


@pytest.mark.parametrize('protocol', NAMES)
def test_values_that_are_not_finite_are_refused(protocol):
    sample = with_masks(empty_sample())
    sample['pred_instances']['scores'] = np.array([1, np.nan])
    with pytest.raises(ValueError, match='not finite'):
        SceneGraphMetric(protocol=protocol).process(None, [sample])


def test_probabilities_without_background_are_refused():
    sample = empty_sample()
    with pytest.raises(ValueError, match=r'sum up to 2\.000'):
        SceneGraphMetric(protocol='psg-fair', rules=dict(masks=False)).process(
            None, [sample]
        )


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(protocol='vg'), r"'vg'; did you mean 'sgb'.*motifs, sgb"),
        (dict(rules=dict(iou=1)), "'iou'; did you mean 'iou_thr'"),
        (dict(rules=dict(assignment='any')), "assignment must be one of.*'a"),
        (dict(topk=('gt', 'all')), 'topk'),
        (dict(metrics='mAP'), "did you mean 'mAP_"),
    ],
)
def test_unknown_names(arguments, message):
    with pytest.raises(ValueError, match=message):
        SceneGraphMetric(**arguments)


def test_single_options_override_the_protocol():
    metric = SceneGraphMetric(
        metrics='pooled-R', topk=7, iou_thr=0.3, predicates_per_pair=4,
        protocol='openimages', rules=dict(exclusive=True),
    )  # fmt: skip
    assert (metric.metrics, metric.topk) == (('pooled-R',), (7,))
    metric.process(None, [empty_sample()])
    metric.evaluate(1)
    assert metric.report['changed_rules'] == dict(
        iou_thr=0.3, predicates_per_pair=4, exclusive=True
    )


def test_boxes_are_merged_where_that_is_asked_for():
    for rules, merged in ((dict(), False), (dict(merge_nodes=True), True)):
        rules['masks'] = False
        metric = SceneGraphMetric(protocol='psg-fair', rules=rules)
        assert metric.rules.merge_nodes == merged


def test_groups_of_every_mean():
    names = ('phr-mR', 'pooled-mR', 'mR-present')
    groups = dict(head=[1])
    results, _ = evaluate(
        [empty_sample()], metrics=names, topk=5, predicate_groups=groups
    )
    assert results == pytest.approx(
        {
            'phr-mR@5': 1 / 3,
            'pooled-mR@5': 1 / 3,
            'mR-present@5': 1,
            'phr-mR-head@5': 1,
            'pooled-mR-head@5': 1,
        }
    )


def test_groups_of_vg150():
    sample = empty_sample()
    scores = np.zeros((1, 50))
    scores[0, VG150_PREDICATES.index('riding')] = 0.5
    sample['pred_relations']['predicate_scores'] = scores
    sample['gt_relations']['labels'] = scores.argmax(1)
    metric = SceneGraphMetric('mR', 5, predicate_groups='vg150')
    metric.dataset_meta = dict(predicates=VG150_PREDICATES)
    metric.process(None, [sample])
    assert metric.evaluate(1) == pytest.approx(
        {'mR@5': 0.02, 'mR-head@5': 0, 'mR-body@5': 1 / 12, 'mR-tail@5': 0}
    )
    groups = F.vg150_groups(VG150_PREDICATES)
    assert [len(group) for group in groups.values()] == [4, 12, 34]
    for names, message in (
        (('on', 'has', 'in'), 'the data set has 3 names.*without above'),
        (None, 'has no names of predicates'),
        ([f'{n}' for n in range(50)], '50 names of predicates, without above'),
    ):
        metric.dataset_meta = dict(predicates=names)
        with pytest.raises(ValueError, match=message):
            F.vg150_groups(names)
    with pytest.raises(ValueError, match=r"predicate_groups 'vg200'.*'vg150'"):
        SceneGraphMetric('mR', predicate_groups='vg200')


def test_every_result_says_how_it_was_measured():
    messages, handler = [], logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    try:
        _, report = evaluate(
            [dict(empty_sample(), img_id=i) for i in (3, 4)], 'sgb'
        )
    finally:
        logger.removeHandler(handler)
    assert report == dict(
        protocol='sgb', changed_rules={}, images=2, images_with_relations=2,
        image_ids=F.hash_ids([4, 3]), relations=2, repeated_relations=0,
        merged_nodes=0, skipped_images=0,
    )  # fmt: skip
    [line] = [m for m in messages if m.startswith('protocol: sgb')]
    assert f'image_ids: {report["image_ids"]}' in line
    # what mmengine's LoggerHook writes as JSON after a test
    info = MessageHub.get_current_instance().runtime_info
    assert info['test/SceneGraphMetric/sgb'] == report
    json.dumps(report)
    assert evaluate([empty_sample()])[1]['image_ids'] is None


def test_a_config_names_the_protocol():
    # a bare dict: it has no 'metrics', which mmengine would mistake
    evaluator = Evaluator(
        dict(type='mmsgg.SceneGraphMetric', protocol='openimages')
    )
    evaluator.process([empty_sample()])
    results = evaluator.evaluate(1)
    assert results['wmAP_rel'] == results['score_wtd'] == 1
    [metric] = evaluator.metrics
    test_tool = load_tool('test')
    assert test_tool.pairs_to_keep([metric]) == 100
    metric = SceneGraphMetric(protocol='psg-fair')
    assert test_tool.pairs_to_keep([metric]) is None
