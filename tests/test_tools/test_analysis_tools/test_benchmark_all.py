"""Before and after in one run: which tree is measured, and what is printed."""

import argparse

import pytest

from ...scripts import load_tool

benchmark = load_tool('analysis_tools/benchmark_all')


def test_ratios_are_of_medians_and_trees_take_turns(monkeypatch, capsys):
    measured = []
    times = dict(before=[0.4, 0.9, 0.5], after=[0.1, 0.25, 0.9])

    def measure(tree, case, threads):
        name = 'after' if tree == benchmark.ROOT else 'before'
        measured.append(name)
        return times[name].pop(0)

    monkeypatch.setattr(benchmark, 'measure_in', measure)
    args = argparse.Namespace(cases=['metric'], rounds=3, threads=1)
    benchmark.compare(benchmark.ROOT / 'before', args)
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.split() == ['metric', '500.00', 'ms', '250.00', 'ms', '2.00']
    turns = ['before', 'after', 'after', 'before', 'before', 'after']
    assert measured == turns


@pytest.mark.parametrize('case', ['toy-step', 'metric'])
def test_a_case_is_measured(case, monkeypatch):
    monkeypatch.chdir(benchmark.ROOT)
    runs = []

    def run_once(run, repeats):
        runs.append(run())
        return 1.0

    monkeypatch.setattr(benchmark, 'seconds', run_once)
    assert benchmark.CASES[case]() > 0
    assert len(runs) == 1
