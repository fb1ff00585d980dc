import numpy as np
import pytest
import torch
from mmengine.dataset import Compose

from mmsgg.datasets import LoadRelationAnnotations, PackSGInputs
from mmsgg.structures import SGDataSample

from .test_loading import item


def load(**kwargs):
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    shapes = dict(img_shape=(40, 60), ori_shape=(40, 60))
    return (
        item(**kwargs) | dict(img=image, img_id=7, img_path='a.jpg') | shapes
    )


def pipeline(*transforms):
    return Compose(
        [
            dict(type='LoadRelationAnnotations'),
            *transforms,
            dict(type='PackSGInputs'),
        ]
    )


def test_packs_a_sample():
    packed = pipeline()(load())
    assert packed['inputs'].shape == (3, 40, 60)
    sample = packed['data_samples']
    assert type(sample) is SGDataSample
    assert sample.gt_instances.labels.tolist() == [0, 1, 0]
    assert sample.gt_instances.bboxes.tensor.shape == (3, 4)
    assert sample.gt_relations.pairs.tolist() == [[0, 2], [2, 1], [0, 2]]
    assert sample.gt_relations.labels.tolist() == [0, 1, 2]
    assert len(sample.ignored_instances) == 0
    assert sample.img_id == 7
    # there was no Resize
    assert 'scale_factor' not in sample.metainfo


@pytest.mark.parametrize('num_instances', [0, 1, 2])
def test_packs_no_relations(num_instances):
    packed = pipeline()(load(num_instances=num_instances, pairs=()))
    relations = packed['data_samples'].gt_relations
    assert relations.pairs.shape == (0, 2)
    assert relations.pairs.dtype == relations.labels.dtype == torch.int64
    assert len(relations) == 0
    assert len(packed['data_samples'].gt_instances) == num_instances


def test_resize_after_the_annotations_scales_boxes_only():
    resize = dict(type='mmdet.Resize', scale=(120, 80), keep_ratio=True)
    sample = pipeline(resize)(load())['data_samples']
    assert sample.scale_factor == (2, 2)
    assert sample.gt_instances.bboxes.tensor[2].tolist() == [4, 4, 22, 14]
    assert sample.gt_relations.pairs.tolist() == [[0, 2], [2, 1], [0, 2]]


def test_a_distorting_resize_scales_width_and_height_apart():
    resize = dict(type='mmdet.Resize', scale=(120, 120), keep_ratio=False)
    sample = pipeline(resize)(load())['data_samples']
    assert sample.scale_factor == (2, 3)
    assert sample.gt_instances.bboxes.tensor[2].tolist() == [4, 6, 22, 21]


def test_resize_before_the_annotations_leaves_original_pixels():
    transforms = Compose(
        [
            dict(type='mmdet.Resize', scale=(120, 80), keep_ratio=True),
            dict(type='LoadRelationAnnotations'),
            dict(type='PackSGInputs'),
        ]
    )
    sample = transforms(load())['data_samples']
    assert (sample.ori_shape, sample.img_shape) == ((40, 60), (80, 120))
    assert sample.gt_instances.bboxes.tensor[2].tolist() == [2, 2, 11, 7]


def test_without_relations_or_image():
    transforms = Compose(
        [dict(type='mmdet.LoadAnnotations'), dict(type='PackSGInputs')]
    )
    packed = transforms(item())
    assert 'inputs' not in packed
    assert 'gt_relations' not in packed['data_samples']
    assert len(packed['data_samples'].gt_instances) == 3
    without_image = pipeline()(item())
    assert without_image['data_samples'].ori_shape == (40, 60)
    assert len(without_image['data_samples'].gt_relations) == 3


def test_relations_follow_ignored_instances_out():
    results = load(num_instances=4, pairs=((0, 3), (1, 2), (3, 2)))
    results['instances'][1]['ignore_flag'] = 1
    sample = pipeline()(results)['data_samples']
    assert len(sample.gt_instances) == 3
    assert len(sample.ignored_instances) == 1
    assert sample.gt_relations.pairs.tolist() == [[0, 2], [2, 1]]
    assert sample.gt_relations.labels.tolist() == [0, 2]


def test_a_dropped_instance_is_noticed():
    # boxes are 9 x 5, one is made smaller than the limit
    results = load()
    results['instances'][1]['bbox'] = [0, 0, 1, 1]
    drop = dict(type='mmdet.FilterAnnotations', min_gt_bbox_wh=(4, 4))
    with pytest.raises(
        RuntimeError, match=r'image 7 had 3.*FilterAnnotations'
    ):
        pipeline(drop)(results)
    # the same transform is fine where it drops nothing
    assert len(pipeline(drop)(load())['data_samples'].gt_relations) == 3


def test_reordered_instances_are_noticed():
    results = LoadRelationAnnotations()(load())
    results['gt_bboxes_labels'] = results['gt_bboxes_labels'][[1, 0, 2]]
    with pytest.raises(RuntimeError, match='wrong boxes'):
        PackSGInputs()(results)
