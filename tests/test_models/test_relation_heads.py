from copy import deepcopy

import pytest
import torch
from mmengine.structures import InstanceData

from mmsgg.evaluation import SceneGraphMetric
from mmsgg.models.relation_heads import FrequencyRelHead, base_relation_head
from mmsgg.models.relation_heads.object_classes import given_logits
from mmsgg.registry import MODELS, TASK_UTILS

from .samples import (
    NO_REGIONS,
    NUM_CLASSES,
    NUM_PREDICATES,
    assert_same_graph,
    causal_motifs_cfg,
    count_drops,
    drawing_cfg,
    feature_map,
    gated_transformer_cfg,
    given_objects,
    imp_cfg,
    linknet_cfg,
    metas,
    motifs_cfg,
    penet_cfg,
    product_motifs_cfg,
    random_objects,
    random_sample,
    transformer_cfg,
    vctree_cfg,
)
from .test_base_relation_head import slow_late_nms

TASKS = ('predcls', 'sgcls', 'sgdet')
MLP = dict(
    type='MLPRelHead',
    num_classes=NUM_CLASSES,
    num_predicates=NUM_PREDICATES,
    dropout=0.0,
)
HEADS = dict(
    linknet=linknet_cfg(),
    linknet_drawing=linknet_cfg(features=drawing_cfg()),
    frequency=dict(
        type='FrequencyRelHead',
        num_classes=NUM_CLASSES,
        num_predicates=NUM_PREDICATES,
    ),
    imp=imp_cfg(),
    motifs=motifs_cfg(),
    motifs_confidence=motifs_cfg(order='confidence', features=drawing_cfg()),
    causal_motifs=causal_motifs_cfg(),
    product_motifs=product_motifs_cfg(features=drawing_cfg()),
    transformer=transformer_cfg(key_channels=5, value_channels=6),
    gated_transformer=gated_transformer_cfg(),
    motifs_boxes=motifs_cfg(**NO_REGIONS),
    gated_transformer_boxes=gated_transformer_cfg(**NO_REGIONS),
    vctree=vctree_cfg(features=drawing_cfg()),
    penet=penet_cfg(),
    mlp=MLP,
    mlp_frequency=dict(MLP, frequency_bias=True),
)


@pytest.fixture(params=HEADS)
def head(request):
    torch.manual_seed(0)
    head = MODELS.build(HEADS[request.param])
    if head.frequency_bias is not None:
        torch.nn.init.normal_(head.frequency_bias.table.weight)
    return head.eval()


@pytest.fixture
def linknet():
    torch.manual_seed(0)
    head = MODELS.build(linknet_cfg())
    torch.nn.init.normal_(head.frequency_bias.table.weight)
    return head.eval()


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
        pairs = head.all_pairs(objects.bboxes)
        output = head(x, [objects], [pairs])
        [logits], [predicates] = output.object_logits, output.predicate_logits
        assert torch.equal(output.labels[0], instances.labels)
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
        """Teacher forcing: whatever the detector and the head say.

        Heads of Scene-Graph-Benchmark embed given classes in place of what
        the detector says; to them it says the true ones.
        """
        samples = [random_sample(n, 2 * n, seed=n) for n in (5, 4)]
        embeds_given = head.late_nms_rule != 'class'

        def loss(classes=None):
            objects = [random_objects(len(s.gt_instances), 7, task)
                       for s in samples]  # fmt: skip
            for i, sample in enumerate(samples):
                objects[i].bboxes = sample.gt_instances.bboxes
                if embeds_given:
                    objects[i].logits = given_logits(
                        true[i], objects[i].logits
                    )
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
        pairs = head.all_pairs(objects.bboxes)
        [logits] = head(feature_map(1), [objects], [pairs]).object_logits
        [(instances, _)] = head.predict(feature_map(1), [objects], metas(1))
        scores = logits.softmax(dim=1)[:, :-1]
        expected = slow_late_nms(scores, objects.class_bboxes, 0.3)
        assert expected != scores.argmax(dim=1).tolist()
        assert instances.labels.tolist() == expected

    @pytest.mark.parametrize('task', TASKS)
    def test_objects_are_left_as_they_are(self, head, task):
        x, samples = feature_map(2), [random_sample(n, n, n) for n in (4, 3)]
        objects = [random_objects(n, n, task) for n in (4, 3)]
        for image, sample in zip(objects, samples, strict=True):
            image.bboxes = sample.gt_instances.bboxes
        before = deepcopy(objects)
        head.train().loss(x, objects, samples)
        with torch.no_grad():
            head.eval().predict(x, objects, metas(2), rescale=True)
        for image, old in zip(objects, before, strict=True):
            assert {*image.keys()} == {*old.keys()}
            assert image.metainfo == old.metainfo
            for key, value in image.items():
                assert torch.equal(value, old.get(key))

    @torch.no_grad()
    def test_classes_are_decided_once_an_image(self, head, monkeypatch):
        calls = []

        def counted(scores, *args):
            calls.append(len(scores))
            return late_nms(scores, *args)

        late_nms = base_relation_head.late_nms
        monkeypatch.setattr(base_relation_head, 'late_nms', counted)
        objects = [random_objects(n, n, 'sgdet') for n in (5, 0, 3)]
        head.predict(feature_map(3), objects, metas(3))
        assert calls == [5, 0, 3]

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
        pairs = head.all_pairs(objects.bboxes)
        other_pairs = head.all_pairs(other.bboxes)
        output = head(feature_map(2), [objects, other], [pairs, other_pairs])
        order = torch.tensor([3, 0, 5, 1, 4, 2])
        moved = head(
            feature_map(2),
            [objects[order], other],
            [order.argsort()[pairs], other_pairs],
        )
        torch.testing.assert_close(
            moved.object_logits[0], output.object_logits[0][order]
        )
        assert torch.equal(moved.labels[0], output.labels[0][order])
        torch.testing.assert_close(
            moved.predicate_logits, output.predicate_logits
        )

    @torch.no_grad()
    def test_pairs_in_chunks_score_the_same(self, head):
        objects = [random_objects(n, n) for n in (5, 0, 3)]
        whole = head.predict(feature_map(3), objects, metas(3))
        if hasattr(head, 'features'):  # what pools regions
            head.features.max_pairs = 4
        chunks = head.predict(feature_map(3), objects, metas(3))
        for graph, other in zip(whole, chunks, strict=True):
            assert_same_graph(graph, other)

    @torch.no_grad()
    def test_the_best_relations_are_kept(self, head, monkeypatch):
        monkeypatch.setattr(base_relation_head, 'MAX_RANKED', 4)
        objects = [random_objects(n, n) for n in (5, 0, 1)]
        x = feature_map(3)
        graphs = head.predict(x, objects, metas(3))
        few = head.predict(x, objects, metas(3), max_relations=7)
        assert [len(relations) for _, relations in few] == [7, 0, 0]
        for (instances, relations), graph in zip(graphs, few, strict=True):
            assert_same_graph(graph, (instances, relations[:7]))

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
        history, found = [], 0.0
        for step in range(160):
            losses = head.train().loss(x, objects(), samples)
            optimizer.zero_grad()
            sum(v for k, v in losses.items() if 'loss' in k).backward()
            optimizer.step()
            history.append(losses['loss_predicate'].item())
            if step % 10 == 9 and history[-1] < 0.5 * history[0]:
                found = recall(head.eval(), x, objects(), samples)
                if found > 0.9:
                    break
        assert history[-1] < 0.5 * history[0]
        assert found > 0.9


@torch.no_grad()
def test_attention_crosses_images_if_it_is_made_to(linknet):
    """Show that the test above can fail: one block over both images."""
    x = feature_map(2)
    objects = [random_objects(n, n) for n in (4, 3)]
    pairs = [linknet.all_pairs(o.bboxes) for o in objects]
    logits = linknet(x, objects, pairs).object_logits
    blocks = [m for m in linknet.modules() if hasattr(m, 'fc0')]
    for block in blocks:
        one_image = block.forward
        block.forward = lambda x, n, f=one_image: f(x, [sum(n)])
    crossed = linknet(x, objects, pairs).object_logits
    assert not torch.allclose(logits[0], crossed[0], atol=1e-4)


def test_the_global_context_runs_once_a_step(linknet):
    batches = []
    linknet.global_context.register_forward_hook(
        lambda context, inputs, output: batches.append(len(inputs[0][0]))
    )
    x, samples = feature_map(2), [random_sample(n, n, n) for n in (3, 2)]
    objects = [given_objects(sample, 0) for sample in samples]
    linknet.train().loss(x, objects, samples)
    assert batches == [2]
    with torch.no_grad():
        linknet.eval().predict(x, objects, metas(2))
    assert batches == [2, 2]


@torch.no_grad()
def test_frequency_head_is_its_table():
    head = FrequencyRelHead(NUM_CLASSES, NUM_PREDICATES).eval()
    torch.nn.init.normal_(head.frequency_bias.table.weight)
    objects = random_objects(4, task='predcls')
    pairs = head.all_pairs(objects.bboxes)
    [logits] = head((), [objects], [pairs]).predicate_logits
    for (s, o), row in zip(pairs.tolist(), logits, strict=True):
        entry = objects.labels[s] * NUM_CLASSES + objects.labels[o]
        assert torch.equal(row, head.frequency_bias.table.weight[entry])


@torch.no_grad()
def test_mlp_head_is_its_formula():
    torch.manual_seed(0)
    head = MODELS.build(HEADS['mlp_frequency']).eval()
    torch.nn.init.normal_(head.frequency_bias.table.weight)
    objects = random_objects(3, task='predcls')
    boxes, labels = objects.bboxes, objects.labels
    pairs = torch.tensor([[2, 0], [1, 2]])
    [logits] = head((), [objects], [pairs]).predicate_logits
    for (s, o), row in zip(pairs.tolist(), logits, strict=True):
        layout = head.geometric_layout(boxes[[s]], boxes[[o]])[0]
        words = [
            head.subject_embedding.weight[labels[s]],
            head.object_embedding.weight[labels[o]],
        ]
        hidden = head.pair_fc(torch.cat([*words, layout])).relu()
        hidden = hidden * head.layout_gate(layout).relu()
        bias = head.frequency_bias(labels[[s, o]][None])[0]
        torch.testing.assert_close(row, head.predicate_fc(hidden) + bias)


@pytest.mark.parametrize('name', ['linknet', 'motifs'])
def test_predicates_start_as_in_the_published_code(name):
    """Xavier, normal; torch's own would be uniform and narrower."""
    cfg = dict(HEADS[name], num_predicates=199)
    head = MODELS.build(cfg)
    weight = head.predicate_fc.weight.detach()
    std = (2 / sum(weight.shape)) ** 0.5
    assert weight.std() == pytest.approx(std, rel=0.05)
    assert weight.abs().max() > 2.5 * std
    if name == 'motifs':  # of 16 channels
        std = head.role_fc.weight.detach().std()
        assert std == pytest.approx(2.5, rel=0.2)
        assert not head.role_fc.bias.any()


@pytest.mark.parametrize(
    ('name', 'channels', 'attention'),
    [
        # words, G0; the layout
        ('linknet', {0.5: 2, 0.1: 1}, {}),
        # words, hidden; the layout
        ('mlp', {0.5: 2, 0.1: 1}, {}),
        # the states of the decoder, beside what torch's LSTM drops
        ('motifs', {0.5: 1}, {}),
        # boxes
        ('product_motifs', {0.1: 1}, {}),
        # boxes twice, and each of three layers thrice and its attention
        ('transformer', {0.5: 11}, {0.5: 3}),
        ('gated_transformer', {0.5: 9, 0.1: 1}, {0.5: 3}),
        # looks of both and of the union, both roles, pairs twice, prototypes
        ('penet', {0.5: 8}, {}),
    ],
)
def test_what_training_drops(name, channels, attention, monkeypatch):
    """So often, and nothing in a test; the other tests drop nothing."""
    head = MODELS.build(dict(HEADS[name], dropout=0.5))
    sample = random_sample(3, 2)
    objects, x = given_objects(sample, 0), feature_map(1)
    found = count_drops(monkeypatch)
    with torch.no_grad():
        head.eval().predict(x, [objects], metas(1))
    assert found == ({}, {})
    head.train().loss(x, [objects], [sample])
    assert found == (channels, attention)
