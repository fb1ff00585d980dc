"""The values that the programs of others gave, by the names of protocols."""

import numpy as np
import pytest

from mmsgg.evaluation import SceneGraphMetric
from mmsgg.evaluation import functional as F

from ...folders import REFERENCE
from .protocol_files import expected, image_keys, load, sample_of, samples_of
from .random_graphs import NUM_PREDICATES, make_sample
from .test_scene_graph_metric import reference_samples

ATOL = 1e-6


def evaluate(data_samples, protocol, **kwargs):
    metric = SceneGraphMetric(protocol=protocol, **kwargs)
    metric.process(None, data_samples)
    return metric.evaluate(len(data_samples)), metric


def numbers(keys):
    """Names and Ks of keys such as ``'ng-R@20'``, each once."""
    names, ks = zip(*(k.split('@') for k in keys if '@' in k), strict=True)
    ks = [k if k == 'gt' else int(k) for k in dict.fromkeys(ks)]
    return tuple(dict.fromkeys(names)), ks


def assert_close(results, values):
    assert values
    for name, value in values.items():
        assert results[name] == pytest.approx(
            value, abs=ATOL, rel=0, nan_ok=True
        ), name


def test_open_images():
    data = load('openimages')
    values, data_samples = expected(data), samples_of(data)
    classic = {k[8:]: v for k, v in values.items() if k[:8] == 'classic_'}
    pooled = {
        f'pooled-{key}': value
        for key, value in values.items()
        if key.startswith('R@') and not key.endswith('_per_image')
    }
    plain = {k: v for k, v in values.items() if '@' not in k}
    assert len(plain) == 6
    names, topk = numbers([*classic, *pooled])
    results, metric = evaluate(
        data_samples, 'openimages',
        metrics=(*names, *plain), topk=sorted(topk), classwise=True,
    )  # fmt: skip
    assert_close(results, {**classic, **pooled, **plain})
    for k in topk:  # its mean over images counts those without rows as 0
        recalls = metric.image_recalls[f'pooled-R@{k}']
        mean = np.nan_to_num(recalls).mean()
        assert mean == pytest.approx(values[f'R@{k}_per_image'], abs=ATOL)
    for k in (20, 50, 100):
        np.testing.assert_allclose(
            np.nan_to_num(metric.predicate_recalls[f'R@{k}']),
            data[f'classic_per_predicate_R@{k}'], atol=ATOL,
        )  # fmt: skip
    hits = [
        metric.image_recalls[f'pooled-R@{k}']
        * [len(s['gt_relations']['labels']) for s in data_samples]
        for k in (20, 50, 100)
    ]
    np.testing.assert_allclose(
        np.nan_to_num(hits).T, data['per_image_hits'], atol=ATOL
    )


def test_open_images_parts():
    data = load('openimages')
    metric = SceneGraphMetric(protocol='openimages')
    metric.process(None, samples_of(data))
    found = [entry['AP'] for entry in metric.results]
    np.testing.assert_array_equal(
        [len(candidates.scores) for candidates in found],
        data['per_image_candidates'],
    )
    candidates = F.Candidates(*map(np.concatenate, zip(*found, strict=True)))
    for phrases, kind in ((False, 'rel'), (True, 'phr')):
        precisions = F.predicate_precisions(
            candidates, data['per_predicate_rows'], phrases
        )
        np.testing.assert_allclose(
            precisions, data[f'per_predicate_AP_{kind}'], atol=ATOL
        )


@pytest.mark.parametrize('masks', [True, False])
@pytest.mark.parametrize('without', ['skip', 'zero'])
def test_psg(masks, without):
    data = load('psg')
    key = 'expected' if without == 'skip' else 'expected_empty_counts_zero'
    values, box = expected(data, key), '' if masks else 'box_'
    values = {
        k.removeprefix('box_'): v
        for k, v in values.items()
        if k.startswith('box_') != masks
    }
    names, topk = numbers(values)
    results, metric = evaluate(
        samples_of(data), 'psg', metrics=names, topk=topk, classwise=True,
        rules=dict(masks=masks, without_prediction=without),
    )  # fmt: skip
    assert_close(results, values)
    folder = '' if without == 'skip' else f'{key}/'
    for k in topk:
        recalls = metric.image_recalls[f'R@{k}']
        np.testing.assert_allclose(
            recalls[~np.isnan(recalls)],
            data[f'{folder}{box}per_image_R@{k}'], atol=ATOL,
        )  # fmt: skip
        np.testing.assert_allclose(
            np.nan_to_num(metric.predicate_recalls[f'R@{k}']),
            data[f'{folder}{box}per_predicate_R@{k}'], atol=ATOL,
        )  # fmt: skip
    if masks and without == 'skip':
        results, _ = evaluate(samples_of(data), 'psg')
        assert list(results) == [f'{m}@{k}' for k in topk for m in ('R', 'mR')]
        assert_close(results, {name: values[name] for name in results})


@pytest.mark.parametrize('rank', ['', '/plain'])
@pytest.mark.parametrize('mode', ['first', 'max', 'ng', 'box'])
def test_psg_fair(mode, rank):
    data = load('psg_fair')
    part = 'box/' if mode == 'box' else ''
    values = expected(data, f'{part}expected')
    if mode != 'box':
        values = {
            k.removeprefix(f'{mode}/'): v
            for k, v in values.items()
            if k.startswith(f'{mode}/')
        }
    values = {
        key.removesuffix('/plain'): value
        for key, value in values.items()
        if key.endswith('/plain') == bool(rank)
    }
    names, topk = numbers(values)
    rules = {} if mode in ('first', 'box') else dict(repeated_pairs=mode)
    if mode == 'box':
        rules['masks'] = False
    if rank:
        rules['candidate_score'] = 'probability'
    results, metric = evaluate(
        samples_of(data, part), 'psg-fair', metrics=names, topk=topk,
        rules=rules, classwise=True,
    )  # fmt: skip
    assert_close(results, values)
    for key in (k for k in data if k.startswith(f'{mode}/per_predicate_')):
        name = key.removeprefix(f'{mode}/per_predicate_')
        if name.endswith('/plain') == bool(rank):
            np.testing.assert_allclose(
                metric.predicate_recalls[name.removesuffix('/plain')],
                data[key], atol=ATOL,
            )  # fmt: skip


def test_psg_fair_where_a_relation_counts_as_often_as_it_is_hit():
    """The mode that may exceed 1, which no rule offers, of our functions."""
    data = load('psg_fair')
    values = {
        key.removeprefix('none/'): value
        for key, value in expected(data).items()
        if key.startswith('none/')
    }
    names, topk = numbers(k.removesuffix('/plain') for k in values)
    checked = 0
    for rank, score in (('', 'foreground'), ('/plain', 'probability')):
        matches = merged_matches(data, score)
        for name in names:
            for k in topk:
                if f'{name}@{k}{rank}' in values:
                    assert counted_hits(matches, name, k) == pytest.approx(
                        values[f'{name}@{k}{rank}'], abs=ATOL
                    )
                    checked += 1
    assert checked == len(values) > 0


def merged_matches(data, score):
    """Both graphs of each image with relations, nodes merged, not pairs."""
    rules = SceneGraphMetric(protocol='psg-fair').rules
    matches = []
    for sample in samples_of(data):
        true = F.true_graph(sample, masks=True)
        predicted = F.predicted_graph(sample, masks=True)
        weights = np.ones(len(predicted.pairs))
        if score == 'foreground':
            weights = F.foreground_weights(predicted)
        graph, _ = F.merge_nodes(predicted._replace(pair_weights=weights))
        if len(true.pairs):
            matches.append(F.match_graphs(graph, true, rules))
    return matches


def counted_hits(matches, name, k):
    """R or mR of all hits of all pairs."""
    cells = []
    for match in matches:
        true = match.true
        number = len(np.unique(true.pairs, axis=0)) if k == 'gt' else k
        order = 'unconstrained' if 'ng-' in name else 'constrained'
        pairs, predicates = F.first_triplets(order, match, number)
        hits = F.match_triplets(
            match.objects, pairs, predicates, true.pairs, true.predicates
        ).sum(axis=0)
        if 'mR' not in name:
            cells.append((0, hits.mean()))
        else:
            cells += [
                (p, hits[true.predicates == p].mean())
                for p in np.unique(true.predicates)
            ]
    groups, values = map(np.array, zip(*cells, strict=True))
    return np.mean([values[groups == g].mean() for g in np.unique(groups)])


def test_psg_fair_merges_nodes():
    data = load('psg_fair')
    for key in with_values(data, '', 'node_of_detection'):
        sample = sample_of(data, key)
        predicted = F.predicted_graph(sample, masks=True)
        nodes = F.find_nodes(
            predicted.scores,
            F.mask_ious(predicted.masks, predicted.masks), predicted.masks,
        )  # fmt: skip
        owner, cores, regions = nodes
        np.testing.assert_array_equal(owner, data[f'{key}node_of_detection'])
        np.testing.assert_array_equal(cores, data[f'{key}core_of_node'])
        graph, merged = F.merge_nodes(predicted)
        assert merged == len(owner) - len(cores)
        np.testing.assert_array_equal(
            graph.labels, data[f'{key}merged_labels']
        )
        np.testing.assert_array_equal(graph.pairs, data[f'{key}merged_pairs'])
        image = np.full(data[f'{key}gt_masks'].shape[1:], -1)
        for node, pixels in enumerate(F.decode_masks(regions)):
            image[pixels] = node
        np.testing.assert_array_equal(image, data[f'{key}merged_map'])
        match = F.match_graphs(
            graph, F.true_graph(sample, masks=True),
            SceneGraphMetric(protocol='psg-fair').rules,
        )  # fmt: skip
        assert_assigned(match, data[f'{key}gt_of_node'])


def with_values(data, part, name):
    """The images whose values the program wrote."""
    keys = [k for k in image_keys(data, part) if f'{k}{name}' in data]
    assert keys
    return keys


def assert_assigned(match, assigned):
    """One annotated object a detection, -1 for none."""
    got = np.where(match.objects.any(axis=1), match.objects.argmax(axis=1), -1)
    assert (match.objects.sum(axis=1) <= 1).all()
    np.testing.assert_array_equal(got, assigned)


def test_psg_fair_assigns_boxes_one_to_one():
    data = load('psg_fair')
    rules = SceneGraphMetric(
        protocol='psg-fair', rules=dict(masks=False)
    ).rules
    for key in with_values(data, 'box/', 'gt_of_detection'):
        sample = sample_of(data, key)
        match = F.match_graphs(
            F.predicted_graph(sample), F.true_graph(sample), rules
        )
        assert_assigned(match, data[f'{key}gt_of_detection'])


@pytest.mark.parametrize('part', ['box', 'mask'])
def test_sgbench(part):
    data = load('sgbench')
    values = expected(data, f'{part}/expected')
    meant = expected(data, f'{part}/expected_without_defects')
    names, topk = numbers(values)
    plain = [name for name in values if '@' not in name]
    assert sorted(plain) == ['InstR', 'PRank']
    masks, data_samples = part == 'mask', samples_of(data, f'{part}/')
    arguments = dict(metrics=(*names, *plain), topk=topk, classwise=True)
    results, metric = evaluate(
        data_samples, 'sgbench', rules=dict(masks=masks), **arguments
    )
    program = {k: v for k, v in values.items() if 'PairR' not in k}
    assert_close(results, program)
    assert_close(results, {k: v for k, v in meant.items() if 'PairR' in k})
    zero, _ = evaluate(
        data_samples, 'sgbench', **arguments,
        rules=dict(masks=masks, without_prediction='zero'),
    )  # fmt: skip
    assert_close(zero, meant)
    for key in (k for k in data if k.startswith(f'{part}/per_predicate_')):
        name = key.removeprefix(f'{part}/per_predicate_')
        np.testing.assert_allclose(
            metric.predicate_recalls[name], data[key], atol=ATOL
        )
    for k in topk:
        for name in ('R', 'ng-R'):
            recalls = metric.image_recalls[f'{name}@{k}']
            np.testing.assert_allclose(
                recalls[~np.isnan(recalls)],
                without_nan(data[f'{part}/per_image_{name}@{k}']), atol=ATOL,
            )  # fmt: skip
        # the program counts the first K annotated rows only
        cut = [first_rows(sample, k) for sample in data_samples]
        pairs, _ = evaluate(
            cut, 'sgbench', metrics=('PairR',), topk=k,
            rules=dict(masks=masks),
        )  # fmt: skip
        assert_close(pairs, {f'PairR@{k}': values[f'PairR@{k}']})


def without_nan(values):
    return values[~np.isnan(values)]


def first_rows(sample, k):
    relations = sample['gt_relations']
    rows = np.column_stack([relations['pairs'], relations['labels']])
    rows = np.unique(rows, axis=0)[:k]
    return dict(
        sample, gt_relations=dict(pairs=rows[:, :2], labels=rows[:, 2])
    )


@pytest.mark.parametrize('part', ['box', 'mask'])
def test_sgbench_assigns_to_the_best_of_a_class(part):
    data = load('sgbench')
    rules = SceneGraphMetric(
        protocol='sgbench', rules=dict(masks=part == 'mask')
    ).rules
    recalls, ranks, predicates = [], [], []
    keys = with_values(data, f'{part}/', 'assigned')
    numbered = [int(key.split('/')[1]) for key in keys]
    for key in keys:
        sample = sample_of(data, key)
        true = F.true_graph(sample, rules.masks).unique_relations()
        match = F.match_graphs(
            F.predicted_graph(sample, rules.masks), true, rules
        )
        assert_assigned(match, data[f'{key}assigned'])
        recalls.append(F.instance_recall(match))
        ranks.append(F.predicate_ranks(match))
        predicates.append(true.predicates)

    places = data[f'{part}/per_image_PRank']
    number = int(data['num_predicates'])
    got = [
        [F.mean_predicate_rank(r[p == n], p[p == n], p[p == n])
         for n in range(number)]
        for r, p in zip(ranks, predicates, strict=True)
    ]  # fmt: skip
    np.testing.assert_allclose(got, places[numbered], atol=ATOL)
    values = data[f'{part}/per_image_InstR'][numbered]
    assert recalls == pytest.approx(values, abs=ATOL)


@pytest.mark.parametrize('seed', range(4))
def test_sgbench_itself(seed):
    """The program, where it is installed, on other graphs."""
    sgbench = pytest.importorskip(
        'sgbench',
        reason='pip install --no-deps sgbench==1.0.0; it asks for numpy < 2',
    )
    rng = np.random.default_rng(seed)
    sizes = [(4, 5, 5), (6, 9, 12), (3, 2, 1)]
    graphs = [
        make_sample(rng, *size, True, same)
        for size in sizes
        for same in (False, True)
    ]
    for sample in graphs:  # it takes pairs as they are, whatever they score
        del sample['pred_relations']['scores']
        sample['gt_instances']['bboxes'] *= 3
        sample['pred_instances']['bboxes'] *= 3
        boxes = sample['pred_instances']['bboxes']
        # of boxes without area it takes 0 / 0 for a match
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    results, _ = evaluate(graphs, 'sgbench', topk=(2, 5))
    assert 0 < results['R@5'] < 1 and results['PRank'] > 0
    means = {name: [] for name in results}
    for sample in graphs:
        for name, value in by_sgbench(sgbench, sample).items():
            means[name].append(value)
    for name in [name for name in means if 'mR' in name]:
        means[name] = [np.mean(np.nanmean(means[name], axis=0))]
    means['PRank'] = [without_nan(np.array(means['PRank'])).mean()]
    assert_close(results, {k: np.mean(v) for k, v in means.items()})


def by_sgbench(sgbench, sample):
    """Its values of an image."""
    true, predicted = F.true_graph(sample), F.predicted_graph(sample)
    assigned = sgbench.match_instances(
        true.boxes, true.labels, predicted.boxes, predicted.labels
    )
    rows = np.column_stack([true.pairs, true.predicates])
    graph_of = {}
    for order in ('constrained', 'unconstrained'):
        kept, predicates = F.rank_triplets(
            predicted, 10**6, 1 if order == 'constrained' else None
        )
        triplets = np.column_stack([predicted.pairs[kept], predicates])
        graph_of[order] = sgbench.remap_triplets(assigned, triplets)
    triplets, candidates = graph_of.values()
    values = dict(
        InstR=sgbench.instance_recall(len(true.labels), assigned),
        PRank=sgbench.predicate_rank(rows, candidates, NUM_PREDICATES),
    )
    for k in (2, 5):
        for ng, ranked in (('', triplets), ('ng-', candidates)):
            values[f'{ng}R@{k}'] = sgbench.recall(k, False, rows, ranked, 0)
            values[f'{ng}mR@{k}'] = sgbench.recall(
                k, True, rows, ranked, NUM_PREDICATES
            )
        pairs = np.unique(rows[:, :2], axis=0)  # it takes K of them only
        values[f'PairR@{k}'] = sgbench.pair_recall(10**6, pairs, triplets[:k])
    return values


@pytest.mark.parametrize('subset', [False, True])
@pytest.mark.parametrize('task', ['predcls', 'sgcls', 'sgdet'])
def test_pooled_recalls(task, subset):
    data = load('pooled_recall')
    graphs = reference_samples(
        np.load(REFERENCE / 'scene_graph_recall.npz'), task
    )
    key = f'{task}/expected'
    if subset:
        graphs = [graphs[i] for i in data[f'{task}/subset']]
        key = f'{task}/subset_expected'
    values = expected(data, key)
    names, topk = numbers(values)
    if task == 'predcls':
        for sample in graphs:
            instances = sample['pred_instances']
            instances['scores'] = np.ones_like(instances['scores'])
    results, metric = evaluate(
        graphs, 'motifs', metrics=names, topk=topk,
        rules=dict(exclusive=False),
    )  # fmt: skip
    assert_close(results, values)
    if not subset:
        rows = data[f'{task}/pooled_rows']
        assert metric.report['relations'] == rows.sum()


@pytest.mark.parametrize('task', ['predcls', 'sgcls'])
def test_accuracy_of_vg1800(task):
    graphs = reference_samples(
        np.load(REFERENCE / 'scene_graph_recall.npz'), task
    )
    values = expected(load('pooled_recall'), f'{task}/vg1800')
    matches = [
        F.match_graphs(F.predicted_graph(sample), F.true_graph(sample))
        for sample in graphs
    ]
    for kind in ('predicate', 'triplet'):
        for n in (1, 3, 5):
            got = F.predicate_accuracy(matches, n, kind == 'triplet')
            # the program rounds the percent of each predicate
            for name, scale, atol in (
                ('acc', 100, 1e-6), ('mean_acc', 100, 0.006),
                ('F', 100, 0.006), ('nonzero', 1, 0),
            ):  # fmt: skip
                assert got[name] * scale == pytest.approx(
                    values[f'{kind}_top{n}_{name}'], abs=atol
                )


@pytest.mark.parametrize('nms', [False, True])
def test_hico(nms):
    data = load('hico')
    suffix, thr = ('_pair_nms', 0.7) if nms else ('', None)
    found, triplets = [], []
    for key in image_keys(data):
        true = F.true_graph(sample_of(data, key))
        triplets.append(true.triplets)
        if len(true.labels) == 0:
            continue  # the program forgets what is predicted there
        found.append(
            F.image_interactions(
                data[f'{key}boxes'], data[f'{key}labels'],
                data[f'{key}pairs'], data[f'{key}verb_scores'], true,
                data['valid_verb_object'] > 0, nms_thr=thr,
            )
        )  # fmt: skip
    classes, precisions = F.interaction_precisions(
        found, np.concatenate(triplets)
    )
    order = {tuple(row): i for i, row in enumerate(classes.tolist())}
    rows = [order[tuple(row)] for row in data['triplets'].tolist()]
    assert len(rows) == len(classes)
    np.testing.assert_allclose(
        precisions[rows], data[f'AP{suffix}'], atol=ATOL
    )
    values = expected(data, f'expected{suffix}')
    triplets = np.concatenate(triplets)
    rows = [(triplets == c).all(axis=1).sum() for c in classes]
    hits = [
        sum(i.found[(i.triplets == c).all(axis=1)].sum() for i in found)
        for c in classes
    ]
    assert np.mean(np.divide(hits, rows)) == pytest.approx(
        values['mean_max_recall'], abs=ATOL
    )
    assert precisions.mean() == pytest.approx(values['mAP'], abs=ATOL)
    for name in ('rare', 'non_rare'):
        listed = {tuple(t) for t in data[f'{name}_triplets'].tolist()}
        own = [i for triplet, i in order.items() if triplet in listed]
        assert precisions[own].mean() == pytest.approx(
            values[f'mAP_{name}'], abs=ATOL
        )


def test_hico_suppresses_what_overlaps_more_than_the_threshold():
    boxes, labels = np.array([[0, 0, 9, 9], [20, 0, 29, 9]]), np.array([0, 1])
    pairs, scores = np.array([[0, 1], [0, 1]]), np.array([[0.9], [0.8]])
    true = F.TrueGraph(boxes, labels, pairs[:1], np.array([0]))
    for thr, number in ((0.99, 1), (1.0, 2)):
        image = F.image_interactions(
            boxes, labels, pairs, scores, true, nms_thr=thr
        )
        assert len(image.scores) == number


def test_predicates_that_are_never_right_do_not_count_as_some():
    boxes, pairs = np.zeros((2, 4)), np.array([[0, 1], [1, 0]])
    true = F.TrueGraph(boxes, np.array([1, 2]), pairs, np.array([0, 1]))
    predicted = F.PredictedGraph(
        boxes, true.labels, np.ones(2), pairs, np.array([[0.5, 0.1]] * 2)
    )
    found = F.predicate_accuracy([F.match_graphs(predicted, true)], 1)
    assert found == dict(acc=0.5, mean_acc=0.5, F=0.5, nonzero=1)


def test_hico_boxes_that_share_a_border_line_are_apart():
    gt_boxes = np.array([[0, 0, 9, 9], [1, 0, 2, 9]])
    labels, pairs = np.array([0, 1]), np.array([[0, 1]])
    true = F.TrueGraph(gt_boxes, labels, pairs, np.array([0]))
    # half of its object with +1, without it nothing
    for right, found in ((1, False), (2, True)):
        boxes = np.array([[0, 0, 9, 9], [1, 0, right, 9]])
        image = F.image_interactions(
            boxes, labels, pairs, np.array([[0.9]]), true
        )
        assert image.found.tolist() == [found]
