"""Fetch the files of a data set, unpack them and check what is there.

What is to be fetched stands in dataset-index.yml. A download that broke off
goes on where the same command is run again. What a licence or a page with a
button stands before is not fetched: the page is printed.

Examples:
    python tools/misc/download_dataset.py --dataset vg150
    python tools/misc/download_dataset.py --dataset vg150 --no-images
"""

import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
import yaml

from fetch_files import FetchError, fetch, unpack

ROOT = Path(__file__).parents[2]
INDEX = ROOT / 'dataset-index.yml'
CHECK = ROOT / 'tools' / 'analysis_tools' / 'check_dataset.py'
SPLITS = ('train', 'val', 'test')


def download(
    entry: dict[str, Any], data_root: Path, images: bool, delete: bool
) -> None:
    """Fetch and unpack all files of an entry.

    Args:
        entry: Of the index.
        data_root: Folder to put them in.
        images: Whether to fetch those that are images too.
        delete: Whether to remove archives that were unpacked.

    Raises:
        FetchError: If one cannot be had.
    """
    for file in entry.get('files', ()):
        if file.get('images') and not images:
            continue
        name = Path(urlsplit(file['url']).path).name
        path = data_root / name
        marker = data_root / f'.{name}.unpacked'
        if marker.exists():
            print(f'{name}: unpacked before')
            continue
        print(f'{name}: from {file["url"]}')
        fetch(file['url'], path, file.get('size'), file.get('sha256'))
        if 'sha256' not in file:
            print(f'{name}: its SHA-256 is not known, and not compared')
        if not file.get('unpack'):
            continue
        archives = [path]
        unpack(path, data_root)
        for inner in file.get('inner', ()):
            unpack(data_root / inner, data_root)
            archives.append(data_root / inner)
        marker.touch()
        for archive in archives if delete else ():
            archive.unlink()


def check(config: str, data_root: Path) -> int:
    """Look through the annotation; returns the exit status of that."""
    options = [
        f'{split}_dataloader.dataset.data_root={data_root}' for split in SPLITS
    ]
    command = [sys.executable, str(CHECK), str(ROOT / config), '--no-images']
    return subprocess.run(
        [*command, '--cfg-options', *options], check=False
    ).returncode


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--dataset', required=True, help='a name of the index')
    parser.add_argument(
        '--data-root', type=Path, help='folder (default: that of the index)'
    )
    parser.add_argument(
        '--no-images', action='store_true', help='annotations alone'
    )
    parser.add_argument(
        '--delete',
        action='store_true',
        help='remove archives that were unpacked',
    )
    parser.add_argument(
        '--index',
        type=Path,
        default=INDEX,
        help='YAML file that says where the files are (default: '
        'dataset-index.yml)',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch, unpack, check; returns the exit status."""
    args = parse_args(argv)
    index = yaml.safe_load(args.index.read_text())
    if args.dataset not in index:
        print(
            f'{args.dataset!r} is none of {", ".join(sorted(index))}',
            file=sys.stderr,
        )
        return 2
    entry = index[args.dataset]
    data_root = args.data_root or Path(entry['data_root'])
    if entry['data_root'] == 'torch_hub' and not args.data_root:
        # where training looks for initial weights
        data_root = Path(torch.hub.get_dir()) / 'checkpoints'
    try:
        download(entry, data_root, not args.no_images, args.delete)
    except FetchError as error:
        print(error, file=sys.stderr)
        return 1
    missing = [
        page
        for page in entry.get('by_hand', ())
        if not (data_root / page['file']).exists()
    ]
    for page in missing:
        print(
            f'{data_root / page["file"]} is to be fetched by hand, from '
            f'{page["page"]}: {page["why"]}'
        )
    if missing or 'config' not in entry:
        return 1 if missing else 0
    return check(entry['config'], data_root)


if __name__ == '__main__':
    sys.exit(main())
