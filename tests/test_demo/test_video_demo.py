import runpy
import sys
import threading
from pathlib import Path

import cv2
import mmcv
import numpy as np
import pytest

from ..toy_model import CONFIG

DEMO = Path(__file__).parents[2] / 'demo' / 'video_demo.py'
NUM, RATE, SIZE = 5, 12.5, (320, 240)


@pytest.fixture(scope='module')
def video(folder, tmp_path_factory):
    """A short film of toy pictures."""
    path = tmp_path_factory.mktemp('video') / 'in.mp4'
    codec = cv2.VideoWriter_fourcc(*'mp4v')
    writer = cv2.VideoWriter(str(path), codec, RATE, SIZE)
    pictures = sorted(folder.iterdir())
    for i in range(NUM):
        picture = cv2.imread(str(pictures[i % len(pictures)]))
        writer.write(cv2.resize(picture, SIZE))
    writer.release()
    return path


@pytest.fixture
def run(checkpoint, monkeypatch):
    def run(video, out, *options):
        argv = [DEMO, video, CONFIG, checkpoint, *options]
        argv += ['--out', out] if out else []
        monkeypatch.setattr(sys, 'argv', list(map(str, argv)))
        monkeypatch.delenv('DISPLAY', raising=False)
        return runpy.run_path(str(DEMO), run_name='__main__')

    return run


@pytest.mark.parametrize('ending', ['mp4', 'avi'])
def test_rate_and_size_stay(run, video, tmp_path, capsys, ending):
    out = tmp_path / 'new' / f'out.{ending}'
    run(video, out, '--batch-size', 2, '--topk', 3, '--device', 'cpu')
    printed = capsys.readouterr().out
    assert f'{NUM} frames at 12.5 a second' in printed
    assert ' images/s' in printed
    written = mmcv.VideoReader(str(out))
    assert written.fps == pytest.approx(RATE)
    assert written.resolution == SIZE
    frames = list(written)
    assert len(frames) == NUM
    original = mmcv.VideoReader(str(video))
    for one, other in zip(frames, original, strict=True):
        # the visualizer lays a fog on the image; boxes and tags are few
        change = np.abs(0.82 * other + 0.18 * 255 - one).max(2)
        assert np.median(change) < 12
        assert change.max() > 100


def test_no_more_than_a_batch_is_asked_for(run, video, tmp_path, monkeypatch):
    import mmsgg.apis

    asked = []
    call = mmsgg.apis.SGGInferencer.__call__

    def spy(self, inputs, *args, **kwargs):
        asked.append(len(inputs))
        return call(self, inputs, *args, **kwargs)

    monkeypatch.setattr(mmsgg.apis.SGGInferencer, '__call__', spy)
    run(video, tmp_path / 'out.mp4', '--batch-size', '2')
    assert asked == [2, 2, 1]


@pytest.mark.parametrize('content', [None, b'', b'no video' * 100])
def test_unreadable_videos(run, tmp_path, capfd, content):
    path = tmp_path / 'in.mp4'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SystemExit, match='2'):
        run(path, tmp_path / 'out.mp4')
    message = capfd.readouterr().err.splitlines()[-1]
    assert str(path) in message
    assert 'error: argument video' in message


def test_an_output_that_cannot_be_written(run, video, tmp_path, capfd):
    with pytest.raises(SystemExit, match=r'^error: .*name it \.mp4'):
        run(video, tmp_path / 'out.what')
    with pytest.raises(SystemExit, match=r'^error: batch_size is at least 1'):
        run(video, tmp_path / 'out.mp4', '--batch-size', 0)


def test_the_video_itself_stays(run, video, tmp_path, capfd):
    copy = tmp_path / 'in.mp4'
    copy.write_bytes(video.read_bytes())
    with pytest.raises(SystemExit, match='2'):
        run(copy, tmp_path / '.' / 'in.mp4')
    assert '--out is the video itself' in capfd.readouterr().err
    assert copy.read_bytes() == video.read_bytes()


def test_the_next_is_made_meanwhile():
    second, threads = threading.Event(), set()

    def items():
        for i in range(3):
            threads.add(threading.get_ident())
            if i == 1:
                second.set()
            yield i
        raise ValueError('broken')

    ahead = runpy.run_path(str(DEMO))['ahead']
    taken = []
    with pytest.raises(ValueError, match='broken'):
        for item in ahead(items()):
            taken.append(item)
            assert second.wait(60)  # made before another is asked for
    assert taken == [0, 1, 2]
    assert threading.get_ident() not in threads and len(threads) == 1


def test_a_webcam(run, video, tmp_path, monkeypatch, capsys):
    opened, shown = [], []
    capture = cv2.VideoCapture

    def camera(source):
        opened.append(source)
        return capture(str(video) if source == 0 else source)

    monkeypatch.setattr(cv2, 'VideoCapture', camera)
    monkeypatch.setattr(cv2, 'imshow', lambda _, frame: shown.append(frame))
    monkeypatch.setattr(
        cv2, 'waitKey', lambda _: ord('q') if len(shown) == 3 else -1
    )
    monkeypatch.setattr(cv2, 'destroyAllWindows', lambda: None)
    monkeypatch.chdir(tmp_path)
    run(0, None)
    assert opened == [0]
    assert [frame.shape for frame in shown] == 3 * [(*SIZE[::-1], 3)]
    assert ' images/s' in capsys.readouterr().out
    with pytest.raises(SystemExit, match='2'):
        run(video, None)
    assert '--out' in capsys.readouterr().err
