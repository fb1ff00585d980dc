"""How costs grow, in numbers and pictures."""

import json

import mmcv

from ...folders import ROOT
from ...scripts import load_tool

curves = load_tool('analysis_tools/cost_curves')
CONFIG = ROOT / 'configs' / 'toy' / 'frequency_predcls.py'


def test_curves_are_measured_and_drawn(tmp_path, capsys, monkeypatch):
    def reading(folder, *what):  # else a process, and files, for each point
        assert what == ('VG150Dataset', 'train')
        return dict(images=9.0, open=0.5, kept=7.0)

    monkeypatch.setattr(curves.benchmark_data, 'write_files', lambda *_: None)
    monkeypatch.setattr(
        curves.benchmark_data, 'measure_in_new_process', reading
    )
    argv = f'--out-dir {tmp_path} --configs {CONFIG} --objects 3 12'
    curves.main([*argv.split(), '--predicates', '5', '--images', '10'])
    numbers = json.loads((tmp_path / 'costs.json').read_text())
    names = ['heads', 'metric', 'reader']
    assert [*numbers] == names
    assert numbers['reader'] == {'open, training images': [[9, 0.5, 7.0]]}
    for name, line in (('heads', 'Frequency'), ('metric', '5 predicates')):
        points = numbers[name][line]
        assert [point[0] for point in points] == [3, 12]
        assert all(point[1] > 0 for point in points)
    for name in names:
        picture = mmcv.imread(str(tmp_path / f'{name}.png'))
        assert len({*map(tuple, picture.reshape(-1, 3))}) > 10
    assert capsys.readouterr().out.count('.png') == 3


def test_the_fastest_run_counts_but_not_the_first(monkeypatch):
    now = iter([0, 1, 1, 8, 8, 13, 13, 19])
    monkeypatch.setattr(curves.time, 'process_time', lambda: next(now))
    assert curves.least(lambda: None, 3) == 5
