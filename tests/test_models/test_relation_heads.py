from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import InstanceData

from mmsgg.evaluation import SceneGraphMetric
from mmsgg.models.relation_heads import FrequencyRelHead, LinkNetRelHead
from mmsgg.models.task_modules.relation_sampler import RelationTargets
from mmsgg.registry import MODELS, TASK_UTILS
from mmsgg.structures.bbox import box_ious

from .samples import (
    NUM_CLASSES,
    NUM_PREDICATES,
    feature_map,
    imp_cfg,
    linknet_cfg,
    motifs_cfg,
    random_objects,
    random_sample,
    region_parts,
    transformer_cfg,
)
from .test_roi_heads import slow_late_nms

TASKS = ('predcls', 'sgcls', 'sgdet')
DRAWING = dict(
    union_roi_extractor=dict(
        region_parts()['union_roi_extractor'], draw_boxes=True
    )
)
NO_IMAGE = dict(
    object_roi_extractor=None,
    object_head=None,
    union_roi_extractor=None,
    union_head=None,
    pair_channels=16,
)
HEADS = dict(
    linknet=linknet_cfg(),
    linknet_drawing=linknet_cfg(**DRAWING),
    frequency=dict(
        type='FrequencyRelHead',
        num_classes=NUM_CLASSES,
        num_predicates=NUM_PREDICATES,
    ),
    imp=imp_cfg(),
    motifs=motifs_cfg(),
    motifs_confidence=motifs_cfg(order='confidence', **DRAWING),
    transformer=transformer_cfg(),
    motifs_boxes=motifs_cfg(**NO_IMAGE),
    transformer_boxes=transformer_cfg(**NO_IMAGE),
    mlp=dict(
        type='MLPRelHead',
        num_classes=NUM_CLASSES,
        num_predicates=NUM_PREDICATES,
        dropout=0.0,
    ),
)


@pytest.fixture(params=HEADS)
def head(request):
    torch.manual_seed(0)
    head = MODELS.build(HEADS[request.param])
    if hasattr(head, 'frequency_bias'):
        torch.nn.init.normal_(head.frequency_bias.table.weight)
    return head.eval()


@pytest.fixture
def linknet():
    torch.manual_seed(0)
    head = MODELS.build(linknet_cfg())
    torch.nn.init.normal_(head.frequency_bias.table.weight)
    return head.eval()


def metas(num):
    return [dict(scale_factor=(2.0, 0.5))] * num


def assert_same_graph(left, right):
    for one, other in zip(left, right, strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            torch.testing.assert_close(value, other.get(key))


def random_graph(seed, by_classes):
    """A sample with 8 relations, one a pair, so that R@20 can become 1.

    With ``by_classes`` the classes tell the predicate, and there are but 20
    pairs; else 30, and nothing but the image tells.
    """
    num = 5 if by_classes else 6
    sample = random_sample(num, 0, seed)
    generator = torch.Generator().manual_seed(seed)
    pairs = torch.ones(num, num).fill_diagonal_(0).nonzero()
    pairs = pairs[torch.randperm(len(pairs), generator=generator)[:8]]
    labels = torch.randint(NUM_PREDICATES, (8,), generator=generator)
    if by_classes:
        classes = sample.gt_instances.labels[pairs]
        labels = (classes[:, 0] + 2 * classes[:, 1]) % NUM_PREDICATES
    sample.gt_relations = InstanceData(pairs=pairs, labels=labels)
    return sample


def given_objects(sample, seed):
    """The ground truth of a sample, as predcls gives it to a head."""
    objects = random_objects(len(sample.gt_instances), seed)
    objects.bboxes = sample.gt_instances.bboxes
    objects.labels = sample.gt_instances.labels
    return objects


@torch.no_grad()
def recall(head, x, objects, samples):
    """R@20 of the metric."""
    metric = SceneGraphMetric(metrics=('R',), topk=(20,))
    graphs = head.predict(x, objects, metas(len(samples)))
    for sample, (instances, relations) in zip(samples, graphs, strict=True):
        sample = sample.clone()
        sample.pred_instances, sample.pred_relations = instances, relations
        metric.process(None, [sample.to_dict()])
    return metric.evaluate(len(samples))['R@20']


class TestEveryHead:
    """What holds for any head; a new one joins HEADS."""

    @pytest.mark.parametrize('task', TASKS)
    @torch.no_grad()
    def test_a_batch_equals_its_images_alone(self, head, task):
        x = feature_map(4)
        objects = [
            random_objects(n, seed, task)
            for seed, n in enumerate((5, 0, 1, 3))
        ]
        graphs = head.predict(x, objects, metas(4))
        for i, graph in enumerate(graphs):
            alone = head.predict(
                (x[0][i : i + 1],), objects[i : i + 1], metas(1)
            )
            assert_same_graph(graph, alone[0])
        assert [len(relations) for _, relations in graphs] == [20, 0, 0, 6]

    @pytest.mark.parametrize('task', TASKS)
    @torch.no_grad()
    def test_graph_is_ranked_and_scored_as_documented(self, head, task):
        objects = random_objects(5, seed=2, task=task)
        x = feature_map(1)
        [(instances, relations)] = head.predict(x, [objects], metas(1))
        pairs = head.all_pairs(objects)
        [logits], [predicates] = head(x, [objects], [pairs])
        probs = {
            tuple(pair): p
            for pair, p in zip(
                pairs.tolist(), predicates.softmax(dim=1), strict=True
            )
        }
        class_probs = logits.softmax(dim=1)
        expected = []
        for s, o in pairs.tolist():
            prob, label = probs[s, o][:-1].max(dim=0)
            score = instances.scores[s] * instances.scores[o] * prob
            expected.append((float(score), (s, o), int(label)))
        expected.sort(key=lambda row: -row[0])
        assert [tuple(p) for p in relations.pairs.tolist()] == [
            pair for _, pair, _ in expected
        ]
        assert relations.labels.tolist() == [label for *_, label in expected]
        torch.testing.assert_close(
            relations.scores, torch.tensor([score for score, *_ in expected])
        )
        for pair, scores in zip(
            relations.pairs.tolist(), relations.predicate_scores, strict=True
        ):
            torch.testing.assert_close(scores, probs[tuple(pair)][:-1])
        if task == 'predcls':
            assert torch.equal(instances.labels, objects.labels)
            assert torch.equal(instances.scores, torch.ones(5))
        else:
            rows = torch.arange(5)
            torch.testing.assert_close(
                instances.scores, class_probs[rows, instances.labels]
            )
        if task == 'sgdet':
            torch.testing.assert_close(
                instances.bboxes, objects.class_bboxes[rows, instances.labels]
            )

    @pytest.mark.parametrize('task', TASKS)
    def test_gradients_reach_every_parameter(self, head, task):
        head.train()
        name = (
            'DetectionRelationSampler'
            if task == 'sgdet'
            else 'RelationSampler'
        )
        head.sampler = TASK_UTILS.build(dict(type=name))
        samples = [random_sample(n, 2 * n, seed=n) for n in (5, 4)]
        objects = []
        for sample in samples:
            gt = sample.gt_instances
            image_objects = random_objects(len(gt), 0, task)
            image_objects.bboxes = gt.bboxes
            if task == 'predcls':
                image_objects.labels = gt.labels
            objects.append(image_objects)
        losses = head.loss(feature_map(2), objects, samples)
        assert 'loss_predicate' in losses
        sum(v for k, v in losses.items() if 'loss' in k).backward()
        without = [
            name
            for name, parameter in head.named_parameters()
            if parameter.grad is None or not parameter.grad.any()
        ]
        # a bias that adds the same to each row of softmax(Q K^T) changes
        # nothing
        assert [name for name in without if not name.endswith('W.bias')] == []

    @pytest.mark.parametrize('task', ('sgcls', 'sgdet'))
    def test_pairs_are_trained_with_the_true_classes(self, head, task):
        """Teacher forcing: whatever the detector and the head say."""
        samples = [random_sample(n, 2 * n, seed=n) for n in (5, 4)]

        def loss(classes=None):
            objects = [random_objects(len(s.gt_instances), 7, task)
                       for s in samples]  # fmt: skip
            for i, sample in enumerate(samples):
                objects[i].bboxes = sample.gt_instances.bboxes
                if classes is not None:
                    objects[i].labels = classes[i]
            torch.manual_seed(0)  # of sampler and dropout
            return head.train().loss(feature_map(2), objects, samples)

        true = [sample.gt_instances.labels for sample in samples]
        wrong = [(labels + 1) % NUM_CLASSES for labels in true]
        ours = loss()['loss_predicate']
        torch.testing.assert_close(ours, loss(true)['loss_predicate'])
        assert not torch.allclose(ours, loss(wrong)['loss_predicate'])

    @torch.no_grad()
    def test_detections_of_one_place_get_several_classes(self, head):
        objects = random_objects(6, seed=1, task='sgdet')
        for field in ('bboxes', 'class_bboxes', 'logits'):
            values = objects.get(field)
            values[3:] = values[:3]
        pairs = head.all_pairs(objects)
        [logits], _ = head(feature_map(1), [objects], [pairs])
        [(instances, _)] = head.predict(feature_map(1), [objects], metas(1))
        scores = logits.softmax(dim=1)[:, :-1]
        expected = slow_late_nms(scores, objects.class_bboxes, 0.3)
        assert expected != scores.argmax(dim=1).tolist()
        assert instances.labels.tolist() == expected

    @pytest.mark.parametrize('sizes', [(0,), (1,), (0, 1), (2, 0)])
    def test_images_without_relations_train(self, head, sizes):
        head.train()
        samples = [random_sample(n, 0, seed=n) for n in sizes]
        objects = [random_objects(n, n) for n in sizes]
        for image_objects, sample in zip(objects, samples, strict=True):
            image_objects.bboxes = sample.gt_instances.bboxes
        losses = head.loss(feature_map(len(sizes)), objects, samples)
        total = sum(v for k, v in losses.items() if 'loss' in k)
        assert total.isfinite()
        total.backward()
        # every parameter takes part, or distributed training would wait for it
        assert all(p.grad is not None for p in head.parameters())

    @pytest.mark.parametrize('task', ('predcls', 'sgcls'))
    @torch.no_grad()
    def test_the_order_of_objects_does_not_matter(self, head, task):
        objects, other = random_objects(6, 1, task), random_objects(3, 2, task)
        pairs = head.all_pairs(objects)
        logits, predicates = head(
            feature_map(2), [objects, other], [pairs, head.all_pairs(other)]
        )
        order = torch.tensor([3, 0, 5, 1, 4, 2])
        moved, moved_predicates = head(
            feature_map(2),
            [objects[order], other],
            [order.argsort()[pairs], head.all_pairs(other)],
        )
        torch.testing.assert_close(moved[0], logits[0][order])
        torch.testing.assert_close(moved_predicates, predicates)

    @torch.no_grad()
    def test_pairs_in_pieces_score_the_same(self, head):
        objects = [random_objects(n, n) for n in (5, 0, 3)]
        whole = head.predict(feature_map(3), objects, metas(3))
        head.max_pairs = 4
        pieces = head.predict(feature_map(3), objects, metas(3))
        for graph, other in zip(whole, pieces, strict=True):
            assert_same_graph(graph, other)

    def test_it_runs_in_bfloat16(self, head):
        samples = [random_graph(seed, False) for seed in range(2)]
        objects = [given_objects(sample, 0) for sample in samples]
        with torch.autocast('cpu', torch.bfloat16):
            losses = head.train().loss(feature_map(2), objects, samples)
            sum(v for k, v in losses.items() if 'loss' in k).backward()
            assert recall(head.eval(), feature_map(2), objects, samples) >= 0
        for parameter in head.parameters():
            assert parameter.grad.isfinite().all()

    def test_four_images_are_learned_by_heart(self, head):
        only_table = isinstance(head, FrequencyRelHead)
        samples = [random_graph(seed, only_table) for seed in range(4)]
        x = feature_map(4)

        def objects():
            return [
                given_objects(sample, i) for i, sample in enumerate(samples)
            ]

        for module in head.train().modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.momentum = 0.1  # or the statistics lag behind
        optimizer = torch.optim.Adam(
            head.parameters(), 0.1 if only_table else 0.01
        )
        history = []
        for _ in range(80):
            losses = head.loss(x, objects(), samples)
            optimizer.zero_grad()
            sum(v for k, v in losses.items() if 'loss' in k).backward()
            optimizer.step()
            history.append(losses['loss_predicate'].item())
        assert history[-1] < 0.5 * history[0]
        assert recall(head.eval(), x, objects(), samples) > 0.9


@torch.no_grad()
def test_attention_crosses_images_if_it_is_made_to(linknet):
    """Show that the test above can fail: one block over both images."""
    x = feature_map(2)
    objects = [random_objects(n, n) for n in (4, 3)]
    pairs = [linknet.all_pairs(o) for o in objects]
    logits, _ = linknet(x, objects, pairs)
    blocks = [m for m in linknet.modules() if hasattr(m, 'fc0')]
    for block in blocks:
        one_image = block.forward
        block.forward = lambda x, n, f=one_image: f(x, [sum(n)])
    crossed, _ = linknet(x, objects, pairs)
    assert not torch.allclose(logits[0], crossed[0], atol=1e-4)


@torch.no_grad()
def test_rescale_goes_to_original_pixels(linknet):
    objects = random_objects(3)
    [(instances, _)] = linknet.predict(
        feature_map(1), [objects], metas(1), rescale=True
    )
    scale = torch.tensor([2.0, 0.5, 2.0, 0.5])
    torch.testing.assert_close(instances.bboxes * scale, objects.bboxes)


@torch.no_grad()
def test_overlap_only_leaves_distant_pairs_out(linknet):
    objects = random_objects(6, seed=1)
    linknet.overlap_only = True
    pairs = {tuple(pair) for pair in linknet.all_pairs(objects).tolist()}
    boxes = objects.bboxes
    expected = {
        (i, j)
        for i in range(6)
        for j in range(6)
        if i != j and box_ious(boxes[[i]], boxes[[j]]) > 0
    }
    assert pairs == expected
    assert 0 < len(pairs) < 30


def pooled_at_once(head):
    """Hook a list in that gets the number of RoIs of each pooling."""
    sizes = []
    head.union_roi_extractor.roi_extractor.register_forward_pre_hook(
        lambda _, args: sizes.append(len(args[1]))
    )
    return sizes


@pytest.mark.parametrize('max_pairs', [1, 3, 7, 1000])
@pytest.mark.parametrize('draw_boxes', [False, True])
@torch.no_grad()
def test_pairs_in_pieces_give_the_same(draw_boxes, max_pairs):
    """Pieces of 44 pairs reach over images, and over those without pairs."""
    torch.manual_seed(0)
    name = 'linknet_drawing' if draw_boxes else 'linknet'
    head = MODELS.build(HEADS[name]).eval()
    sizes = pooled_at_once(head)
    objects = [random_objects(n, n) for n in (5, 0, 3, 1, 4, 3)]
    whole = head.predict(feature_map(6), objects, metas(6))
    assert sizes == [44 if draw_boxes else 22]
    sizes.clear()

    head.max_pairs = max_pairs
    pieces = head.predict(feature_map(6), objects, metas(6))
    for graph, other in zip(whole, pieces, strict=True):
        assert_same_graph(graph, other)
    assert max(sizes) <= max_pairs
    assert sum(sizes) == (44 if draw_boxes else 22)


@torch.no_grad()
def test_no_pairs_in_pieces(linknet):
    linknet.max_pairs = 1
    objects = [random_objects(n) for n in (0, 1)]
    graphs = linknet.predict(feature_map(2), objects, metas(2))
    assert [len(relations) for _, relations in graphs] == [0, 0]


@pytest.mark.parametrize('draw_boxes', [False, True])
def test_shared_unions_train_as_if_pooled_pair_by_pair(draw_boxes):
    """Logits and gradients, where pairs are drawn twice and both ways."""
    torch.manual_seed(0)
    head = MODELS.build(
        HEADS['linknet_drawing' if draw_boxes else 'linknet']
        | dict(geometric_layout=dict(type='GeometricLayout', dropout=0.0))
    ).train()
    sizes = pooled_at_once(head)
    pairs = [
        torch.tensor([[0, 1], [1, 0], [2, 1], [0, 1], [2, 2]]),
        torch.zeros(0, 2, dtype=torch.long),
        torch.tensor([[1, 0], [0, 1]]),
    ]
    objects = [random_objects(n, n) for n in (4, 1, 2)]
    x = feature_map(3)[0].requires_grad_()

    def plain(x, bboxes, rows):
        pooled = head.union_roi_extractor(x, bboxes, pairs)
        return head.union_head(pooled), torch.arange(7)

    def run():
        _, logits = head((x,), objects, pairs)
        weights = torch.arange(28.0).reshape(7, 4).sin()
        parameters = [p for p in head.parameters() if p.requires_grad]
        loss = (torch.cat(logits) * weights).sum()
        return logits, torch.autograd.grad(
            loss, [x, *parameters], allow_unused=True
        )

    shared = run()
    head.embed_unions = plain
    torch.testing.assert_close(shared, run())
    assert sizes == [7 if draw_boxes else 4, 7]


def test_teacher_forcing_uses_targets_but_no_background(linknet):
    objects = random_objects(3)
    objects.target_labels = torch.tensor([2, NUM_CLASSES, 0])
    labels = linknet.decide_labels(objects, objects.logits)
    likeliest = objects.logits[1, :-1].argmax()
    assert labels.tolist() == [2, int(likeliest), 0]


@torch.no_grad()
def test_what_is_probably_background_chooses_its_class_last(linknet):
    objects = InstanceData(class_bboxes=torch.ones(2, NUM_CLASSES, 4))
    logits = torch.tensor([[2.0, 1, 0, 0, -5], [3, 1, 0, 0, 8]])
    assert linknet.decide_labels(objects, logits).tolist() == [0, 1]
    logits[1, -1] = -5  # now it is surer of the same class
    assert linknet.decide_labels(objects, logits).tolist() == [1, 0]


@pytest.mark.parametrize('weight', [0.0, 0.25, 1.0])
def test_context_loss_has_its_weight(weight):
    torch.manual_seed(0)
    head = MODELS.build(linknet_cfg(context_loss_weight=weight)).train()
    x, samples = feature_map(2), [random_sample(n, n, n) for n in (3, 2)]
    objects = [given_objects(sample, 0) for sample in samples]
    losses = head.loss(x, objects, samples)
    _, logits = head.global_context(x)
    terms = []
    for sample, row in zip(samples, logits.sigmoid(), strict=True):
        present = set(sample.gt_instances.labels.tolist())
        for label in range(NUM_CLASSES):
            likely = row[label] if label in present else 1 - row[label]
            terms.append(-likely.log())
    torch.testing.assert_close(
        losses['loss_context'], weight * torch.stack(terms).mean()
    )


def test_background_detections_stay_background_in_the_loss(linknet):
    objects = random_objects(2, task='sgdet')
    targets = RelationTargets(
        torch.zeros(0, 2, dtype=torch.long),
        torch.zeros(0, dtype=torch.long),
        torch.tensor([1, NUM_CLASSES]),
    )
    linknet.train()
    linknet.sampler = SimpleNamespace(sample=lambda *_: targets)
    x = feature_map(1)
    losses = linknet.loss(x, [objects], [random_sample(2, 0)])
    [logits], _ = linknet(x, [objects], [targets.pairs])
    expected = torch.nn.functional.cross_entropy(logits, targets.labels)
    torch.testing.assert_close(losses['loss_object'], expected)


@torch.no_grad()
def test_frequency_head_is_its_table():
    head = FrequencyRelHead(NUM_CLASSES, NUM_PREDICATES).eval()
    torch.nn.init.normal_(head.frequency_bias.table.weight)
    objects = random_objects(4, task='predcls')
    pairs = head.all_pairs(objects)
    _, [logits] = head((), [objects], [pairs])
    for (s, o), row in zip(pairs.tolist(), logits, strict=True):
        entry = objects.labels[s] * NUM_CLASSES + objects.labels[o]
        assert torch.equal(row, head.frequency_bias.table.weight[entry])


def test_switches_of_the_config():
    head = MODELS.build(linknet_cfg(frequency_bias=False, reduction=4))
    assert isinstance(head, LinkNetRelHead) and head.frequency_bias is None
    assert head.object_block2.W.out_features == 16 // 4


@pytest.mark.parametrize('name', ['linknet', 'motifs'])
def test_predicates_start_as_in_the_published_code(name):
    """Xavier, normal; torch's own would be uniform and narrower."""
    cfg = dict(HEADS[name], num_predicates=199)
    head = MODELS.build(cfg)
    weight = head.predicate_fc.weight.detach()
    std = (2 / sum(weight.shape)) ** 0.5
    assert weight.std() == pytest.approx(std, rel=0.05)
    assert weight.abs().max() > 2.5 * std
