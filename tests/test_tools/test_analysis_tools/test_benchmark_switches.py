"""Switches of speed, each timed beside the model without it."""

import torch

from ...folders import ROOT
from ...scripts import load_tool

tool = load_tool('analysis_tools/benchmark_switches')
CONFIG = str(ROOT / 'configs' / 'toy' / 'sgdet.py')
SMALL = ['--device', 'cpu', '--steps', '1', '--shape', '96', '128']


def test_each_switch_is_set_and_timed(capsys, monkeypatch):
    seen = []

    def timed(step, device):
        step()
        seen.append(torch.get_float32_matmul_precision())
        return float(len(seen))

    monkeypatch.setattr(tool, 'timed', timed)
    argv = [CONFIG, *SMALL, '--objects', '4']
    before = torch.get_float32_matmul_precision()
    try:
        tool.main([*argv, '--switches', 'tf32', '--modes', 'maps', 'training'])
    finally:
        torch.set_float32_matmul_precision(before)
    assert seen == ['highest', 'high'] * 4
    rows = [
        [cell.strip() for cell in line.split('|')[1:-1]]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith('|')
    ]
    assert rows[0][1:] == [
        *('maps, ms', 'with it', 'ratio'),
        *('training, ms', 'with it', 'ratio'),
    ]
    assert rows[1] == [
        *('tf32', '3000.0', '4000.0', '0.75'),
        *('7000.0', '8000.0', '0.88'),
    ]


def test_what_does_not_run_is_said(capsys, monkeypatch):
    def fails(args, switch=None):
        if switch:
            raise RuntimeError('no compiler\nand more')

    monkeypatch.setattr(tool, 'bench_of', fails)
    tool.main([CONFIG, *SMALL, '--switches', 'compile', 'fused'])
    assert 'compile fails: no compiler\n' in capsys.readouterr().out
