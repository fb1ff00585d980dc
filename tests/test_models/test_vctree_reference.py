"""VCTree against what Scene-Graph-Benchmark's code gave."""

import numpy as np
import pytest
import torch

from mmsgg.models.relation_heads import VCTreeRelHead
from mmsgg.models.relation_heads.object_trees import ObjectTrees
from mmsgg.structures import SGDataSample

from . import sgb
from .given_features import features_of_width, give_features
from .sgb import CLOSE, TASKS


@pytest.fixture(scope='module')
def reference():
    return sgb.read('vctree')


@pytest.fixture(scope='module')
def head(reference):
    """Our head in the sizes, and with the weights, of the file."""
    arrays, sizes = reference
    head = VCTreeRelHead(
        sizes['num_classes_with_background'] - 1,
        sizes['num_predicates_with_background'] - 1,
        embed_channels=sizes['embed'],
        hidden_channels=sizes['hidden'],
        late_nms_iou=sizes['later_nms'],
        features=features_of_width(sizes['roi_dim']),
    )
    give_features(head)
    head.load_state_dict(sgb.converted(arrays, 'vctree'), strict=True)
    return head.eval()


def padded(scores):
    """Square tables of several images in one."""
    size = max(map(len, scores))
    table = torch.full((len(scores), size, size), 2.0)
    for image, own in zip(table, scores, strict=True):
        image[: len(own), : len(own)] = own
    return table


def assert_same_tree(trees, first, expected):
    """Compare the tree whose first object is row ``first``."""
    size = len(expected['parent'])
    names = 'binary_parent', 'binary_left', 'binary_right'
    found = np.column_stack([trees.parents, trees.children])
    for name, rows in zip(names, found[first : first + size].T, strict=True):
        kin = np.where(rows < 0, -1, rows - first)
        assert kin.tolist() == expected[name].tolist()
    root = trees.depths[first : first + size].argmin()
    assert root == expected['root']


def test_trees_of_given_scores(reference):
    """All in one batch, and one of no object."""
    arrays, _ = reference
    names = sorted({k.split('/')[0] for k in arrays if k.startswith('tree')})
    scores = [arrays[f'{name}/input/pair_scores'] for name in names]
    scores.insert(2, torch.zeros(0, 0))
    names.insert(2, None)
    trees = ObjectTrees(padded(scores), [*map(len, scores)])
    first = 0
    for name, own in zip(names, scores, strict=True):
        if name:
            expected = sgb.part(arrays, f'{name}/output')
            assert_same_tree(trees, first, expected)
        first += len(own)
    assert first == len(trees.parents)


class Watch:
    """Keeps what goes in and out of some modules."""

    def __init__(self, **modules):
        self.seen = {}
        self.hooks = [
            module.register_forward_hook(self.keeper(name))
            for name, module in modules.items()
        ]

    def keeper(self, name):
        def keep(module, inputs, output):
            self.seen[name] = inputs, output

        return keep

    def __enter__(self):
        return self.seen

    def __exit__(self, *error):
        for hook in self.hooks:
            hook.remove()


def check_intermediates(seen, expected):
    """Compare what goes in and out of the parts of the head."""
    scores = seen['scores'][1][0].sigmoid()
    found = dict(
        box_info=seen['scores'][0][0][2],
        overlap_info=seen['scores'][0][0][3],
        score_input=seen['query'][0][0],
        pair_scores=scores,
        object_context_input=seen['objects'][0][0],
        object_context=seen['objects'][1],
        edge_context_input=seen['edges'][0][0],
        edge_context=seen['edges'][1],
    )
    for name, values in found.items():
        torch.testing.assert_close(values, expected[name], **CLOSE, msg=name)


@pytest.mark.parametrize('task', TASKS)
@torch.no_grad()
def test_reproduces_the_published_code(reference, head, task):
    arrays, sizes = reference
    for case in sgb.cases(arrays):
        given = sgb.part(arrays, f'{case}/input')
        expected = sgb.part(arrays, f'{case}/{task}')
        objects = sgb.objects_of(given, task, sizes['image_wh'])
        head.features.show(given)
        pairs = head.all_pairs(objects.bboxes)
        with Watch(
            scores=head.tree_scores,
            query=head.tree_scores.input_fc,
            objects=head.object_lstm,
            edges=head.edge_lstm,
        ) as seen:
            output = head((), [objects], [pairs])
        check_intermediates(seen, sgb.part(expected, 'intermediate'))
        trees = seen['objects'][0][1]
        assert_same_tree(trees, 0, sgb.part(expected, 'tree'))
        wanted = sgb.part(expected, 'output')
        torch.testing.assert_close(
            output.object_logits[0], sgb.last(wanted['obj_logits']), **CLOSE
        )
        if len(pairs):
            torch.testing.assert_close(
                output.predicate_logits[0],
                sgb.last(wanted['rel_logits']),
                **CLOSE,
            )
        [graph] = head.predict((), [objects], [{}])
        sgb.assert_same_graph(graph, wanted)


@pytest.mark.parametrize('task', TASKS[:2])
@torch.no_grad()
def test_loss_of_the_trees(reference, head, task):
    """Of one image, and of a batch the mean."""
    arrays, sizes = reference
    found, expected = [], []
    for case in sgb.cases(arrays):
        part = sgb.part(arrays, f'{case}/{task}')
        if 'loss/binary_loss' not in part:
            continue
        given = sgb.part(arrays, f'{case}/input')
        objects = sgb.objects_of(given, task, sizes['image_wh'])
        related = part['target/relation_matrix_symmetric'].triu().nonzero()
        sample = SGDataSample()
        sample.gt_instances = objects.new(labels=given['labels'] - 1)
        sample.gt_relations = objects.new(
            pairs=related, labels=related[:, 0] * 0
        )
        head.features.show(given)
        output = head((), [objects], [head.all_pairs(objects.bboxes)])
        losses = head.auxiliary_losses(output, [sample])
        found.append(losses['loss_tree'])
        expected.append(part['loss/binary_loss'])
    assert len(found) > 1
    torch.testing.assert_close(found, expected, **CLOSE)
