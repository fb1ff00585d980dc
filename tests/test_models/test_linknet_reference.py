"""LinkNetRelHead against what the seed project's inference gave."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmsgg.registry import MODELS

from .linknet_pytorch import convert_head, first_to_last

ROOT = Path(__file__).parents[2]
REFERENCE = Path(
    os.environ.get('MMSGG_REFERENCE', ROOT.parent / 'shared' / 'reference')
)
FILE = REFERENCE / 'linknet_head.npz'
pytestmark = pytest.mark.skipif(
    not FILE.is_file(), reason=f'no reference file {FILE}'
)


@pytest.fixture(scope='module')
def reference():
    with np.load(FILE) as file:
        return {key: torch.from_numpy(file[key]) if file[key].ndim else
                file[key] for key in file}  # fmt: skip


@pytest.fixture
def head(reference):
    dims = json.loads(str(reference['dims']))
    extractor = dict(
        type='CropResizeRoIExtractor',
        roi_layer=dict(output_size=7),
        out_channels=dims['fmap'],
        featmap_strides=[16],
    )
    model = MODELS.build(
        dict(
            type='LinkNetRelHead',
            num_classes=dims['num_classes'],
            num_predicates=dims['num_predicates'],
            embed_channels=dims['embed'],
            hidden_channels=dims['hidden'],
            object_roi_extractor=extractor,
            object_head=dict(
                type='FC67Head',
                in_channels=dims['fmap'],
                out_channels=dims['obj'],
            ),
            union_roi_extractor=dict(
                type='UnionRoIExtractor',
                roi_extractor=extractor,
                draw_boxes=True,
            ),
            union_head=dict(
                type='FC67Head',
                in_channels=dims['fmap'],
                out_channels=dims['pooling'],
                last_relu=False,
            ),
            global_context=dict(
                type='GlobalContext',
                in_channels=dims['fmap'],
                out_channels=None,
                activation='softmax',
            ),
            geometric_layout=dict(type='GeometricLayout'),
        )
    )
    weights = {
        key.removeprefix('state_dict/'): value
        for key, value in reference.items()
        if key.startswith('state_dict/')
    }
    weights = {
        key: value if isinstance(value, torch.Tensor) else torch.tensor(value)
        for key, value in weights.items()
    }
    model.load_state_dict(convert_head(weights), strict=True)
    return model.eval()


def objects_of(reference, name, task):
    logits = reference[f'{name}/input/detector_logits']
    objects = InstanceData(
        bboxes=reference[f'{name}/input/boxes'], logits=first_to_last(logits)
    )
    if task == 'predcls':
        objects.labels = reference[f'{name}/input/gt_labels'] - 1
    if task == 'sgdet':
        objects.class_bboxes = reference[f'{name}/input/boxes_per_class'][
            :, 1:
        ]
    return objects


@pytest.mark.parametrize('sample', range(3))
@pytest.mark.parametrize('task', ['predcls', 'sgcls', 'sgdet'])
@torch.no_grad()
def test_reproduces_the_seed(reference, head, task, sample):
    name = f'{task}/{sample}'
    expected = {
        key.rpartition('/')[2]: value
        for key, value in reference.items()
        if key.startswith(f'{name}/output/')
    }
    x = (reference[f'{name}/input/fmap'],)
    objects = objects_of(reference, name, task)
    head.overlap_only = task == 'sgdet'

    [(instances, relations)] = head.predict(x, [objects], [{}])

    close = dict(atol=1e-4, rtol=0)
    torch.testing.assert_close(instances.bboxes, expected['boxes'], **close)
    assert torch.equal(instances.labels, expected['labels'] - 1)
    torch.testing.assert_close(instances.scores, expected['scores'], **close)
    assert torch.equal(relations.pairs, expected['pairs'])
    torch.testing.assert_close(
        relations.predicate_scores, expected['predicate_probs'][:, 1:], **close
    )

    pairs = [head.all_pairs(objects)]
    [logits], _ = head(x, [objects], pairs)
    torch.testing.assert_close(
        logits, first_to_last(expected['obj_logits']), **close
    )
    _, context = head.global_context(x)
    torch.testing.assert_close(
        context.softmax(dim=1), first_to_last(expected['gce_probs']), **close
    )
