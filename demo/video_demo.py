"""Draw the scene graphs of a video's frames into a copy of the video.

Examples:
    python demo/video_demo.py in.mp4 configs/linknet/sgdet.py sgdet.pth \
        --out out.mp4
"""

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import mmcv
import numpy as np
from rich.progress import track

from mmsgg.apis import SGGInferencer
from mmsgg.engine import add_trust, checkpoint_file, config_file


def video_file(path: str) -> mmcv.VideoReader:
    """Open a video; for use as an argparse type."""
    if not Path(path).is_file():
        raise ArgumentTypeError(f"there is no video '{path}'")
    video = mmcv.VideoReader(path)
    if not video.opened or video.width == 0 or video.height == 0:
        raise ArgumentTypeError(
            f"'{path}' cannot be read as a video; is it one, whole, and in a "
            'codec that this OpenCV has?'
        )
    return video


def parse_args() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('video', type=video_file, help='a video file')
    parser.add_argument('config', type=config_file, help='a config file')
    parser.add_argument(
        'checkpoint', type=checkpoint_file, help='a checkpoint or its URL'
    )
    parser.add_argument(
        '--out', type=Path, required=True, help='the .mp4 or .avi to write'
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
    return parser.parse_args()


@contextmanager
def video_writer(
    path: Path, video: mmcv.VideoReader
) -> Iterator[cv2.VideoWriter]:
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


def batches(video: mmcv.VideoReader, size: int) -> Iterator[list[np.ndarray]]:
    """Yield the frames, BGR, a few at a time."""
    frames = []
    for frame in track(video, 'Frames', total=video.frame_cnt or None):
        frames.append(frame)
        if len(frames) >= size:
            yield frames
            frames = []
    if frames:
        yield frames


def draw_video(args: Namespace) -> int:
    """Draw frame after frame; no more than a batch is in memory.

    Returns:
        How many frames there are.
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
    count = 0
    with video_writer(args.out, args.video) as writer:
        for frames in batches(args.video, args.batch_size):
            pictures = inferencer(
                frames,
                args.batch_size,
                score_thr=args.score_thr,
                topk=args.topk,
                return_vis=True,
            )['visualization']
            for picture in pictures:
                writer.write(np.ascontiguousarray(picture[..., ::-1]))
            count += len(frames)
    if count == 0:
        raise ValueError('no frame of the video could be read')
    return count


def main() -> None:
    """Draw the video and say where it is."""
    args = parse_args()
    try:
        count = draw_video(args)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(f"{count} frames at {args.video.fps:g} a second in '{args.out}'")


if __name__ == '__main__':
    main()
