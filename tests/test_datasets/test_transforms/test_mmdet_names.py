"""Transforms that mmcv and mmdet both have, as a config may name them."""

import copy

import pytest
import torch
from mmengine.registry import init_default_scope

from mmsgg.registry import DATASETS

from ..test_coco_relations import SMALL, opened
from ..vg_files import settings


def sample_of(folder, *steps):
    init_default_scope('mmsgg')
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadRelationAnnotations'),
        *steps,
        dict(type='PackSGInputs'),
    ]
    config = dict(type='VG150Dataset', split='test', pipeline=pipeline)
    return DATASETS.build(config | settings(folder))[0]


@pytest.mark.parametrize('scope', ['', 'mmdet.'])
@pytest.mark.parametrize(
    'step',
    [
        dict(type='Resize', scale=(64, 64), keep_ratio=True),
        dict(type='RandomChoiceResize', scales=[(64, 64)], keep_ratio=True),
        dict(
            type='RandomResize',
            scale=(128, 128),
            ratio_range=(0.5, 0.5),
            keep_ratio=True,
        ),
    ],
)
def test_resize(folder, scope, step):
    plain = sample_of(folder)['data_samples']
    packed = sample_of(folder, dict(step, type=scope + step['type']))
    sample = packed['data_samples']
    assert max(packed['inputs'].shape[1:]) == 64
    factors = torch.tensor(sample.scale_factor * 2, dtype=torch.float32)
    torch.testing.assert_close(
        sample.gt_instances.bboxes.tensor,
        plain.gt_instances.bboxes.tensor * factors,
    )


@pytest.mark.parametrize('scope', ['', 'mmdet.'])
def test_flip(folder, scope):
    plain = sample_of(folder)['data_samples'].gt_instances.bboxes
    packed = sample_of(folder, dict(type=f'{scope}RandomFlip', prob=1.0))
    boxes = packed['data_samples'].gt_instances.bboxes.tensor
    width = packed['inputs'].shape[2]
    assert (boxes[:, 0] - (width - plain.tensor[:, 2])).abs().max() < 1e-3


@pytest.mark.parametrize('name', ['RandomFlip', 'mmdet.RandomFlip'])
def test_sides_are_not_flipped_under_either_name(tmp_path, name):
    init_default_scope('mmsgg')
    content = copy.deepcopy(SMALL)
    content['predicates'][0]['name'] = 'left of'
    steps = [dict(type='LoadRelationAnnotations'), dict(type=name, prob=0.5)]
    with pytest.raises(ValueError, match="would make 'left of' wrong"):
        opened(tmp_path, content, pipeline=steps)
