"""The benchmark of the tree LSTM times what agrees."""

import pytest

from ...scripts import load_tool

benchmark = load_tool('analysis_tools/benchmark_tree_lstm')
SMALL = ['--objects', '5', '--images', '2', '--in-channels', '6',
         '--channels', '4', '--runs', '1']  # fmt: skip


def test_it_prints_a_row_for_each_way(capsys):
    benchmark.main(SMALL)
    printed = capsys.readouterr().out
    assert printed.startswith('2 x 5 objects, ')
    rows = [line for line in printed.splitlines() if line.startswith('| ')]
    assert len(rows) == 4
    assert '| 1.0 |' in rows[-1]


def test_ways_that_disagree_are_no_match(monkeypatch):
    monkeypatch.setattr(
        benchmark.Recursion, '_down', lambda self, node, x, children, out,
        state=None: out.update({i: x[0][:1, :2] for i in range(10)})
    )  # fmt: skip
    with pytest.raises(AssertionError, match='not close'):
        benchmark.main(SMALL)
