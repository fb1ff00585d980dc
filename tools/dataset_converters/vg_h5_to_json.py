"""Turn the files of VG150 into COCO JSON with relations, one a split.

Examples:
    python tools/dataset_converters/vg_h5_to_json.py data/vg data/vg_json
"""

import argparse
from pathlib import Path

from mmsgg.datasets import VGDataset, write_scene_graph_json


def convert(data_root: Path, out_dir: Path, num_val: int) -> None:
    """Write ``train.json``, ``val.json`` and ``test.json``.

    Args:
        data_root: With ``VG-SGG.h5``, ``image_data.json`` and
            ``VG-SGG-dicts.json``.
        out_dir: Made if it is not there.
        num_val: How many of the training images are for validation, where
            the file has no validation images of its own; without any there
            is no ``val.json``.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    for split in ('train', 'val', 'test'):
        dataset = VGDataset(
            data_root=str(data_root),
            split=split,
            num_val=num_val,
            image_folders=(),
            filter_self_relations=False,
        )
        graphs, names = dataset.scene_graphs, dataset.metainfo
        if split == 'val' and not len(graphs):
            continue
        path = out_dir / f'{split}.json'
        write_scene_graph_json(
            path, graphs, names['classes'], names['predicates']
        )
        print(
            f'{path}: {len(graphs)} images, {len(graphs.boxes)} boxes, '
            f'{len(graphs.pairs)} relations'
        )


def main() -> None:
    """Read the command line and convert."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n', maxsplit=1)[0]
    )
    parser.add_argument('data_root', type=Path, help='folder of the files')
    parser.add_argument('out_dir', type=Path, help='folder to write to')
    parser.add_argument(
        '--num-val',
        type=int,
        default=5000,
        help='training images for validation (default: 5000)',
    )
    args = parser.parse_args()
    convert(args.data_root, args.out_dir, args.num_val)


if __name__ == '__main__':
    main()
