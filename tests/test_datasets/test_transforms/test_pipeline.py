"""Data set and transforms together, as a config puts them."""

import pytest
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmsgg.registry import DATASETS

from ..vg_files import settings

PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(128, 128), keep_ratio=True),
    dict(type='LoadRelationAnnotations'),
    dict(type='PackSGInputs'),
]


def build(folder, **kwargs):
    config = dict(type='VG150Dataset', split='test', pipeline=PIPELINE)
    return DATASETS.build(config | settings(folder) | kwargs)


def test_sample_equals_item(folder):
    dataset = build(folder)
    some = 0
    for i in range(len(dataset)):
        item, packed = dataset.get_data_info(i), dataset[i]
        sample = packed['data_samples']
        assert max(packed['inputs'].shape[1:]) == 128
        assert sample.ori_shape == (item['height'], item['width'])
        assert (sample.img_id, sample.img_path) == (
            item['img_id'],
            item['img_path'],
        )
        # annotations came after Resize, so boxes are in original pixels
        boxes = [row['bbox'] for row in item['instances']]
        assert sample.gt_instances.bboxes.tensor.tolist() == boxes
        pairs = [row['pair'] for row in item['relations']]
        assert sample.gt_relations.pairs.tolist() == pairs
        some += len(pairs)
    assert some


@pytest.mark.parametrize(
    'resize',
    [
        dict(type='Resize', scale=(128, 128)),
        dict(type='TruncatedResize'),
        dict(type='RandomChoiceResize', scales=[(128, 128)]),
        dict(type='mmdet.ResizeShortestEdge', scale=128),
        dict(
            type='mmdet.ProposalBroadcaster',
            transforms=[dict(type='RandomResize', scale=(128, 128))],
        ),
    ],
)
def test_boxes_are_not_scaled_in_a_test(folder, resize):
    load, _, annotations, pack = PIPELINE
    training = [load, annotations, resize, pack]
    assert len(build(folder, pipeline=training))
    with pytest.raises(ValueError, match=r'VG150Dataset test: LoadRelationAn'):
        build(folder, pipeline=training, test_mode=True)
    steps = [load, resize, annotations, pack]
    assert len(build(folder, pipeline=steps, test_mode=True))


def test_undecodable_image_is_named(folder):
    dataset = build(folder)
    item = dataset.get_data_info(0)
    with open(item['img_path'], 'wb') as file:
        file.write(b'not a picture')
    with pytest.raises(ValueError, match=f'{item["img_id"]}.jpg does not dec'):
        dataset[0]


def test_workers(folder):
    dataset = build(folder, test_mode=True)
    loader = DataLoader(
        dataset, batch_size=2, num_workers=1, collate_fn=pseudo_collate
    )
    ids = [
        sample.img_id for batch in loader for sample in batch['data_samples']
    ]
    assert ids == dataset.scene_graphs.img_ids.tolist()
