"""Measure how a data set of the size of Visual Genome opens and reads.

It writes random annotations in the files of VG150 (no images) and reads them
with VG150Dataset and, beside it, with plain loops that build one dict an
image, as most code bases of the field do. Each reading has a process of its
own, and time is that of its core; memory counts from before the data set is
opened. "worker" is what a forked reader of 20,000 items copies; "count" is
count_relations.

Examples:
    python tools/analysis_tools/benchmark_data.py
"""

import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import h5py
import numpy as np

from mmsgg.datasets import (
    VG150_CLASSES,
    VG150_PREDICATES,
    SceneGraphArrays,
    VG150Dataset,
    count_relations,
)
from mmsgg.datasets.scene_graph_arrays import offsets_from_counts
from mmsgg.datasets.vg150_file import (
    CORRUPTED_IDS,
    SPLIT_NUMBERS,
    write_like_original,
)
from process_memory import process_memory
from report_tables import Cell, text_table

#: Of Visual Genome as VG150 has it.
NUM_IMAGES = 108_073
BOXES_PER_IMAGE = 11.1
RELATIONS_PER_IMAGE = 5.8
HEADS = (
    'loader', 'split', 'images', 'open s', 'peak MB', 'kept MB', 'items/s',
    'worker MB', 'count s',
)  # fmt: skip


def write_files(folder: Path, num_images: int, seed: int = 0) -> None:
    """Write random annotations in the layout and the types of VG150.

    Args:
        folder: Made if it is not there.
        num_images: How many rows; some have no relation, a few no box.
        seed: Of everything random.
    """
    rng = np.random.default_rng(seed)
    sides = rng.integers(300, 1024, (num_images, 2))
    box_counts = rng.poisson(BOXES_PER_IMAGE, num_images)
    relation_counts = np.where(
        box_counts > 1, rng.poisson(RELATIONS_PER_IMAGE, num_images), 0
    )
    splits = [SPLIT_NUMBERS['train'], SPLIT_NUMBERS['test']]
    split_numbers = rng.choice(splits, num_images, p=[0.7, 0.3])
    boxes, labels = random_boxes(rng, sides, box_counts)
    pairs, predicates = random_relations(rng, box_counts, relation_counts)
    graphs = SceneGraphArrays(
        img_ids=10_000 + rng.permutation(num_images),
        heights=sides[:, 1],
        widths=sides[:, 0],
        boxes=boxes,
        labels=labels,
        box_starts=offsets_from_counts(box_counts),
        pairs=pairs,
        predicates=predicates,
        relation_starts=offsets_from_counts(relation_counts),
    )
    write_like_original(
        folder, graphs, split_numbers, VG150_CLASSES, VG150_PREDICATES
    )


def random_boxes(
    rng: np.random.Generator, sides: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw boxes (B, 4) whose centres lie inside, and their labels (B,)."""
    extent = np.repeat(sides, counts, axis=0)
    centres = rng.uniform(0.05, 0.95, extent.shape) * extent
    sizes = rng.uniform(0.02, 0.5, extent.shape) * extent
    boxes = np.hstack([centres - sizes / 2, centres + sizes / 2])
    return boxes, rng.integers(len(VG150_CLASSES), size=len(boxes))


def random_relations(
    rng: np.random.Generator, box_counts: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw pairs (R, 2) of different boxes of an image, and predicates."""
    limits = np.repeat(box_counts, counts)
    subjects = rng.integers(limits)
    objects = (subjects + 1 + rng.integers(limits - 1)) % limits
    pairs = np.column_stack([subjects, objects])
    return pairs, rng.integers(len(VG150_PREDICATES), size=len(pairs))


class DictLoader:
    """One dict an image, made in a loop; for comparison.

    Args:
        folder: With the files of VG150.
        split: 'train' or 'test'.
    """

    def __init__(self, folder: str, split: str) -> None:
        images = json.loads(Path(folder, 'image_data.json').read_text())
        images = [i for i in images if i['image_id'] not in CORRUPTED_IDS]
        with h5py.File(Path(folder, 'VG-SGG.h5')) as file:
            arrays = {key: file[key][...] for key in file}
        wanted = 2 if split == 'test' else 0
        rows = np.flatnonzero(
            (arrays['split'] == wanted) & (arrays['img_to_first_box'] >= 0)
        )
        self.items = [self._item(arrays, row, images[row]) for row in rows]

    def _item(self, arrays: dict, row: int, image: dict) -> dict:
        longer = max(image['width'], image['height'])
        first, last = (
            arrays[f'img_to_{end}_box'][row] for end in ('first', 'last')
        )
        instances = []
        for k in range(first, last + 1):
            x, y, w, h = arrays['boxes_1024'][k] * (longer / 1024)
            corners = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
            label = int(arrays['labels'][k, 0]) - 1
            instances.append(
                dict(
                    bbox=[float(value) for value in corners],
                    bbox_label=label,
                    ignore_flag=0,
                )
            )
        first_row, last_row = (
            arrays[f'img_to_{end}_rel'][row] for end in ('first', 'last')
        )
        relations = [
            dict(
                pair=(arrays['relationships'][k] - first).tolist(),
                predicate_label=int(arrays['predicates'][k, 0]) - 1,
            )
            for k in range(first_row, last_row + 1 if first_row >= 0 else -1)
        ]
        return dict(image, instances=instances, relations=relations)

    def __len__(self) -> int:
        return len(self.items)

    def get_data_info(self, idx: int) -> dict:
        """Copy one item, as mmengine's data set does."""
        return copy.deepcopy(self.items[idx])


def open_arrays(folder: str, split: str) -> VG150Dataset:
    """Open the data set of this package, without looking for images."""
    return VG150Dataset(
        data_root=folder, split=split, num_val=0, image_folders=()
    )


LOADERS = {'VG150Dataset': open_arrays, 'dict an image': DictLoader}


def worker_growth(read_all: Callable[[], object]) -> float:
    """Say how much memory (MB) a forked reader stops sharing."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        before = process_memory('Private_Dirty', file='smaps_rollup')
        read_all()
        after = process_memory('Private_Dirty', file='smaps_rollup')
        os.write(writer, str(after - before).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        return float(pipe.read())


def measure(folder: str, loader: str, split: str) -> dict[str, float]:
    """Measure one loader in this process.

    Args:
        folder: That :func:`write_files` wrote.
        loader: A key of ``LOADERS``.
        split: 'train' or 'test'.
    """
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    before = process_memory('VmRSS')
    start = time.process_time()
    dataset = LOADERS[loader](folder, split)
    figures = {
        'images': len(dataset),
        'open': time.process_time() - start,
        'peak': process_memory('VmHWM') - before,
        'kept': process_memory('VmRSS') - before,
    }
    rows = np.random.default_rng(0).permutation(len(dataset))[:20_000]

    def read_rows() -> None:
        for row in rows.tolist():
            dataset.get_data_info(row)

    start = time.process_time()
    read_rows()
    figures['items'] = len(rows) / (time.process_time() - start)
    figures['worker'] = worker_growth(read_rows)
    if isinstance(dataset, VG150Dataset):
        start = time.process_time()
        count_relations(dataset)
        figures['count'] = time.process_time() - start
    return figures


def measure_in_new_process(folder: str, *what: str) -> dict[str, float]:
    """Start this file again, to measure with nothing else in memory."""
    command = [sys.executable, __file__, '--folder', folder, '--only', *what]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ, OMP_NUM_THREADS='1'),
    )
    if done.returncode:
        raise SystemExit(f'{" ".join(what)} failed:\n{done.stderr}')
    return json.loads(done.stdout.splitlines()[-1])


def table_row(
    loader: str, split: str, figures: dict[str, float]
) -> list[Cell]:
    """Arrange what was measured under ``HEADS``."""
    sizes = [round(figures[key]) for key in ('peak', 'kept', 'items')]
    last = [figures['worker'], figures.get('count', '-')]
    return [loader, split, figures['images'], figures['open'], *sizes, *last]


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n', maxsplit=1)[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        '--num-images',
        type=int,
        default=NUM_IMAGES,
        help='of the made data set',
    )
    parser.add_argument(
        '--folder',
        help='where to write the files, or where an earlier call left them; '
        'by default a temporary one',
    )
    parser.add_argument('--only', nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def run(folder: Path, num_images: int) -> None:
    """Write the files, unless they are there, and print the table."""
    if not (folder / 'VG-SGG.h5').is_file():
        write_files(folder, num_images)
    with h5py.File(folder / 'VG-SGG.h5') as file:
        print(
            f'{len(file["split"])} images, {len(file["labels"])} boxes, '
            f'{len(file["predicates"])} relations'
        )
    rows = []
    for loader, split in product(LOADERS, ('train', 'test')):
        print(f'measuring {loader}, {split}', file=sys.stderr)
        figures = measure_in_new_process(str(folder), loader, split)
        rows.append(table_row(loader, split, figures))
    print(text_table(HEADS, rows))


def main() -> None:
    """Measure everything, or, started by itself, one loader."""
    args = parse_args()
    if args.only:
        print(json.dumps(measure(args.folder, *args.only)))
    elif args.folder:
        run(Path(args.folder), args.num_images)
    else:
        with tempfile.TemporaryDirectory() as folder:
            run(Path(folder), args.num_images)


if __name__ == '__main__':
    main()
