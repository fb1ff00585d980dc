"""From a photo to its scene graph: a detector, and LinkNet on its boxes.

LinkNet is trained on annotation alone (minutes, once), so that neither
images nor a GPU are needed.

Examples:
    python projects/photo_demo/photo_demo.py photo.jpg
    python projects/photo_demo/photo_demo.py photos --data-root data/gqa \
        --config configs/gqa/linknet_boxes.py
    python projects/photo_demo/photo_demo.py photo.jpg \
        --detector mmdet:rtmdet-s --detector-weights rtmdet_s.pth
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import mmcv
import numpy as np
from mmdet.apis import DetInferencer
from mmengine.config import Config

from centernet import CenterNet, fetch
from mmsgg.apis import SGGInferencer, list_images
from mmsgg.apis.detections import from_detections
from mmsgg.engine import checkpoint_file, config_file

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK_DIRS = Path('work_dirs')
#: What annotation is needed and where it is had.
SOURCES = dict(
    vrd='annotations_train.json and the others of Stanford VRD, for research '
    'alone: python tools/misc/download_dataset.py --dataset vrd --no-images '
    '(docs/vrd.md)',
    gqa='GQA_200_Test.json and GQA_200_ID_Info.json of GQA-200, CC BY 4.0: '
    'python tools/misc/download_dataset.py --dataset gqa --no-images names '
    'their page (docs/gqa.md)',
)


class Detector(NamedTuple):
    """Detects objects in (H, W, 3) BGR uint8, of ``classes``, names."""

    classes: Sequence[str]
    detect: Callable[[np.ndarray], dict[str, list]]


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('photo', help='an image, or a folder of images')
    add_models(parser)
    parser.add_argument(
        '--topk', type=int, default=10, help='relations to show (default: 10)'
    )
    parser.add_argument(
        '--out-dir',
        default='outputs',
        help='folder for vis/*.jpg and preds/*.json (default: outputs)',
    )
    return parser.parse_args(argv)


def add_models(parser: ArgumentParser) -> None:
    """Add the options that say which models to take."""
    parser.add_argument(
        '--config',
        type=config_file,
        default=str(ROOT / 'configs' / 'vrd' / 'linknet_boxes.py'),
        help='of the relation model, in configs/vrd or configs/gqa '
        '(default: configs/vrd/linknet_boxes.py)',
    )
    parser.add_argument(
        '--checkpoint',
        type=checkpoint_file,
        help='of the relation model (default: that of an earlier run, else '
        'it is trained)',
    )
    parser.add_argument(
        '--data-root',
        type=Path,
        help='folder of the annotation to train on (default: that of the '
        'config)',
    )
    parser.add_argument(
        '--detector',
        default='centernet',
        help="'centernet' (COCO, 4 MB, fetched by npm), or mmdet:NAME with "
        'the name or the path of a config of mmdet (default: centernet)',
    )
    parser.add_argument(
        '--detector-weights', help="of mmdet's detector, a path or an address"
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.3,
        help='the least score of an object (default: 0.3)',
    )


def load_detector(args: Namespace) -> Detector:
    """Load the detector that was asked for.

    Raises:
        RuntimeError: If it cannot be had.
    """
    kind, _, name = args.detector.partition(':')
    if args.detector == 'centernet':
        folder = fetch(WORK_DIRS / 'photo_demo')
        model = CenterNet(folder)
        return Detector(
            model.classes, partial(model, score_thr=args.score_thr)
        )
    if kind != 'mmdet' or not name:
        raise RuntimeError(
            f"there is no detector '{args.detector}': name centernet, or "
            'one of mmdet, such as mmdet:rtmdet-s'
        )
    try:
        detector = DetInferencer(
            name, args.detector_weights, device='cpu', show_progress=False
        )
    # what a server, a file or mmdet's list of names says
    except (OSError, ValueError, RuntimeError) as error:
        raise RuntimeError(
            f"mmdet's '{name}' does not load ({error}): fetch config and "
            'weights by mim download mmdet --config NAME --dest ., and name '
            'them by --detector mmdet:CONFIG.py --detector-weights FILE.pth'
        ) from error
    names = detector.model.dataset_meta['classes']
    return Detector(
        names,
        lambda image: from_detections(
            detector(image), names, score_thr=args.score_thr
        ),
    )


def relation_weights(config: str, data_root: Path | None) -> Path:
    """Find what an earlier training left, or train.

    Raises:
        RuntimeError: If there is no annotation to train on.
    """
    cfg = Config.fromfile(config)
    name = f'epoch_{cfg.train_cfg.max_epochs}.pth'
    family, stem = Path(config).parent.name, Path(config).stem
    work_dir = WORK_DIRS / family / stem
    # tools/train.py, and make vrd or make gqa
    row = "LinkNet, the paper's attention/seed_0"
    for folder in (
        work_dir,
        *(WORK_DIRS / family / part / row for part in ('', 'test')),
    ):
        if (folder / name).is_file() and stem == 'linknet_boxes':
            return folder / name
    train = cfg.train_dataloader.dataset
    data_root = data_root or Path(train.data_root)
    file = data_root / train.get('ann_file', 'GQA_200_Test.json')
    if not file.is_file():
        raise RuntimeError(
            f'the relation model is trained on annotation, and there is no '
            f"'{file}': it takes {SOURCES.get(family, 'its data set')}; then "
            'name its folder by --data-root (make photo VRD_ROOT=...)'
        )
    print(f'training {config} on {data_root}, minutes, once', flush=True)
    options = [
        f'{split}_dataloader.dataset.data_root={data_root}'
        for split in ('train', 'test')
    ]
    train_py = ROOT / 'tools' / 'train.py'
    command = [sys.executable, str(train_py), config]
    subprocess.run(
        [*command, '--work-dir', str(work_dir), '--cfg-options', *options],
        # matrices are small here: a second thread only slows
        env={'OMP_NUM_THREADS': '1', **os.environ},
        check=True,
    )
    return work_dir / name


def load_label_map(config: str) -> dict[str, str | None]:
    """What the relation model calls COCO's classes, where that differs."""
    family = Path(config).parent.name
    path = HERE / 'label_maps' / f'coco_to_{family}.json'
    return json.loads(path.read_text(encoding='utf-8'))


def left_out(labels: Sequence[str], label_map: Mapping[str, Any]) -> str:
    """Say which objects the relation model has no class for."""
    counts = Counter(
        name for name in labels if label_map.get(name, name) is None
    )
    return ', '.join(f'{n} {name}' for name, n in counts.most_common())


def main(argv: Sequence[str] | None = None) -> None:
    """Detect, relate, print and draw."""
    args = parse_args(argv)
    try:
        photos = list_images(args.photo)
        if not Path(args.photo).exists():
            raise ValueError(f"there is no photo '{args.photo}'")
        detector = load_detector(args)
        weights = args.checkpoint or relation_weights(
            args.config, args.data_root
        )
        inferencer = SGGInferencer(args.config, weights, device='cpu')
        label_map = load_label_map(args.config)
        for photo in photos:
            found = detector.detect(mmcv.imread(photo))
            inferencer(
                photo,
                **found,
                label_map=label_map,
                topk=args.topk,
                out_dir=args.out_dir,
                print_result=True,
            )
            if names := left_out(found['labels'], label_map):
                print(f'found, and unknown to the relation model: {names}')
    except (OSError, RuntimeError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(f"pictures and graphs are in '{args.out_dir}'")


if __name__ == '__main__':
    main()
