"""The benchmark of the data set measures what it says, on a small scale."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmsgg.datasets import VG150Dataset

from ..folders import ROOT
from ..scripts import load_tool
from .test_vg150 import items_of

TOOL = ROOT / 'tools' / 'analysis_tools' / 'benchmark_data.py'


needs_proc = pytest.mark.skipif(
    not Path('/proc/self/smaps_rollup').is_file(),
    reason='memory is read from /proc, which this system lacks',
)


@needs_proc
def test_prints_a_row_for_each_loader_and_split(tmp_path):
    done = subprocess.run(
        [sys.executable, TOOL, '--folder', tmp_path, '--num-images', '300'],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=dict(os.environ, OMP_NUM_THREADS='1'),
    )
    lines = done.stdout.splitlines()
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


def test_both_loaders_read_the_same(tmp_path):
    tool = load_tool('analysis_tools/benchmark_data')
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


def test_no_loop_over_images_when_opening(tmp_path):
    """Opening calls as many functions for 4000 images as for 40."""
    calls = {}
    for size in (40, 4000):
        folder = tmp_path / str(size)
        load_tool('analysis_tools/benchmark_data').write_files(folder, size)
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
