"""Every head and some models, timed on the device that is here."""

from ...folders import ROOT
from ...scripts import load_tool

benchmark = load_tool('analysis_tools/benchmark_device')
TOY = ROOT / 'configs' / 'toy'


def test_it_runs_and_prints_both_tables(capsys, monkeypatch):
    small = ['--device', 'cpu', '--steps', '1', '--matrix', '64']
    sizes = []
    count = benchmark.ModelBenchmark

    def watch(cfg, device, **kwargs):
        sizes.append(kwargs['num_objects'])
        return count(cfg, device, **dict(kwargs, shape=(96, 128)))

    monkeypatch.setattr(benchmark, 'ModelBenchmark', watch)
    monkeypatch.setattr(benchmark, 'OBJECTS', 4)
    benchmark.main(
        [
            *small,
            *('--heads', str(TOY / 'frequency_predcls.py')),
            *('--objects', '2', '5'),
            *('--models', str(TOY / 'sgdet.py')),
        ]
    )
    assert sizes == [2, 5, 4]
    printed = capsys.readouterr().out
    assert 'TFLOP/s in a product of 64 x 64 matrices' in printed
    rows = [
        [cell.strip() for cell in line.split('|')[1:-1]]
        for line in printed.splitlines()
        if line.startswith('|')
    ]
    assert rows[0] == ['head', 'ms at 2 objects', 'ms at 5 objects']
    assert rows[1][0] == str(TOY / 'frequency_predcls.py')
    assert all(float(cell) > 0 for cell in rows[1][1:])
    assert rows[2][0] == 'model'
    speed, _, share, training, _ = rows[3][1:]
    assert all(float(cell) > 0 for cell in (speed, share, training))


def test_what_does_not_fit_is_said():
    def run():
        raise RuntimeError('CUDA out of memory\nand more')

    assert benchmark.measured(run) == ['fails: CUDA out of memory']
