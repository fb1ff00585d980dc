"""Draw the scene graphs of a video's frames into a copy of the video.

While the model looks at some frames, those before are drawn and the next ones
decoded. A number in place of a file is a webcam, shown in a window until q is
pressed, and written if ``--out`` says where.

Examples:
    python demo/video_demo.py in.mp4 configs/linknet/sgdet.py sgdet.pth \
        --out out.mp4
    python demo/video_demo.py 0 configs/linknet/sgdet.py sgdet.pth
"""

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import mmcv
import numpy as np
from rich.progress import track

from mmsgg.apis import SGGInferencer
from mmsgg.engine import add_trust, checkpoint_file, config_file


class Webcam:
    """The frames of a camera, as mmcv's ``VideoReader`` gives those of a file.

    Args:
        number: Of the camera, from 0.
    """

    frame_cnt = 0  # nobody knows

    def __init__(self, number: int) -> None:
        self.capture = cv2.VideoCapture(number)
        self.capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # not what is over
        self.width = round(self.capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = round(self.capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.fps = self.capture.get(cv2.CAP_PROP_FPS)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield frames, BGR, until the camera stops."""
        while (frame := self.capture.read()[1]) is not None:
            yield frame


def video_file(path: str) -> Any:
    """Open a video or a webcam; for use as an argparse type."""
    if path.isdecimal() and not Path(path).exists():
        camera = Webcam(int(path))
        if not camera.capture.isOpened():
            raise ArgumentTypeError(
                f"there is no webcam '{path}' that OpenCV can open"
            )
        return camera
    if not Path(path).is_file():
        raise ArgumentTypeError(f"there is no video '{path}'")
    video = mmcv.VideoReader(path)
    if not video.opened or video.width == 0 or video.height == 0:
        raise ArgumentTypeError(
            f"'{path}' cannot be read as a video; is it one, whole, and in a "
            'codec that this OpenCV has?'
        )
    video.path = Path(path)
    return video


def parse_args() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument(
        'video', type=video_file, help='a video file, or 0 for a webcam'
    )
    parser.add_argument('config', type=config_file, help='a config file')
    parser.add_argument(
        'checkpoint', type=checkpoint_file, help='a checkpoint or its URL'
    )
    parser.add_argument(
        '--out',
        type=Path,
        help='the .mp4 or .avi to write; only a webcam does without',
    )
    parser.add_argument(
        '--score-thr', type=float, help='the least score to draw'
    )
    parser.add_argument(
        '--topk',
        type=int,
        default=8,
        help='the most relations of a frame (default: 8)',
    )
    parser.add_argument(
        '--batch-size',
        type=int,
        default=1,
        help='frames at a time (default: 1)',
    )
    parser.add_argument('--device', help='such as cuda:0 (default: the best)')
    add_trust(parser)
    args = parser.parse_args()
    if args.out is None and not isinstance(args.video, Webcam):
        parser.error('the following arguments are required: --out')
    source = getattr(args.video, 'path', None)
    if source and args.out.exists() and args.out.samefile(source):
        parser.error('--out is the video itself, which it would replace')
    return args


@contextmanager
def video_writer(path: Path, video: Any) -> Iterator[cv2.VideoWriter]:
    """Open a file for frames of the same size and rate."""
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = cv2.VideoWriter_fourcc(
        *('MJPG' if path.suffix.lower() == '.avi' else 'mp4v')
    )
    # a file without a rate gets the most common one
    size, rate = (video.width, video.height), video.fps or 25
    writer = cv2.VideoWriter(str(path), codec, rate, size)
    if not writer.isOpened():
        raise ValueError(f"OpenCV cannot write '{path}'; name it .mp4 or .avi")
    try:
        yield writer
    finally:
        writer.release()


@contextmanager
def window() -> Iterator['Window']:
    """Open a window for frames."""
    try:
        yield Window()
    finally:
        cv2.destroyAllWindows()


class Window:
    """Shows frames, as a video writer writes them."""

    def write(self, picture: np.ndarray) -> None:
        """Show a frame, BGR; raise ``KeyboardInterrupt`` on q."""
        cv2.imshow('scene graph', picture)
        if cv2.waitKey(1) & 0xFF == ord('q'):
            raise KeyboardInterrupt


def ahead(items: Iterable) -> Iterator:
    """Yield the items, none of them None; a thread makes the next one."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, iterator, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, iterator, None)
            yield item


def batches(video: Any, size: int) -> Iterator[list[np.ndarray]]:
    """Yield the frames, BGR, a few at a time."""
    frames = []
    for frame in track(video, 'Frames', total=video.frame_cnt or None):
        frames.append(frame)
        if len(frames) >= size:
            yield frames
            frames = []
    if frames:
        yield frames


def graphs_of(
    inferencer: SGGInferencer, args: Namespace
) -> Iterator[tuple[list[np.ndarray], list]]:
    """Yield frames, a few at a time, and their predictions."""
    for frames in ahead(batches(args.video, args.batch_size)):
        found = inferencer(
            frames,
            args.batch_size,
            score_thr=args.score_thr,
            topk=args.topk,
            return_datasamples=True,
        )
        yield frames, found['predictions']


def draw_video(args: Namespace) -> tuple[int, float]:
    """Draw frame after frame; no more than three batches are in memory.

    Returns:
        How many frames there are, and how many of them took a second.
    """
    inferencer = SGGInferencer(
        args.config,
        args.checkpoint,
        args.device,
        show_progress=False,
        trust=args.trust,
    )
    # the graph on the frame alone, in the size of the frame
    visualizer = inferencer.visualizer
    visualizer.with_text = visualizer.with_graph = False
    visualizer.min_side, visualizer.max_side = 1, sys.maxsize
    limits = dict(topk_relations=args.topk, relation_score_thr=args.score_thr)
    count, start = 0, time.perf_counter()
    sink = video_writer(args.out, args.video) if args.out else window()
    with sink as writer:
        try:
            for frames, graphs in ahead(graphs_of(inferencer, args)):
                for frame, graph in zip(frames, graphs, strict=True):
                    rgb = np.ascontiguousarray(frame[..., ::-1])
                    visualizer.add_datasample(
                        'frame', rgb, graph, draw_gt=False, **limits
                    )
                    picture = visualizer.get_image()
                    writer.write(np.ascontiguousarray(picture[..., ::-1]))
                    count += 1
        except KeyboardInterrupt:  # what is written stays
            print('stopped', file=sys.stderr)
    if count == 0:
        raise ValueError('no frame of the video could be read')
    return count, count / (time.perf_counter() - start)


def main() -> None:
    """Draw the video and say where it is."""
    args = parse_args()
    try:
        count, speed = draw_video(args)
    except (OSError, ValueError, cv2.error) as error:
        raise SystemExit(f'error: {error}') from None
    if args.out:
        print(f"{count} frames at {args.video.fps:g} a second in '{args.out}'")
    print(f'{speed:.2f} images/s')


if __name__ == '__main__':
    main()
