"""Reading what the heads of Scene-Graph-Benchmark gave.

Labels there count from 1, and background comes first. Every size is read
from the file, so that other values of other sizes pass too.
"""

from ast import literal_eval

import numpy as np
import torch
from mmengine.structures import InstanceData

from ..folders import REFERENCE
from ..scripts import load_tool

TASKS = ('predcls', 'sgcls', 'sgdet')
CLOSE = dict(atol=1e-4, rtol=0)
HEAD = 'roi_heads.relation.'


def read(name):
    """All arrays of a file, by key, and its sizes."""
    with np.load(REFERENCE / 'sgb' / f'{name}.npz') as file:
        arrays = {
            key: torch.from_numpy(file[key])
            for key in file.files
            if file[key].dtype.kind != 'U'
        }
        return arrays, literal_eval(str(file['config']))


def weights(arrays):
    """The state dict of the whole model."""
    prefix = 'state_dict/'
    return {
        key.removeprefix(prefix): values
        for key, values in arrays.items()
        if key.startswith(prefix)
    }


def converted(arrays, kind):
    """The weights of a file under our names."""
    convert = load_tool('model_converters/sgb_weights').convert
    prefix = 'relation_head.'
    found = convert(weights(arrays), kind).state_dict
    assert all(key.startswith(prefix) for key in found)
    return {key.removeprefix(prefix): found[key] for key in found}


def cases(arrays):
    """Names of the images, those of one object last."""
    return sorted({k.split('/')[0] for k in arrays if k.startswith('case')})


def part(arrays, prefix):
    """The arrays under a prefix, by what follows it."""
    return {
        key.removeprefix(f'{prefix}/'): values
        for key, values in arrays.items()
        if key.startswith(f'{prefix}/')
    }


def last(values, dim=-1):
    """Move background from the first place to the last."""
    return values.roll(-1, dim)


def objects_of(given, task, image_wh):
    """Make of a case's input what reaches our head."""
    logits = last(given['predict_logits'])
    objects = InstanceData(
        metainfo=dict(img_shape=tuple(image_wh[::-1])),
        bboxes=given['boxes'],
        logits=logits,
    )
    if task == 'predcls':
        objects.labels = given['labels'] - 1
    if task == 'sgdet':
        objects.bboxes = given['boxes_sgdet']
        objects.class_bboxes = given['boxes_per_cls'][:, 1:]
    return objects


def assert_same_graph(graph, expected):
    """Compare a graph with the reference, ranks where scores are apart."""
    instances, relations = graph
    torch.testing.assert_close(instances.bboxes, expected['boxes'], **CLOSE)
    assert torch.equal(instances.labels, expected['labels'] - 1)
    torch.testing.assert_close(instances.scores, expected['scores'], **CLOSE)
    if len(instances) == 1:  # related to itself there, and to nothing here
        assert len(relations) == 0
        return
    scores = expected['triple_scores']
    torch.testing.assert_close(relations.scores, scores, **CLOSE)
    probabilities = dict(
        zip(
            map(tuple, expected['pairs'].tolist()),
            expected['predicate_probs'][:, 1:],
            strict=True,
        )
    )
    for i, pair in enumerate(map(tuple, relations.pairs.tolist())):
        torch.testing.assert_close(
            relations.predicate_scores[i], probabilities.pop(pair), **CLOSE
        )
    assert not probabilities
    gaps = scores[:-1] - scores[1:] > 1e-5
    true = torch.ones(1, dtype=torch.bool)
    sure = torch.cat([true, gaps]) & torch.cat([gaps, true])
    assert torch.equal(relations.pairs[sure], expected['pairs'][sure])
    labels = expected['predicate_labels'] - 1
    assert torch.equal(relations.labels[sure], labels[sure])
