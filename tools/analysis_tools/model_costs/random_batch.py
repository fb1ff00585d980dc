"""Random images with random scene graphs, through a config's pipeline."""

from pathlib import Path
from tempfile import TemporaryDirectory

import mmcv
import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate

from config_parts import dataset_settings

NUM_PROPOSALS = 1000


def random_item(
    folder: Path,
    seed: int,
    shape: tuple[int, int],
    num_objects: int,
    num_classes: int,
    num_predicates: int,
    num_proposals: int = 0,
) -> dict:
    """Make an item as a data set of scene graphs hands it to its pipeline.

    Args:
        folder: Where the image is written.
        seed: Of everything in the item.
        shape: Height and width of the image.
        num_objects: Boxes, each but the last related to the next.
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        num_proposals: Boxes for a detector that takes them from outside.
    """
    rng = np.random.default_rng(seed)
    path = folder / f'{seed}.png'
    segments = folder / f'{seed}_segments.png'
    mmcv.imwrite(rng.integers(0, 256, (*shape, 3), dtype=np.uint8), str(path))
    boxes = random_boxes(rng, num_objects, shape)
    mmcv.imwrite(_segments_image(boxes, shape), str(segments))
    labels = rng.integers(num_classes, size=num_objects)
    predicates = rng.integers(num_predicates, size=max(num_objects - 1, 0))
    item = dict(
        img_path=str(path),
        seg_map_path=str(segments),
        img_id=seed,
        height=shape[0],
        width=shape[1],
        instances=[
            dict(bbox=box, bbox_label=label, ignore_flag=0, segment_id=row)
            for row, (box, label) in enumerate(
                zip(boxes.tolist(), labels.tolist(), strict=True)
            )
        ],
        relations=[
            dict(pair=[row, row + 1], predicate_label=label)
            for row, label in enumerate(predicates.tolist())
        ],
    )
    if num_proposals:
        item['proposals'] = dict(
            bboxes=random_boxes(rng, num_proposals, shape),
            scores=np.ones(num_proposals, dtype=np.float32),
        )
    return item


def random_boxes(
    rng: np.random.Generator, num: int, shape: tuple[int, int]
) -> np.ndarray:
    """Draw (num, 4) boxes in an image of (height, width).

    They are a tenth to a half of it long.
    """
    sizes = rng.uniform(0.1, 0.5, (num, 2))
    corners = rng.uniform(0, 1 - sizes)
    scale = np.array(shape[::-1])
    boxes = np.hstack([corners * scale, (corners + sizes) * scale])
    return boxes.astype(np.float32)


def _segments_image(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Draw boxes (N, 4) as segments 0 to N - 1; each has a pixel at least."""
    ids = np.full(shape, len(boxes))
    for row, (x1, y1, x2, y2) in enumerate(boxes.astype(int)):
        ids[y1:y2, x1:x2] = row
    ids.flat[: len(boxes)] = np.arange(len(boxes))
    # PSG's id is R + 256 G + 65536 B, mmcv writes BGR
    return np.stack([ids >> 16, ids >> 8 & 255, ids & 255], axis=-1).astype(
        np.uint8
    )


def random_batch(
    cfg: Config, split: str, batch_size: int, **kwargs: object
) -> dict:
    """Make a batch of random items as the data loader of a split would.

    Args:
        cfg: Of a model and its data, whose pipeline is used.
        split: 'train' or 'test'.
        batch_size: How many images.
        kwargs: Of :func:`random_item`.

    Returns:
        What ``train_step`` and ``test_step`` of the model take.
    """
    settings = dataset_settings(cfg, split)
    while 'pipeline' not in settings:  # of a wrapper
        settings = settings['dataset']
    transforms = list(settings['pipeline'])
    for i, transform in enumerate(transforms):
        if transform['type'].endswith('LoadProposals'):
            # ours opens a file, mmdet's takes what the item brings
            transforms[i] = dict(type='mmdet.LoadProposals')
            kwargs['num_proposals'] = NUM_PROPOSALS
    pipeline = Compose(transforms)
    with TemporaryDirectory() as folder:
        return pseudo_collate(
            [
                pipeline(random_item(Path(folder), seed, **kwargs))
                for seed in range(batch_size)
            ]
        )
