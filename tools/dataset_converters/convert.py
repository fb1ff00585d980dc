"""Convert a data set of scene graphs from one format to another.

Files have the names that docs/datasets.md gives. What was written is read
again, and what the new format does not hold is printed. Images are not
touched.

Examples:
    python tools/dataset_converters/convert.py data/vg data/vg_json \
        --from vg-h5 --to json
    python tools/dataset_converters/convert.py export.json data/mine \
        --from label-studio --to json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from format_readers import READERS, SPLITS, DataSplits, read_splits
from format_writers import WITHOUT_VAL, WRITERS
from mmsgg.datasets import SceneGraphArrays


def convert(
    source: Path,
    target: Path,
    old: str,
    new: str,
    splits: Sequence[str] = SPLITS,
    **options: Any,
) -> None:
    """Read a data set, write it, and say what was lost.

    Args:
        source: Folder of the files, or the file of one split.
        target: Folder to write to, made if it is not there.
        old: Format of the source.
        new: Format of the target.
        splits: Which splits to convert; those that are not there are left
            out.
        **options: Of the data set that reads the source.

    Raises:
        FileExistsError: If the target is the source.
        ValueError: If the new format has no place for a split.
    """
    folder = source.parent if source.is_file() else source
    if target.resolve() == folder.resolve():
        raise FileExistsError(
            f'{target} is where the source is; pass another folder'
        )
    data = read_splits(old, source, splits, **options)
    if 'val' in data.graphs and new in WITHOUT_VAL:
        raise ValueError(
            f'{new} has no validation set of its own; pass --splits train '
            'test, or convert val by itself under another name'
        )
    target.mkdir(parents=True, exist_ok=True)
    WRITERS[new](target, data)
    num_val = 0
    if 'val' in data.graphs:
        num_val = int((data.graphs['val'].box_counts > 0).sum())
    again = read_splits(
        new, target, [*data.graphs], **_reading_options(new, num_val)
    )
    _report(target, data, again)


def _reading_options(new: str, num_val: int) -> dict[str, Any]:
    return dict(num_val=num_val) if new == 'vg-h5' else {}


def _sizes(graphs: SceneGraphArrays | None) -> dict[str, int]:
    if graphs is None:
        return dict.fromkeys(
            ('images', 'boxes', 'relations', 'regions to ignore', 'masks'), 0
        )
    ignored = graphs.ignored
    return {
        'images': len(graphs),
        'boxes': len(graphs.boxes),
        'relations': len(graphs.pairs),
        'regions to ignore': 0 if ignored is None else len(ignored.boxes),
        'masks': 0
        if graphs.mask_files is None
        else int(np.repeat(graphs.mask_files != '', graphs.box_counts).sum()),
    }


def _report(target: Path, data: DataSplits, again: DataSplits) -> None:
    for split, graphs in data.graphs.items():
        before, after = _sizes(graphs), _sizes(again.graphs.get(split))
        held = ', '.join(f'{num} {what}' for what, num in after.items() if num)
        lost = ', '.join(
            f'{num - after[what]} {what}'
            for what, num in before.items()
            if num != after[what]
        )
        print(
            f'{target} {split}: {held or "nothing"}'
            + (f'; the format does not hold {lost}' if lost else '')
        )


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n', maxsplit=1)[0]
    )
    parser.add_argument(
        'source', type=Path, help='folder, or file of one split'
    )
    parser.add_argument('target', type=Path, help='folder to write to')
    parser.add_argument(
        '--from',
        dest='old',
        choices=READERS,
        required=True,
        metavar='FORMAT',
        help=f'one of {", ".join(READERS)}',
    )
    parser.add_argument(
        '--to',
        dest='new',
        choices=WRITERS,
        required=True,
        metavar='FORMAT',
        help=f'one of {", ".join(WRITERS)}',
    )
    parser.add_argument(
        '--splits',
        nargs='+',
        choices=SPLITS,
        default=SPLITS,
        help='those to convert (default: all that are there)',
    )
    parser.add_argument(
        '--bad-rows',
        choices=('error', 'drop'),
        default='error',
        help='what becomes of rows that cannot be used',
    )
    parser.add_argument(
        '--num-val',
        type=int,
        default=5000,
        help='from vg-h5: training images for validation (default: 5000)',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and convert."""
    args = parse_args(argv)
    options: dict[str, Any] = dict(bad_rows=args.bad_rows)
    if args.old == 'vg-h5':
        options['num_val'] = args.num_val
    paths = args.source, args.target
    try:
        convert(*paths, args.old, args.new, args.splits, **options)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    main()
