"""EGTR gives what the authors' code gave, through the converter."""

import math

import numpy as np
import pytest
import torch
from mmdet.structures.bbox import bbox_cxcywh_to_xyxy

from mmsgg.models.relation_heads.egtr_rel_head import TripletFrequency

from . import egtr

CLOSE = dict(atol=1e-4, rtol=0)


@pytest.fixture(scope='module')
def reference():
    return egtr.read()


@pytest.fixture(scope='module')
def arrays(reference):
    return reference[0]


@pytest.fixture(scope='module')
def sizes(reference):
    return reference[1]


@pytest.fixture(scope='module')
def built(reference):
    return egtr.build(*reference)


@pytest.fixture
def model(built, monkeypatch):
    """With the switches that a test leaves as they were."""
    head = built.relation_head
    for name in ('negatives', 'smoothing', 'logit_adjustment'):
        monkeypatch.setattr(head, name, getattr(head, name))
    monkeypatch.setattr(built, 'freeze_detector', False)
    return built.eval()


@pytest.fixture(scope='module')
def found(built, arrays):
    return built.find(egtr.maps(built, arrays), egtr.samples(arrays), None)


def all_pairs(num):
    rows = torch.arange(num)
    return torch.cartesian_prod(rows, rows)


def test_the_decoder_and_its_attention(found, arrays, sizes):
    hidden = arrays['output/decoder_hidden_states'][1:]
    scale = (sizes['d_model'] // sizes['heads']) ** 0.5
    for i, image in enumerate(found.objects):
        torch.testing.assert_close(
            image.layer_states.transpose(0, 1), hidden[:, i], atol=1e-5, rtol=0
        )
        for layer in range(sizes['decoder_layers']):
            for name, factor in (('queries', scale), ('keys', 1.0)):
                expected = arrays[f'output/attention_{name}/{layer}'][i]
                torch.testing.assert_close(
                    image[f'attention_{name}'][:, layer],
                    expected.transpose(0, 1).flatten(1) * factor,
                    atol=1e-5,
                    rtol=0,
                )


def test_the_encoder(built, arrays):
    samples = egtr.samples(arrays)
    encoder, _ = built.detector.pre_transformer(
        egtr.maps(built, arrays), samples
    )
    memory = built.detector.forward_encoder(**encoder)['memory']
    expected = arrays['output/encoder_last_hidden_state']
    torch.testing.assert_close(memory[:, ::7], expected, atol=1e-5, rtol=0)


def test_boxes_and_classes(found, arrays, sizes):
    for i, image in enumerate(found.objects):
        torch.testing.assert_close(
            image.logits[:, :-1], arrays['output/logits'][i], **CLOSE
        )
        height, width = arrays['input/img_shapes'][i].tolist()
        expected = bbox_cxcywh_to_xyxy(arrays['output/pred_boxes'][i])
        expected = expected * torch.tensor([width, height] * 2)
        torch.testing.assert_close(image.bboxes, expected, atol=1e-3, rtol=0)
        assert len(image) == sizes['num_queries']


@torch.no_grad()
def test_all_pairs(model, found, arrays, sizes):
    num = sizes['num_queries']
    head = model.relation_head
    pairs = [all_pairs(num)] * len(found.objects)
    output = head(found.x, found.objects, pairs)
    frequencies = head.frequency_bias
    for i, logits in enumerate(output.predicate_logits):
        labels = arrays['output/logits'][i].argmax(dim=1)
        assert torch.equal(output.labels[i], labels)
        scores = logits.unflatten(0, (num, num))
        expected = arrays['output/rel_logits_before_freq'][i]
        plain = scores[..., :-1] - frequencies(labels, labels)
        torch.testing.assert_close(plain, expected, **CLOSE)
        torch.testing.assert_close(
            -scores[..., -1:], arrays['output/connectivity_logits'][i], **CLOSE
        )
        connected = arrays['output/pred_connectivity'][i]
        for adjustment, name in ((0.0, ''), (0.3, '_logit_adjusted_tau0.3')):
            head.logit_adjustment = adjustment
            expected = arrays[f'output/pred_rel{name}'][i] * connected
            torch.testing.assert_close(
                head.predicate_probabilities(logits).view_as(expected),
                expected,
                atol=1e-5,
                rtol=0,
            )


@torch.no_grad()
def test_pairs_are_the_same_in_chunks(model, found, arrays, monkeypatch):
    path = 'mmsgg.models.relation_heads.egtr_rel_head.MAX_PAIRS'
    [image, *_] = found.objects
    labels = image.logits[:, :-1].argmax(dim=1)
    whole = model.relation_head.score_pairs(image, labels)
    for size in (1, 5 * len(image)):
        monkeypatch.setattr(path, size)
        chunked = model.relation_head.score_pairs(image, labels)
        torch.testing.assert_close(chunked, whole)


def graphs(model, found, arrays):
    metas = [sample.metainfo for sample in egtr.samples(arrays)]
    with torch.no_grad():
        return model.relation_head.predict(
            found.x, found.objects, metas, rescale=True
        )


def test_objects_and_graphs_in_their_order(model, found, arrays):
    for i, (instances, relations) in enumerate(graphs(model, found, arrays)):
        expected = egtr.part(arrays, f'rank/objects/{i}/')
        torch.testing.assert_close(
            instances.bboxes, expected['boxes'], atol=1e-3, rtol=0
        )
        assert torch.equal(instances.labels, expected['labels'])
        torch.testing.assert_close(
            instances.scores, expected['scores'], **CLOSE
        )
        expected = egtr.part(arrays, f'rank/graph_constraint/{i}/')
        num = len(expected['pairs'])
        assert torch.equal(relations.pairs[:num], expected['pairs'])
        assert torch.equal(relations.labels[:num], expected['predicates'])
        torch.testing.assert_close(
            relations.predicate_scores[:num],
            expected['all_predicate_scores'],
            **CLOSE,
        )
        torch.testing.assert_close(
            relations.scores[:num], expected['triplet_scores'], **CLOSE
        )
        pairs = relations.pairs
        scores = instances.scores[pairs].prod(dim=1, keepdim=True)
        scores = scores * relations.predicate_scores
        expected = egtr.part(arrays, f'rank/no_graph_constraint/{i}/')
        best = scores.flatten().topk(len(expected['pairs']))
        rows = best.indices // scores.shape[1]
        assert torch.equal(pairs[rows], expected['pairs'])
        predicates = best.indices % scores.shape[1]
        assert torch.equal(predicates, expected['predicates'])


def test_detections(built, arrays):
    """By mmdet, which clips them to the image."""
    samples = egtr.samples(arrays)
    outputs = built.detector.forward_transformer(
        egtr.maps(built, arrays), samples
    )
    with torch.no_grad():
        results = built.detector.bbox_head.predict(
            **outputs, batch_data_samples=samples, rescale=True
        )
    for i, result in enumerate(results):
        expected = egtr.part(arrays, f'detection_top100/{i}/')
        assert torch.equal(result.labels, expected['labels'])
        torch.testing.assert_close(result.scores, expected['scores'], **CLOSE)
        height, width = arrays['input/ori_shapes'][i].tolist()
        size = torch.tensor([width, height] * 2)
        inside = expected['boxes'].clamp(min=0).minimum(size)
        torch.testing.assert_close(result.bboxes, inside, atol=1e-3, rtol=0)


def test_matching(model, found, arrays):
    for i, (image, sample) in enumerate(
        zip(found.objects, egtr.samples(arrays), strict=True)
    ):
        targets = model.relation_head.match(image, sample)
        expected = egtr.part(arrays, f'match/{i}/')
        order = expected['query'].argsort()
        queries = expected['query'][order]
        assert torch.equal(targets.matched.nonzero()[:, 0], queries)
        torch.testing.assert_close(
            1 - targets.certainty[queries],
            expected['smoothed_cost'][order].sigmoid(),
            atol=1e-5,
            rtol=0,
        )
        assert not targets.certainty[~targets.matched].any()
        rows = dict(
            zip(
                expected['target'].tolist(),
                expected['query'].tolist(),
                strict=True,
            )
        )
        held = {
            (rows[s], rows[o], p)
            for s, o, p in arrays[f'target/{i}/relations'].tolist()
        }
        assert {*map(tuple, targets.held.nonzero().tolist())} == held


@pytest.mark.parametrize(
    ('variant', 'options'),
    [
        ('train', {}),
        ('train_few_negatives', dict(negatives=(3, 4))),
        ('train_aux', {}),
        ('val', {}),
        ('train_smoothing1e-6', dict(smoothing=1e-6)),
    ],
)
def test_losses(model, arrays, sizes, variant, options, monkeypatch):
    head, source = model.relation_head, model.object_source
    layers = None if variant == 'train_aux' else 1
    monkeypatch.setattr(source, 'loss_layers', layers)
    for name, value in options.items():
        setattr(head, name, value)
    head.training = variant != 'val'  # there is no dropout in the head
    model.detector.training = True  # without dropout below
    monkeypatch.setattr(
        model, 'extract_feat', lambda inputs: egtr.maps(model, arrays)
    )
    losses = model.loss(None, egtr.samples(arrays))
    head.training = False
    expected = egtr.part(arrays, f'loss/{variant}/')
    names = dict(
        loss_cls='loss_ce',
        loss_bbox='loss_bbox',
        loss_iou='loss_giou',
        loss_predicate='loss_rel',
        loss_connectivity='loss_connectivity',
    )
    weights = sizes['loss_weights']
    total = 0
    for key, loss in losses.items():
        *layer, name = key.removeprefix('detector.').split('.')
        theirs = names[name]
        suffix = f'_{layer[0].removeprefix("d")}' if layer else ''
        torch.testing.assert_close(
            loss.squeeze() / weights[theirs],
            expected.pop(theirs + suffix),
            **CLOSE,
        )
        total = total + loss.squeeze()
    assert not {key for key in expected if key.startswith('loss_')}
    torch.testing.assert_close(total, expected['total'], atol=1e-3, rtol=1e-5)


def test_terms_are_looked_up_by_subject_and_object():
    table = TripletFrequency(3, 2)
    torch.nn.init.normal_(table.triplet_dist)
    subjects, objects = torch.tensor([0, 2]), torch.tensor([1, 0, 2])
    terms = table(subjects, objects)
    assert terms.shape == (2, 3, 2)
    for row, s in zip(terms, subjects, strict=True):
        for term, o in zip(row, objects, strict=True):
            assert torch.equal(term, table.triplet_dist[s, o])


def test_frequencies(arrays, sizes):
    """Theirs are logs of counts, by a bracket that is misplaced."""
    counts = arrays['input/fg_matrix'].numpy()
    assert not counts[-1].any() and not counts[:, -1].any()
    counts = counts[:-1, :-1]
    padded = np.pad(counts, [(0, 0), (0, 0), (0, 1)])  # unrelated ones
    args = sizes['num_classes'], sizes['num_predicates']
    weights = egtr.part(arrays, 'state_dict/model.')
    table = TripletFrequency(*args, 'count')
    table.set_counts(padded, sizes['freq_bias_eps'])
    expected = weights['triplet_dist'][:-1, :-1]
    torch.testing.assert_close(table.triplet_dist.data, expected, **CLOSE)
    torch.testing.assert_close(table.rel_dist.data, weights['rel_dist'])
    right = TripletFrequency(*args)
    right.set_counts(padded, sizes['freq_bias_eps'])
    shares = right.triplet_dist.exp()
    seen = torch.from_numpy(counts.sum(axis=2) > 0)
    totals = shares.sum(dim=2)
    torch.testing.assert_close(totals[seen], torch.ones_like(totals[seen]))
    assert math.isclose(float(right.rel_dist.sum()), 1, abs_tol=1e-5)
