"""Items of a data set as the visualizer draws them."""

import mmcv
import numpy as np
import torch
from mmdet.structures.bbox import get_box_tensor
from mmengine.dataset import BaseDataset
from mmengine.structures import InstanceData

from mmsgg.structures import SGDataSample


def raw_sample(
    dataset: BaseDataset, index: int
) -> tuple[np.ndarray, SGDataSample]:
    """Take an item as the data set has it, before its pipeline.

    Args:
        dataset: Of scene graphs.
        index: Of the item.

    Returns:
        (H, W, 3) RGB image and its annotation, in original-image pixels.

    Raises:
        FileNotFoundError: If there is no image.
    """
    item = dataset.get_data_info(index)
    image = mmcv.imread(item['img_path'], channel_order='rgb')
    instances, relations = item['instances'], item.get('relations', [])
    sample = SGDataSample(
        metainfo=dict(img_id=item['img_id'], img_path=item['img_path'])
    )
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor(
            [one['bbox'] for one in instances], dtype=torch.float32
        ).reshape(-1, 4),
        labels=_ints([one['bbox_label'] for one in instances]),
    )
    sample.gt_relations = InstanceData(
        pairs=_ints([one['pair'] for one in relations]).reshape(-1, 2),
        labels=_ints([one['predicate_label'] for one in relations]),
    )
    return image, sample


def _ints(values: list) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int64)


def pipeline_sample(
    dataset: BaseDataset, index: int
) -> tuple[np.ndarray, SGDataSample]:
    """Take an item as the pipeline hands it to the model.

    Test pipelines leave the annotation in original-image pixels; it is
    scaled to the image here.

    Args:
        dataset: With a pipeline that loads the image and packs.
        index: Of the item.

    Returns:
        (H, W, 3) RGB image and its annotation, in pixels of this image.

    Raises:
        FileNotFoundError: If there is no image.
        ValueError: If the pipeline loads no image.
    """
    packed = dataset[index]
    if 'inputs' not in packed:
        raise ValueError(
            'the pipeline of this data set loads no image; draw its raw items'
        )
    # of mmcv: (3, H, W) BGR
    image = packed['inputs'].permute(1, 2, 0).flip(-1).numpy()
    sample = packed['data_samples']
    boxes = get_box_tensor(sample.gt_instances.bboxes)
    if _annotates_last(dataset):
        width, height = sample.get('scale_factor', (1.0, 1.0))
        boxes = boxes * boxes.new_tensor([width, height, width, height])
    sample.gt_instances.bboxes = boxes
    return image, sample


def _annotates_last(dataset: BaseDataset) -> bool:
    """Whether the annotation is loaded after the image was resized."""
    names = [type(one).__name__ for one in dataset.pipeline.transforms]
    resizes = [i for i, name in enumerate(names) if 'Resize' in name]
    loads = [i for i, name in enumerate(names) if 'Annotations' in name]
    return bool(resizes and loads) and min(loads) > max(resizes)
