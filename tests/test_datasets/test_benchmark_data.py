"""The benchmark of the data set measures what it says, on a small scale."""

import multiprocessing
import subprocess
import sys
from contextlib import redirect_stdout
from itertools import product
from pathlib import Path

import pytest

from mmsgg.datasets import VG150Dataset

from ..scripts import load_tool
from .test_vg150 import items_of

needs_proc = pytest.mark.skipif(
    not Path('/proc/self/smaps_rollup').is_file(),
    reason='memory is read from /proc, which this system lacks',
)


@pytest.fixture
def tool():
    return load_tool('analysis_tools/benchmark_data')


@pytest.fixture
def forks(tool, tmp_path, monkeypatch):
    """Let the tool fork instead of starting Python, whose imports are slow.

    Lists the arguments that it called itself with.
    """
    calls = []

    def main(argv, path):
        sys.argv = argv
        with open(path, 'w') as file, redirect_stdout(file):
            tool.main()

    def run(command, **kwargs):
        assert command[:2] == [sys.executable, tool.__file__]
        calls.append(tuple(command[-2:]))
        path = tmp_path / 'stdout'
        fork = multiprocessing.get_context('fork').Process(
            target=main, args=(command[1:], path)
        )
        fork.start()
        fork.join()
        return subprocess.CompletedProcess(
            command, fork.exitcode, path.read_text(), ''
        )

    monkeypatch.setattr(tool.subprocess, 'run', run)
    return calls


@needs_proc
def test_prints_a_row_for_each_loader_and_split(
    tool, forks, tmp_path, monkeypatch, capsys
):
    argv = ['benchmark_data.py', '--folder', str(tmp_path)]
    monkeypatch.setattr(sys, 'argv', [*argv, '--num-images', '300'])
    tool.main()
    assert forks == list(product(tool.LOADERS, ('train', 'test')))
    lines = capsys.readouterr().out.splitlines()
    start = next(i for i, line in enumerate(lines) if 'open s' in line)
    assert lines[start - 2].startswith('300 images, ')
    rows = [
        [cell.strip() for cell in line.split('|')[1:-1]]
        for line in lines[start + 2 : -1]
    ]
    assert [row[:2] for row in rows] == [
        [loader, split]
        for loader in ('VG150Dataset', 'dict an image')
        for split in ('train', 'test')
    ]
    for row in rows:
        # images, opening time and items a second
        assert min(int(row[2]), float(row[3]) + 0.01, float(row[6])) > 0
    assert rows[0][2] == rows[2][2]


def test_both_loaders_read_the_same(tool, tmp_path):
    tool.write_files(tmp_path, 40)
    for split in ('train', 'test'):
        slow = tool.DictLoader(tmp_path, split).items
        fast = tool.open_arrays(str(tmp_path), split)
        items = items_of(fast)
        assert [len(item['relations']) for item in items] == [
            len(item['relations']) for item in slow
        ]
        assert [item['relations'] for item in items] == [
            item['relations'] for item in slow
        ]
        labels = [
            [[box['bbox_label'] for box in item['instances']] for item in kind]
            for kind in (items, slow)
        ]
        assert labels[0] == labels[1] != []


def test_no_loop_over_images_when_opening(tool, tmp_path):
    """Opening calls as many functions for 4000 images as for 40."""
    calls = {}
    for size in (40, 4000):
        folder = tmp_path / str(size)
        tool.write_files(folder, size)
        VG150Dataset(data_root=str(folder), num_val=0, image_folders=())
        calls[size] = 0

        def count(frame, event, _, size=size):
            calls[size] += event in ('call', 'c_call')

        sys.setprofile(count)
        try:
            VG150Dataset(data_root=str(folder), num_val=0, image_folders=())
        finally:
            sys.setprofile(None)
    assert calls[4000] < 1.05 * calls[40] + 20
