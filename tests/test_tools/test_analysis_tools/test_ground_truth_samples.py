"""What is drawn of an item."""

import cv2
import numpy as np
import pytest

from ...scripts import load_tool

build_dataset = load_tool('analysis_tools/config_parts').build_dataset
browse = load_tool('analysis_tools/browse_dataset')


def test_raw_sample(toy_config):
    dataset = build_dataset(toy_config, 'test')
    item = dataset.get_data_info(2)
    image, sample = browse.raw_sample(dataset, 2)
    np.testing.assert_array_equal(
        image[..., ::-1], cv2.imread(item['img_path'])
    )
    boxes = [one['bbox'] for one in item['instances']]
    np.testing.assert_allclose(sample.gt_instances.bboxes, boxes)
    pairs = [one['pair'] for one in item['relations']]
    assert sample.gt_relations.pairs.tolist() == pairs
    labels = [one['predicate_label'] for one in item['relations']]
    assert sample.gt_relations.labels.tolist() == labels
    assert sample.img_path == item['img_path']


def test_raw_sample_without_anything(toy_config):
    dataset = build_dataset(toy_config, 'test')
    item = dataset.get_data_info(0)
    item |= dict(instances=[], relations=[])
    dataset.get_data_info = lambda _: item
    _, sample = browse.raw_sample(dataset, 0)
    assert sample.gt_instances.bboxes.shape == (0, 4)
    assert sample.gt_relations.pairs.shape == (0, 2)


@pytest.mark.parametrize('keep_ratio', [True, False])
@pytest.mark.parametrize('split', ['train', 'test'])
def test_pipeline_sample_is_in_pixels_of_its_image(
    toy_config, split, keep_ratio
):
    """Training scales the boxes, testing leaves that to the detector."""
    for transform in toy_config[f'{split}_dataloader'].dataset.pipeline:
        if transform.type == 'mmdet.Resize':
            transform.scale = (300, 300 if keep_ratio else 200)
            transform.keep_ratio = keep_ratio
    dataset = build_dataset(toy_config, split)
    original, expected = browse.raw_sample(dataset, 1)
    image, sample = browse.pipeline_sample(dataset, 1)
    assert max(image.shape) == 300 > max(original.shape)
    scale = np.divide(image.shape[:2], original.shape[:2])[[1, 0, 1, 0]]
    boxes = sample.gt_instances.bboxes / scale
    np.testing.assert_allclose(boxes, expected.gt_instances.bboxes, atol=0.01)
    smaller = cv2.resize(image, original.shape[1::-1])
    assert np.abs(smaller.astype(int) - original).mean() < 8  # RGB is kept


def test_pipeline_without_image(toy_config):
    settings = toy_config.test_dataloader.dataset
    settings.pipeline = settings.pipeline[2:]
    dataset = build_dataset(toy_config, 'test')
    with pytest.raises(ValueError, match='loads no image'):
        browse.pipeline_sample(dataset, 0)
