"""Serve a model as a web page: from an image to its scene graph.

Example:
    python projects/web_demo/web_demo.py configs/linknet/sgdet.py sgdet.pth
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path

from mmsgg.apis import SGGInferencer
from mmsgg.engine import add_trust, checkpoint_file, config_file

try:
    from web_page import (
        Predictor,
        UploadLimits,
        list_examples,
        make_app,
        make_server,
    )
except ModuleNotFoundError as error:
    raise SystemExit(
        f'The web page needs {error.name}: '
        f'pip install -r {Path(__file__).with_name("requirements.txt")}'
    ) from None

LOOPBACK = ('127.0.0.1', 'localhost', '::1')


def folder(path: str) -> Path:
    """Check that a folder exists; for use as an argparse type."""
    if not Path(path).is_dir():
        raise ArgumentTypeError(f"there is no folder '{path}'")
    return Path(path)


def positive(number: str) -> float:
    """Check that a number is more than 0; for use as an argparse type."""
    try:
        value = float(number)
    except ValueError:
        value = 0
    if not 0 < value < float('inf'):
        raise ArgumentTypeError(f"'{number}' is not a number above 0")
    return value


def port(number: str) -> int:
    """Check the number of a port; for use as an argparse type."""
    if not number.isdecimal() or int(number) > 65535:
        raise ArgumentTypeError(f"'{number}' is not a port, 0 to 65535")
    return int(number)


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('config', type=config_file, help='a config file')
    parser.add_argument(
        'checkpoint', type=checkpoint_file, help='a checkpoint or its URL'
    )
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='the address to listen on; by default only this machine can '
        'open the page',
    )
    parser.add_argument(
        '--port', type=port, default=7860, help='default: 7860; 0: a free one'
    )
    parser.add_argument(
        '--device', help='such as cuda:0 or cpu; by default the best there is'
    )
    parser.add_argument(
        '--examples', type=folder, metavar='DIR', help='images to offer'
    )
    parser.add_argument(
        '--max-mb',
        type=positive,
        default=10,
        help='the largest file to take, in MB (default: 10)',
    )
    parser.add_argument(
        '--max-pixels',
        type=positive,
        default=25e6,
        help='the most pixels of an image (default: 25e6)',
    )
    add_trust(parser)
    return parser.parse_args(argv)


def make_predictor(args: Namespace) -> Predictor:
    """Load the model."""
    try:
        inferencer = SGGInferencer(
            args.config,
            args.checkpoint,
            args.device,
            show_progress=False,
            max_pixels=round(args.max_pixels),
            trust=args.trust,
        )
    # a broken checkpoint or a device that is not there
    except (OSError, RuntimeError, ValueError) as error:
        raise SystemExit(
            f"error: '{args.checkpoint}' does not load with '{args.config}': "
            f'{error}'
        ) from None
    return Predictor(
        inferencer,
        inferencer.model.dataset_meta['classes'],
        inferencer.model.task,
        f'{Path(args.config).name}, {Path(args.checkpoint).name}',
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Load the model and serve the page until it is interrupted."""
    args = parse_args(argv)
    limits = UploadLimits(round(args.max_mb * 2**20), round(args.max_pixels))
    app = make_app(make_predictor(args), list_examples(args.examples), limits)
    server = make_server(app, args.host, args.port)
    if args.host not in LOOPBACK:
        print('Other machines can open this page; it asks for no password.')
    print(
        f'http://{args.host}:{server.server_port} (Ctrl+C ends it)', flush=True
    )
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == '__main__':
    main()
