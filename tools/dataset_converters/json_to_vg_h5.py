"""Turn COCO JSON with relations into the files of VG150.

VG150Dataset finds images as <image id>.jpg, so the name of an image becomes
its id; what ids the JSON gave is lost. So are regions to ignore (iscrowd=1),
which those files cannot hold; how many is printed.

Examples:
    python tools/dataset_converters/json_to_vg_h5.py data/mine_vg \
        --train data/mine/train.json --test data/mine/test.json
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from mmsgg.datasets import (
    SceneGraphArrays,
    SceneGraphJsonDataset,
    write_vg150,
)


def ids_of(file_names: list[str]) -> list[str]:
    """Take ids from the names of images.

    Raises:
        ValueError: If a name does not end in .jpg.
    """
    paths = [PurePosixPath(name) for name in file_names]
    for path in paths:
        if path.suffix != '.jpg':
            raise ValueError(
                f'image {path} is no .jpg: VG150Dataset looks for '
                '<image id>.jpg; convert the images first'
            )
    return [path.stem for path in paths]


def convert(files: dict[str, Path], out_dir: Path) -> int:
    """Write the three files of VG150.

    Args:
        files: The JSON files of 'train', 'val' and 'test', or of some.
        out_dir: Made if it is not there.

    Returns:
        The ``num_val`` that the validation images are to be read with.
    """
    names: dict[str, Sequence[str]] = {}
    splits: dict[str, SceneGraphArrays] = {}
    for split, path in files.items():
        dataset = SceneGraphJsonDataset(
            ann_file=str(path),
            metainfo=names,
            image_folders=(),
            filter_self_relations=False,
        )
        # the first file numbers the names for all
        names = {
            key: dataset.metainfo[key] for key in ('classes', 'predicates')
        }
        graphs = splits[split] = dataset.scene_graphs
        if graphs.ignored is not None:
            print(
                f'{path}: {len(graphs.ignored.boxes)} regions to ignore are '
                'left out'
            )
    splits = with_vg_ids(splits)
    return write_vg150(out_dir, splits, names['classes'], names['predicates'])


def with_vg_ids(
    splits: dict[str, SceneGraphArrays],
) -> dict[str, SceneGraphArrays]:
    """Name images as VG150 does: by number where all names are numbers."""
    ids = {
        split: ids_of([graphs.file_name(i) for i in range(len(graphs))])
        for split, graphs in splits.items()
    }
    numeric = all(
        name.isdecimal() and str(int(name)) == name
        for names in ids.values()
        for name in names
    )
    return {
        split: dataclasses.replace(
            graphs, img_ids=np.array(ids[split], dtype=int if numeric else str)
        )
        for split, graphs in splits.items()
    }


def main() -> None:
    """Read the command line and convert."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n', maxsplit=1)[0]
    )
    parser.add_argument('out_dir', type=Path, help='folder to write to')
    splits = ('train', 'val', 'test')
    for split in splits:
        parser.add_argument(f'--{split}', type=Path, help='a JSON file')
    args = parser.parse_args()
    files = {name: getattr(args, name) for name in splits}
    files = {name: path for name, path in files.items() if path}
    if not files:
        parser.error('pass at least one of --train, --val and --test')
    num_val = convert(files, args.out_dir)
    print(f'{args.out_dir}: to be read with num_val={num_val}')


if __name__ == '__main__':
    main()
