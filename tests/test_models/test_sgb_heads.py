"""Motifs and the transformer against what Scene-Graph-Benchmark gave."""

from copy import deepcopy

import pytest
import torch

from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS

from . import sgb
from .given_features import features_of_width, give_features

METAS = [dict(scale_factor=(1.0, 1.0))]


def width(arrays, name, dim=0):
    return arrays[f'state_dict/{sgb.HEAD}{name}'].shape[dim]


def pyramid_features(arrays, sizes):
    """The config of what sees the regions, in the sizes of the file."""
    pool = dict(
        type='InclusiveRoIExtractor',
        roi_layer=dict(
            type='RoIAlign', output_size=7, sampling_ratio=2, aligned=False
        ),
        out_channels=sizes['fpn_channels'],
        featmap_strides=[4, 8, 16, 32],
    )
    fc67 = dict(
        type='FC67Head',
        in_channels=sizes['fpn_channels'],
        out_channels=sizes['roi_dim'],
    )
    return dict(
        object_roi_extractor=pool,
        object_head=fc67,
        union_roi_extractor=dict(
            type='UnionRoIExtractor',
            roi_extractor=dict(pool, type='ConcatRoIExtractor'),
            draw_boxes=True,
            drawn_in='image',
        ),
        union_head=fc67,
    )


def context_cfg(arrays, sizes, **kwargs):
    """What the configs of all heads have in common."""
    return dict(
        num_classes=sizes['num_classes_with_background'] - 1,
        num_predicates=sizes['num_predicates_with_background'] - 1,
        embed_channels=sizes['embed'],
        hidden_channels=sizes['hidden'],
        late_nms_iou=sizes['later_nms'],
        **kwargs,
    )


@pytest.fixture(scope='module')
def motifs():
    arrays, sizes = sgb.read('sgb_motifs')
    cfg = dict(
        type='MotifsRelHead',
        **context_cfg(arrays, sizes),
        features=pyramid_features(arrays, sizes),
    )
    head = MODELS.build(cfg).eval()
    head.load_state_dict(sgb.converted(arrays, 'motifs'), strict=True)
    return head, arrays, sizes


@pytest.mark.parametrize('task', sgb.TASKS)
@torch.no_grad()
def test_motifs_from_the_maps(motifs, task):
    head, arrays, sizes = motifs
    for case in sgb.cases(arrays):
        given = sgb.part(arrays, f'{case}/input')
        x = tuple(given[f'P{level}'] for level in range(2, 6))
        objects = sgb.objects_of(given, task, sizes['image_wh'])
        expected = sgb.part(arrays, f'{case}/{task}/output')
        between = sgb.part(arrays, f'{case}/{task}/intermediate')
        check_logits(head, x, objects, expected, between)
        [graph] = head.predict(x, [objects], [dict(scale_factor=(1.0, 1.0))])
        sgb.assert_same_graph(graph, expected)


@pytest.fixture(scope='module')
def transformer():
    arrays, sizes = sgb.read('sgb_transformer')
    cfg = dict(
        type='TransformerRelHead',
        **context_cfg(arrays, sizes),
        features=features_of_width(sizes['roi_dim']),
        num_object_layers=sizes['object_layers'],
        num_edge_layers=sizes['edge_layers'],
        num_heads=sizes['heads'],
        key_channels=sizes['key'],
        value_channels=sizes['value'],
        feedforward_channels=sizes['inner'],
    )
    head = MODELS.build(cfg).eval()
    give_features(head)
    head.load_state_dict(sgb.converted(arrays, 'transformer'), strict=True)
    return head, arrays, sizes


@pytest.mark.parametrize('task', sgb.TASKS)
@torch.no_grad()
def test_transformer(transformer, task):
    head, arrays, sizes = transformer
    for case in sgb.cases(arrays):
        given = sgb.part(arrays, f'{case}/input')
        head.features.show(given)
        objects = sgb.objects_of(given, task, sizes['image_wh'])
        expected = sgb.part(arrays, f'{case}/{task}/output')
        between = sgb.part(arrays, f'{case}/{task}/intermediate')
        check_logits(head, (), objects, expected, between)
        [graph] = head.predict((), [objects], METAS)
        sgb.assert_same_graph(graph, expected)


def check_logits(head, x, objects, expected, between):
    """Compare the logits of all pairs, and of the objects."""
    pairs = between['pairs_before_ranking']
    output = head(x, [objects], [pairs])
    torch.testing.assert_close(
        sgb.last(expected['obj_logits']), output.object_logits[0], **sgb.CLOSE
    )
    assert torch.equal(output.labels[0], between['obj_preds'] - 1)
    torch.testing.assert_close(
        sgb.last(expected['rel_logits']),
        output.predicate_logits[0],
        **sgb.CLOSE,
    )


@pytest.fixture(scope='module')
def causal():
    arrays, sizes = sgb.read('sgb_causal_motifs')
    cfg = dict(
        type='CausalMotifsRelHead',
        **context_cfg(arrays, sizes),
        features=features_of_width(sizes['roi_dim']),
    )
    head = MODELS.build(cfg).eval()
    give_features(head)
    head.load_state_dict(
        sgb.converted(arrays, 'causal_motifs_sum'), strict=True
    )
    return head, arrays, sizes


@pytest.mark.parametrize('effect', ['none', 'TDE', 'NIE', 'TE'])
@pytest.mark.parametrize('task', sgb.TASKS)
@torch.no_grad()
def test_causal_motifs(causal, task, effect):
    head, arrays, sizes = causal
    head.effect = effect
    for case in sgb.cases(arrays):
        given = sgb.part(arrays, f'{case}/input')
        head.features.show(given)
        objects = sgb.objects_of(given, task, sizes['image_wh'])
        expected = sgb.part(arrays, f'{case}/{task}/{effect}')
        between = sgb.part(arrays, f'{case}/{task}/intermediate')
        pairs = between['pairs_before_ranking']
        output = head((), [objects], [pairs])
        torch.testing.assert_close(
            sgb.last(arrays[f'{case}/{task}/output/obj_logits']),
            output.object_logits[0],
            **sgb.CLOSE,
        )
        torch.testing.assert_close(
            sgb.last(expected['rel_logits']),
            output.predicate_logits[0],
            **sgb.CLOSE,
        )
        [graph] = head.predict((), [objects], METAS)
        sgb.assert_same_graph(graph, expected)


@pytest.mark.parametrize('task', ['predcls', 'sgcls'])
@torch.no_grad()
def test_causal_losses_and_means(causal, task):
    trained, arrays, sizes = causal
    names = dict(
        context='auxiliary_ctx', union='auxiliary_vis',
        frequency='auxiliary_frq', predicate='loss_rel',
    )  # fmt: skip
    means = dict(
        layout='untreated_spt', gates='avg_post_ctx', unions='untreated_feat'
    )
    found = 0
    for case in sgb.cases(arrays):
        expected = sgb.part(arrays, f'{case}/{task}/loss')
        if not expected:
            continue
        head = deepcopy(trained)
        head.training = True  # its own flag alone, as there
        given = sgb.part(arrays, f'{case}/input')
        head.features.show(given)
        objects = sgb.objects_of(given, task, sizes['image_wh'])
        pairs = arrays[f'{case}/{task}/intermediate/pairs_before_ranking']
        output = head((), [objects], [pairs])
        predicates = arrays[f'{case}/{task}/target/predicate_labels']
        predicates = (predicates - 1) % (head.num_predicates + 1)
        targets = RelationTargets(pairs, predicates, given['labels'] - 1)
        losses = head.loss_by_feat(output, [targets], [])
        for name, of in names.items():
            torch.testing.assert_close(
                losses[f'loss_{name}'], expected[of], **sgb.CLOSE
            )
        for name, of in means.items():
            torch.testing.assert_close(
                getattr(head, f'mean_{name}'),
                arrays[f'{case}/{task}/buffers_after_one_training_step/{of}'],
            )
        found += 1
    assert found
