"""Draw images of a data set with their annotated scene graphs.

Examples:
    python tools/analysis_tools/browse_dataset.py configs/linknet/sgdet.py \
        --split test --out-dir work_dirs/browse
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from mmdet.structures.bbox import get_box_tensor
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.structures import InstanceData
from mmengine.utils import track_iter_progress

from config_parts import build_dataset, build_visualizer, read_image
from mmsgg.datasets.transforms.loading import BrokenImageError
from mmsgg.engine import add_cfg_options, config_file
from mmsgg.structures import SGDataSample
from mmsgg.visualization.graph_dict import counted


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description='Draw the annotation of a data set.')
    parser.add_argument('config', type=config_file, help='a config file')
    parser.add_argument('--out-dir', required=True, help='folder to write to')
    parser.add_argument(
        '--split',
        choices=['train', 'val', 'test'],
        default='train',
        help='which data set of the config',
    )
    parser.add_argument(
        '--num',
        type=int,
        default=20,
        help='how many random images to draw (default: 20)',
    )
    parser.add_argument(
        '--indices', type=int, nargs='+', help='draw these items instead'
    )
    parser.add_argument('--seed', type=int, default=0, help='of the choice')
    parser.add_argument(
        '--pipeline',
        action='store_true',
        help='draw what the pipeline hands to the model, not the raw items',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


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
        BrokenImageError: If it does not decode.
    """
    item = dataset.get_data_info(index)
    image = read_image(item['img_path'])
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
        BrokenImageError: If it does not decode.
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


def drawn_samples(
    dataset: BaseDataset,
    indices: Iterable[int],
    num: int,
    sample_of: Callable[[BaseDataset, int], tuple[np.ndarray, SGDataSample]],
) -> Iterator[tuple[int, np.ndarray, SGDataSample]]:
    """Yield up to ``num`` (index, image, sample); name what does not load."""
    missing = 0
    for index in indices:
        if num == 0:
            break
        try:
            yield int(index), *sample_of(dataset, int(index))
            num -= 1
        except (FileNotFoundError, BrokenImageError) as error:
            missing += 1
            if missing == 1:
                print(f'item {index} is passed over: {error}')
    if missing:
        print(f'{missing} items without an image were passed over')


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the images and name the files."""
    args = parse_args(argv)
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    dataset = build_dataset(cfg, args.split)
    if not args.pipeline:
        dataset.filter_duplicate_relations = False  # draw all there are
    visualizer = build_visualizer(cfg)
    visualizer.dataset_meta = dataset.metainfo
    indices, num = args.indices, args.num
    if indices is None:
        indices = np.random.default_rng(args.seed).permutation(len(dataset))
    else:
        num = len(indices)
    np.random.seed(args.seed)  # pipelines draw from the global generator
    sample_of = pipeline_sample if args.pipeline else raw_sample
    count = 0
    drawn = drawn_samples(dataset, indices, num, sample_of)
    total = min(num, len(indices))
    for index, image, sample in track_iter_progress(
        (drawn, total), file=sys.stderr
    ):
        stem = Path(sample.img_path).stem
        path = Path(args.out_dir) / f'{args.split}_{index:06d}_{stem}.jpg'
        visualizer.add_datasample(
            stem, image, sample, draw_pred=False, out_file=str(path)
        )
        count += 1
    print(f'drew {counted(count, "image")} into {args.out_dir}')


if __name__ == '__main__':
    main()
