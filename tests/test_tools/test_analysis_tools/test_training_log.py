import doctest
import json

import numpy as np
import pytest
from matplotlib.figure import Figure

from ...scripts import load_tool

logs = load_tool('analysis_tools/analyze_logs')


def test_examples_in_docstrings():
    assert doctest.testmod(logs) == (0, 2)


def train_line(step, length=None, **values):
    """What mmengine logs of an iteration, in epochs where they are known."""
    epoch = {} if length is None else dict(epoch=-(-step // length))
    return dict(values, iter=step, step=step, **epoch)


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{json.dumps(line)}\n' for line in lines))
    return path


def test_curves_stand_over_epochs(tmp_path):
    lines = [train_line(s, 10, loss=1 / s) for s in (5, 10, 15, 20)]
    lines.insert(2, {'R@20': 0.25, 'time': 0.1, 'step': 1})
    lines.append({'R@20': 0.5, 'step': 2})
    log = logs.read_training_log(write(tmp_path / 'scalars.json', *lines))
    assert log.unit == 'epoch'
    assert set(log.curves) == {'loss', 'R@20', 'time'}
    loss, recall = log.curve('loss'), log.curve('R@20')
    np.testing.assert_allclose(loss.places, [0.5, 1, 1.5, 2])
    np.testing.assert_allclose(loss.values, [1 / 5, 1 / 10, 1 / 15, 1 / 20])
    assert (loss.is_validation, recall.is_validation) == (False, True)
    assert recall.places.tolist() == [1, 2]
    assert recall.values.tolist() == [0.25, 0.5]


def test_curves_stand_over_iterations(tmp_path):
    lines = [train_line(50, loss=2), {'mAP': 0.1, 'step': 60}]
    log = logs.read_training_log(write(tmp_path / 'scalars.json', *lines))
    assert log.unit == 'iteration'
    assert log.curve('loss').places.tolist() == [50]
    assert log.curve('mAP').places.tolist() == [60]


def test_a_resumed_run_takes_over(tmp_path):
    first = [train_line(s, 10, loss=1) for s in (5, 10, 15)]
    first += [{'R@20': 0.1, 'step': 1}]
    again = [train_line(s, 10, loss=2) for s in (15, 20)]
    again += [{'R@20': 0.2, 'step': 2}]
    write(tmp_path / '2026_1' / 'vis_data' / 'scalars.json', *first)
    write(tmp_path / '2026_2' / 'vis_data' / 'scalars.json', *again)
    write(tmp_path / '2026_3' / 'vis_data' / 'scalars.json')  # a test: empty
    log = logs.read_training_log(tmp_path)
    np.testing.assert_allclose(log.curve('loss').places, [0.5, 1, 1.5, 2])
    assert log.curve('loss').values.tolist() == [1, 1, 2, 2]
    assert log.curve('R@20').values.tolist() == [0.1, 0.2]
    # one that began anew leaves nothing of the one before
    write(tmp_path / '2026_4' / 'vis_data' / 'scalars.json', *first[:1])
    assert len(logs.read_training_log(tmp_path).curve('loss').values) == 1


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"neither a file '.*nothing'"):
        logs.read_training_log(tmp_path / 'nothing')
    empty = write(tmp_path / 'scalars.json')
    with pytest.raises(ValueError, match='nothing is logged'):
        logs.read_training_log(empty)
    empty.write_text('{"loss": 1, "iter": 1, "step": 1}\n{"loss"')
    with pytest.raises(ValueError, match=r'line 2 of .* is not JSON'):
        logs.read_training_log(empty)
    log = logs.read_training_log(write(empty, train_line(1, loss=1, lr=0.1)))
    with pytest.raises(ValueError, match=r"no 'los' .* loss, lr"):
        log.curve('los')


@pytest.mark.parametrize('length', [0, 1, 2, 7])
@pytest.mark.parametrize('window', [1, 2, 3, 5, 99])
def test_smoothing_is_the_mean_of_the_neighbours(length, window):
    values = np.random.default_rng(0).random(length)
    expected = []
    for i in range(length):
        reach = min(i, length - 1 - i, window // 2)
        expected.append(values[i - reach : i + reach + 1].mean())
    np.testing.assert_allclose(logs.smooth(values, window), expected)


@pytest.fixture
def figures(monkeypatch):
    """The figures that are saved."""
    saved = []
    save = Figure.savefig

    def keep(figure, *args, **kwargs):
        saved.append(figure)
        save(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, 'savefig', keep)
    return saved


def test_a_panel_a_key_with_a_line_a_run(tmp_path, figures):
    lines = [train_line(s, 10, loss=s) for s in (2, 4, 6, 8, 10)]
    lines += [{'R@20': 0.25, 'step': 1}]
    log = logs.read_training_log(write(tmp_path / 'scalars.json', *lines))
    out = tmp_path / 'curves.png'
    logs.plot_curves(out, dict(a=log, b=log), ['loss', 'R@20'], window=3)
    assert out.stat().st_size > 0
    loss, recall = figures[0].axes
    assert (loss.get_title(), recall.get_title()) == ('loss', 'R@20')
    assert len(loss.lines) == 4  # pale and smooth
    np.testing.assert_allclose(loss.lines[1].get_ydata(), [2, 4, 6, 8, 10])
    assert [line.get_label() for line in recall.lines] == ['a', 'b']
    with pytest.raises(ValueError, match="b: no 'x'"):
        logs.plot_curves(out, dict(b=log), ['x'])


def test_a_single_value_is_a_dot(tmp_path, figures):
    log = logs.read_training_log(
        write(tmp_path / 'scalars.json', train_line(50, 60, loss=2))
    )
    logs.plot_curves(tmp_path / 'curves.png', dict(a=log), ['loss'])
    line = figures[0].axes[0].lines[-1]
    assert (line.get_marker(), len(line.get_ydata())) == ('o', 1)
    more = [train_line(s, 60, loss=2) for s in (20, 40)]
    log = logs.read_training_log(write(tmp_path / 'scalars.json', *more))
    logs.plot_curves(tmp_path / 'curves.png', dict(a=log), ['loss'])
    assert figures[1].axes[0].lines[-1].get_marker() == 'None'


def test_keys_that_runs_lack(tmp_path, figures, capsys):
    """As of `make demo`, which does not validate."""
    lines = [train_line(s, 10, loss=s) for s in (5, 10)]
    plain = write(tmp_path / 'plain.json', *lines)
    tested = write(tmp_path / 'tested.json', *lines, {'R@50': 0.25, 'step': 1})
    out = ['--out', str(tmp_path / 'curves.png')]
    logs.main([str(plain), '--keys', 'loss', 'R@50', 'mR@50', *out])
    said = capsys.readouterr().out
    assert 'no run has logged it: R@50, mR@50' in said
    assert f'{plain}: loss 10\n' in said
    logs.main([str(plain), str(tested), '--keys', 'R@50', 'loss', *out])
    recall, loss = figures[-1].axes
    assert (len(recall.lines), len(loss.lines)) == (1, 4)
    [legend] = figures[-1].legends
    assert [text.get_text() for text in legend.get_texts()] == [
        str(plain),
        str(tested),
    ]
    assert f'{tested}: R@50 0.25, loss 10\n' in capsys.readouterr().out
    scored = write(tmp_path / 'scored.json', {'R@50': 0.5, 'step': 1})
    logs.main([str(plain), str(scored), *out])  # they share nothing
    said = capsys.readouterr().out
    assert f'{plain}: loss 10\n{scored}: R@50 0.5\n' in said
    with pytest.raises(SystemExit, match="no 'R@50' is logged; there are: lo"):
        logs.main([str(plain), '--keys', 'R@50', *out])
