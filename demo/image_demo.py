"""Find the scene graphs of an image, or of all images in a folder.

Examples:
    python demo/image_demo.py photo.jpg configs/linknet/sgdet.py sgdet.pth
    python demo/image_demo.py photos configs/linknet/sgdet.py sgdet.pth \
        --topk 10 --export json svg --out-dir graphs
    python demo/image_demo.py photo.jpg configs/linknet/predcls.py sgcls.pth \
        --boxes boxes.json
    python demo/image_demo.py photo.jpg configs/vrd/linknet_boxes.py vrd.pth \
        --boxes boxes.json --label-map names.json
"""

import json
from argparse import ArgumentParser, Namespace, RawTextHelpFormatter
from pathlib import Path
from typing import Any

from mmsgg.apis import SGGInferencer, list_images
from mmsgg.apis.exports import FORMATS
from mmsgg.apis.input_limits import MAX_OBJECTS, MAX_PIXELS
from mmsgg.engine import add_trust, checkpoint_file, config_file
from mmsgg.visualization.graph_dict import counted

BOXES_HELP = """JSON of your own boxes, [x1, y1, x2, y2] in pixels, and,
for predcls, their classes, names or numbers:
  {"boxes": [[0, 0, 60, 90]], "labels": ["man"]}
(and "scores": [0.9], where they are of a detector)
or such an entry for each file of a folder:
  {"a.jpg": {"boxes": ...}, "b.jpg": {"boxes": ...}}
or a result file of this program, edited"""


def parse_args() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=RawTextHelpFormatter,
    )
    parser.add_argument('image', help='an image, or a folder of images')
    parser.add_argument('config', type=config_file, help='a config file')
    parser.add_argument(
        'checkpoint', type=checkpoint_file, help='a checkpoint or its URL'
    )
    parser.add_argument('--boxes', type=Path, help=BOXES_HELP)
    parser.add_argument(
        '--label-map',
        type=Path,
        help='JSON of what the model calls the classes of --boxes that it has '
        'under\nanother name, null to leave them out: {"couch": "sofa"}',
    )
    parser.add_argument(
        '--task',
        choices=['predcls', 'sgcls', 'sgdet'],
        help='what is given; by default what --boxes says, else sgdet',
    )
    parser.add_argument(
        '--out-dir',
        default='outputs',
        help='folder for vis/*.jpg and preds/* (default: outputs)',
    )
    parser.add_argument(
        '--score-thr', type=float, help='the least score to keep'
    )
    parser.add_argument(
        '--topk', type=int, help='the most relations of an image'
    )
    parser.add_argument(
        '--export',
        nargs='+',
        choices=list(FORMATS),
        default=['json'],
        help='formats to save the graphs in (default: json)',
    )
    parser.add_argument(
        '--batch-size',
        type=int,
        default=1,
        help='images at a time (default: 1)',
    )
    parser.add_argument(
        '--max-objects',
        type=int,
        default=MAX_OBJECTS,
        help=f'the most boxes of an image (default: {MAX_OBJECTS})',
    )
    parser.add_argument(
        '--max-pixels',
        type=float,
        default=MAX_PIXELS,
        help=f'the most pixels of an image (default: {MAX_PIXELS:.3g})',
    )
    parser.add_argument('--device', help='such as cuda:0 (default: the best)')
    parser.add_argument(
        '--show', action='store_true', help='show the pictures in a window'
    )
    add_trust(parser)
    return parser.parse_args()


def read_boxes(path: Path, image: str) -> dict[str, Any]:
    """Read ``--boxes`` into ``boxes``, ``labels`` and ``scores``."""
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        if 'images' in content:  # a result file
            content = {
                graph['file_name']: dict(
                    boxes=[item['box'] for item in graph['objects']],
                    labels=[item['label'] for item in graph['objects']],
                )
                for graph in content['images']
            }
        if 'boxes' in content:
            content = {Path(image).name: content}
        files = list_images(image)
        entries = [content[Path(file).name] for file in files]
        given = dict(
            boxes=[entry['boxes'] for entry in entries],
            labels=[entry.get('labels') for entry in entries],
            scores=[entry.get('scores') for entry in entries],
        )
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(f"cannot read boxes from '{path}': {error}") from None
    except KeyError as error:
        raise ValueError(f"'{path}' has no entry {error}") from None
    if not Path(image).is_dir():
        return {key: values[0] for key, values in given.items()}
    return {
        key: values
        for key, values in given.items()
        if any(value is not None for value in values)
    }


def read_label_map(path: Path) -> dict[str, str | int | None]:
    """Read ``--label-map``."""
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read names from '{path}': {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"'{path}' is no JSON of names to names")
    return content


def main() -> None:
    """Find the graphs, save them and print them."""
    args = parse_args()
    try:
        given = (
            {} if args.boxes is None else read_boxes(args.boxes, args.image)
        )
        if args.label_map is not None:
            given['label_map'] = read_label_map(args.label_map)
        inferencer = SGGInferencer(
            args.config,
            args.checkpoint,
            args.device,
            max_objects=args.max_objects,
            max_pixels=round(args.max_pixels),
            trust=args.trust,
        )
        results = inferencer(
            args.image,
            args.batch_size,
            task=args.task,
            score_thr=args.score_thr,
            topk=args.topk,
            show=args.show,
            out_dir=args.out_dir,
            export=args.export,
            print_result=True,
            **given,
        )
    except (ImportError, OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    graphs = results['predictions']
    empty = sum(not graph['triplets'] for graph in graphs)
    if empty and args.score_thr:
        print(
            f'{counted(empty, "image")} without a relation of at least '
            f'{args.score_thr}: a lower --score-thr shows less certain ones'
        )
    count = counted(len(graphs), 'image')
    print(f"{count}; the results are in '{args.out_dir}'")


if __name__ == '__main__':
    main()
