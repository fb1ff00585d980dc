"""Write the configs of a data set of one's own, and say what to run.

The folder holds images and scene graphs: train.json, val.json and test.json,
or one JSON file, which is split (docs/custom_dataset.md).

Examples:
    python tools/misc/new_dataset.py data/mine --detector rtmdet_s
    python tools/misc/new_dataset.py data/mine --detector toy \
        --photo holiday.jpg
"""

import math
import os
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from mmengine.hub import get_config
from mmengine.utils import get_installed_path

from mmsgg.datasets import SceneGraphArrays, write_scene_graph_json
from mmsgg.datasets.dataset_checks import sided_predicates
from mmsgg.visualization.graph_dict import counted
from new_dataset_configs import DETECTORS, Settings, write_configs

sys.path.append(
    str(Path(__file__).resolve().parents[1] / 'dataset_converters')
)
from format_readers import READERS, SPLITS, DataSplits, read_splits

#: The least side of a box that a detector learns well, in input pixels.
SMALL = 24


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__.partition('\n')[0])
    add = parser.add_argument
    add('source', type=Path, help='folder of the data, or the file to split')
    add(
        '--detector',
        choices=DETECTORS,
        required=True,
        help='r50_fpn: Faster R-CNN, rtmdet_s: RTMDet, both from COCO, for a '
        'GPU; toy: a small Faster R-CNN from scratch, for a CPU',
    )
    add(
        '--from',
        dest='format',
        choices=READERS,
        default='json',
        metavar='FORMAT',
        help=f'of the files (default: json): {", ".join(READERS)}',
    )
    add('--images', help='folder of the images (default: images in the data)')
    add('--name', help='of the folder in configs (default: that of the data)')
    add(
        '--weights',
        help="what the detector starts from: a file, an address, a config's "
        "name in mmdet, or none (default: mmdet's of COCO, for toy none)",
    )
    add(
        '--side',
        type=int,
        help='pixels of the long side of an image in the model (default: by '
        'the detector and the boxes)',
    )
    add('--epochs', type=int, help='of each training (default: by the data)')
    add('--photo', help='to draw at the end (default: the first test image)')
    return parser.parse_args(argv)


def read_data(source: Path, name: str) -> DataSplits:
    """Read the graphs of all splits.

    Args:
        source: A folder, or a file in it.
        name: Of the format.

    Returns:
        The graphs; those of a single file are called by one split.

    Raises:
        FileNotFoundError: If there is nothing to read.
        ValueError: If a file contradicts itself, or no box is in it.
    """
    if not source.exists():
        raise FileNotFoundError(f"there is no folder '{source}'")
    files = {file.stem: file for file in source.glob('*.json')}
    if name == 'json' and source.is_dir() and not files.keys() & {*SPLITS}:
        if len(files) != 1:
            raise FileNotFoundError(
                f"'{source}' has {len(files)} JSON files: call them "
                'train.json, val.json and test.json, or name one to be split'
            )
        [source] = files.values()
    data = read_splits(name, source, SPLITS)
    if not any(len(graphs.boxes) for graphs in data.graphs.values()):
        raise ValueError(f"no image of '{source}' has a box")
    return data


def split_images(graphs: SceneGraphArrays) -> dict[str, SceneGraphArrays]:
    """Split images: a tenth each, with relations, to validate and to test.

    Args:
        graphs: Of three images with relations at least.

    Raises:
        ValueError: If there are fewer.
    """
    related = np.flatnonzero(graphs.relation_counts)
    if len(related) < 3:
        raise ValueError(
            f'{len(related)} images have a relation; a training, a '
            'validation and a test set need one each'
        )
    related = np.random.default_rng(0).permutation(related)
    num = max(1, len(related) // 10)
    held_out = dict(val=related[:num], test=related[num : 2 * num])
    rest = np.setdiff1d(np.arange(len(graphs)), related[: 2 * num])
    parts = dict(train=rest, **held_out)
    return {split: graphs.take(np.sort(part)) for split, part in parts.items()}


def annotation_files(
    folder: Path, name: str, data: DataSplits
) -> tuple[dict[str, str], dict[str, SceneGraphArrays]]:
    """Say which file is of which split; split and write what is not there.

    Args:
        folder: Of the data.
        name: Of their format.
        data: What was read.

    Returns:
        Of each split its JSON file, relative to the folder, and the graphs.

    Raises:
        ValueError: If there is nothing to train on, or to measure.
        FileExistsError: If there are files where some would be written.
    """
    graphs = dict(data.graphs)
    files = {split: f'{split}.json' for split in SPLITS}
    if len(graphs) == 1:
        graphs = split_images(*graphs.values())
    elif 'train' not in graphs:
        raise ValueError(f"'{folder}' has no training set")
    for split, other in (('val', 'test'), ('test', 'val')):
        if split not in graphs:
            graphs[split], files[split] = graphs[other], files[other]
            print(f'there is no {split} set: {other} serves as both')
    for split in SPLITS:
        if not graphs[split].relation_counts.any():
            raise ValueError(
                f"no image of the {split} set of '{folder}' has a relation"
            )
    if name == 'json' and len(data.graphs) > 1:
        return files, graphs
    out_dir = folder / 'split'
    if out_dir.exists():
        raise FileExistsError(
            f"'{out_dir}' is there already, and may be of an earlier call; "
            f'delete it, or move its files into {folder} to use them'
        )
    out_dir.mkdir()
    for file in set(files.values()):
        write_scene_graph_json(
            out_dir / file,
            graphs[Path(file).stem],
            data.classes,
            data.predicates,
        )
    return {split: f'split/{file}' for split, file in files.items()}, graphs


def find_images(
    folder: Path, asked: str | None, graphs: Mapping[str, SceneGraphArrays]
) -> Path:
    """Find the folder that has the images of all splits.

    Args:
        folder: Of the data.
        asked: Where they are, if that was said.
        graphs: Of each split.

    Raises:
        FileNotFoundError: If one is not there.
    """
    names = [
        one.file_name(i) for one in graphs.values() for i in range(len(one))
    ]
    places = [folder / 'images', folder] if asked is None else [Path(asked)]
    has_first = [place for place in places if (place / names[0]).is_file()]
    place = [*has_first, *places][0]
    missing = [name for name in names if not (place / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(names)} images are not in '{place}', "
            f"such as '{missing[0]}'; name their folder with --images"
        )
    return place


def median_share(splits: Sequence[SceneGraphArrays]) -> float:
    """The median box side (root of its area) in long sides of its image."""
    graphs = SceneGraphArrays.concatenate(splits)
    sizes = graphs.boxes[:, 2:] - graphs.boxes[:, :2]
    sides = np.maximum(graphs.widths, graphs.heights)
    shares = np.sqrt(sizes.prod(axis=1)) / sides[graphs.image_of_boxes()]
    return float(np.median(shares))


def side_for(share: float, least: int, most: int) -> int:
    """The long side of an image, in pixels, that shows its boxes.

    Args:
        share: Of :func:`median_share`.
        least: What the detector gets by default.
        most: What is still to be afforded.

    Returns:
        A multiple of 32, the least one of which the median box has 24.

    Examples:
        >>> side_for(0.2, 128, 512), side_for(0.1, 128, 512)
        (128, 256)
        >>> side_for(0.01, 128, 512)
        512
    """
    needed = math.ceil(SMALL / max(share, 1e-6) / 32) * 32
    return min(max(least, needed), most)


def coco_weights(wanted: str | None, default: str | None) -> str | None:
    """The file or address of the weights that a detector starts from.

    Args:
        wanted: A file, an address, 'none', the name of a config of mmdet, or
            None for the default.
        default: Such a name, or None for no weights.

    Raises:
        FileNotFoundError: If there is nothing of that name.
    """
    wanted = wanted or default
    if wanted in (None, 'none') or '://' in str(wanted):
        return None if wanted == 'none' else wanted
    if Path(str(wanted)).is_file():
        return str(wanted)
    for path in mmdet_configs().glob(f'*/{Path(str(wanted)).stem}.py'):
        name = f'mmdet::{path.parent.name}/{path.name}'
        with suppress(AssertionError, AttributeError):  # it has no weights
            return get_config(name, pretrained=True).model_path
    raise FileNotFoundError(
        f"'{wanted}' is neither a file nor the name of a config of mmdet, "
        f'such as {DETECTORS["rtmdet_s"].weights}'
    )


def mmdet_configs() -> Path:
    """The configs that come with mmdet."""
    return Path(get_installed_path('mmdet'), '.mim', 'configs')


def epochs_for(num_images: int) -> int:
    """How long to train: 50 epochs of a folder, 12 of a large data set."""
    return min(max(12, 30000 // num_images), 50)


def prepare(args: Namespace) -> tuple[Settings, str]:
    """Read the data and decide on everything.

    Returns:
        What the configs are to say, and the path of a photo.

    Raises:
        OSError, ValueError: Where the data, or an argument, does not do.
    """
    source: Path = args.source
    folder = source.parent if source.is_file() else source
    name = args.name or folder.resolve().name
    if Path('configs', name).exists():
        raise FileExistsError(
            f"'configs/{name}' is there already, and nothing was written; "
            'pass another --name, or delete it'
        )
    detector = DETECTORS[args.detector]
    weights = coco_weights(args.weights, detector.weights)
    data = read_data(source, args.format)
    place = find_images(folder, args.images, data.graphs)
    files, graphs = annotation_files(folder, args.format, data)
    share = median_share([*data.graphs.values()])
    side = args.side or side_for(share, *detector.sides)
    settings = Settings(
        name=name,
        in_clone=Path('configs', '_base_').is_dir(),
        detector=args.detector,
        root=folder.as_posix(),
        images=os.path.relpath(place, folder),
        files=files,
        classes=len(data.classes),
        predicates=len(data.predicates),
        sided=bool(sided_predicates(data.predicates)),
        side=side,
        epochs=args.epochs or epochs_for(len(graphs['train'])),
        weights=weights,
    )
    report(settings, share * side)
    return settings, str(place / graphs['test'].file_name(0))


def report(settings: Settings, box: float) -> None:
    """Say what was decided; ``box`` is the median one, in input pixels."""
    side, weights = settings.side, settings.weights
    print(
        f'{settings.root}: {settings.classes} classes and '
        f'{counted(settings.predicates, "predicate")}; in the model, the '
        f'long side of an image has {side} pixels, the median box {box:.0f}'
    )
    if box < SMALL:
        print(
            f'WARNING: half of the boxes are under {SMALL} pixels there, and '
            'will hardly be found: cut the images into parts, or pass a '
            f'--side above {side}, which takes more memory and time'
        )
    if weights and '://' in weights:
        print(f'the first training downloads {weights}')


def main(argv: Sequence[str] | None = None) -> None:
    """Read the data, write the configs and print the commands."""
    args = parse_args(argv)
    try:
        settings, photo = prepare(args)
        written = write_configs(settings)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(f'wrote {" and ".join(map(str, written))}. Now run')
    for line in settings.commands(args.photo or photo):
        print(shlex.join(line))


if __name__ == '__main__':
    main()
