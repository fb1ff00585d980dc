"""What a model costs, and the table of all models."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import torch

from ... import forked
from ...folders import ROOT
from ...scripts import load_tool

TOY = ROOT / 'configs' / 'toy'


benchmark = load_tool('analysis_tools/benchmark_model')
zoo = load_tool('analysis_tools/model_zoo')
SMALL = ['--objects', '4', '--steps', '1', '--device', 'cpu']


def test_benchmark_prints_and_writes_the_same(tmp_path, capsys):
    out = tmp_path / 'new' / 'sgdet.json'
    benchmark.main(
        [
            str(TOY / 'sgdet.py'),
            *SMALL,
            '--batch-size',
            '2',
            '--out',
            str(out),
            '--cfg-options',
            'model.relation_head.features.max_pairs=5',
        ]
    )
    printed = capsys.readouterr().out
    result = json.loads(out.read_text())
    assert result['task'] == 'sgdet'
    assert result['workload']['num_pairs'] == 24
    assert '2 image(s) of 128 x 128, 8 objects, 24 pairs' in printed
    for mode in ('inference', 'training'):
        table = printed[printed.index(mode) :].partition('images/s')[0]
        rows = [row for row in table.splitlines()[1:] if row[0] == '|']
        cost = result[mode]
        names = [row.split('|')[1].strip() for row in rows]
        assert names == [*cost['stages'], 'all']
        assert f'{1000 * cost["seconds"]:.1f}' in rows[-1]
        stages = cost['stages'].values()
        assert cost['peak_mb'] == max(stage['peak_mb'] for stage in stages)


def test_benchmark_compares_unions(capsys):
    benchmark.main([str(TOY / 'predcls.py'), *SMALL, '--compare-unions'])
    printed = capsys.readouterr().out
    assert printed.count('union branch') == 3
    with pytest.raises(SystemExit, match='no union branch'):
        benchmark.main(
            [str(TOY / 'frequency_predcls.py'), *SMALL, '--compare-unions']
        )


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--objects', '0'], "'0' is no whole number above 0"),
        (['--device', 'tpu9'], "no device 'tpu9'"),
        (['--device', 'meta'], 'neither cpu nor cuda'),
        (['--dtype', 'int8'], 'invalid choice'),
    ],
)
def test_benchmark_names_bad_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit):
        benchmark.main([str(TOY / 'sgdet.py'), *arguments])
    assert message in capsys.readouterr().err


def test_benchmark_says_what_bfloat16_cannot_do():
    """mmdet's detectors alone suppress in the type of the map."""
    with pytest.raises(SystemExit, match='does not run in bfloat16'):
        benchmark.main(
            [str(TOY / 'faster-rcnn_r18.py'), *SMALL, '--dtype', 'bfloat16']
        )


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_benchmark_misses_the_gpu(capsys):
    with pytest.raises(SystemExit):
        benchmark.main([str(TOY / 'sgdet.py'), '--device', 'cuda'])
    assert 'torch finds no GPU here' in capsys.readouterr().err


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
def test_benchmark_on_a_gpu(capsys):
    benchmark.main(
        [
            str(TOY / 'sgdet.py'),
            *SMALL[:4],
            '--device',
            'cuda',
            '--dtype',
            'float16',
        ]
    )
    assert 'optimizer' in capsys.readouterr().out


@pytest.fixture
def arguments(tmp_path):
    scores = dict(
        detector={'mAP50': 0.5},
        predcls={'R@20': 0.25, 'R@50': 0.5, 'R@100': 0.75},
        prior=dict(predcls={'R@20': 0.125, 'R@50': 0.25, 'R@100': 0.5}),
    )
    path = tmp_path / 'summary.json'
    path.write_text(json.dumps(scores))
    return ['--results', str(tmp_path / 'results'), '--demo-scores', str(path)]


def test_zoo_measures_and_names_what_fails(
    tmp_path, arguments, monkeypatch, capsys
):
    def run(command, **_):
        log = tmp_path / f'{Path(command[2]).stem}.log'
        process = forked.start(forked.script, command[1:], ROOT, log)
        code = forked.end(process)
        return CompletedProcess(command, code, stderr=log.read_text())

    monkeypatch.setattr(zoo.subprocess, 'run', run)
    broken = tmp_path / 'broken.py'
    broken.write_text("model = dict(type='Nothing')\n")
    out = tmp_path / 'docs' / 'model_zoo.md'
    with pytest.raises(SystemExit) as exit_:
        zoo.main(
            [
                str(TOY / 'frequency_predcls.py'),
                str(broken),
                *arguments,
                '--out',
                str(out),
                '--objects',
                '3',
                '--steps',
                '1',
            ]
        )
    assert exit_.value.code == 1
    page = out.read_text()
    row = next(line for line in page.splitlines() if '[frequency_' in line)
    link = row.partition('](')[2].partition(')')[0]
    assert (out.parent / link).resolve() == TOY / 'frequency_predcls.py'
    cells = [cell.strip() for cell in row.split('|')]
    assert cells[2:6] == ['predcls', 'ResNet-18', 'Frequency', '2.5 (0.0)']
    assert row.endswith('| 0.125 / 0.250 / 0.500 |')
    assert 'broken`: ' in page and 'Nothing' in page.rpartition('broken')[2]
    assert '[1/2]' in capsys.readouterr().err


def test_zoo_takes_up_where_it_was(tmp_path, arguments, monkeypatch, capsys):
    ran = []

    def run(command, **_):
        cost = dict(seconds=0.5, peak_mb=None)
        result = dict(
            task='predcls', machine='CPU', torch='2', objects=3, steps=1,
            shape=[48, 64], parameters=dict(all=2_000_000, trained=500_000),
            workload=dict(num_pairs=6, input_shape=None, flops=3e9),
            inference=cost, training=cost,
        )  # fmt: skip
        out = Path(command[command.index('--out') + 1])
        out.parent.mkdir(exist_ok=True)
        out.write_text(json.dumps(result))
        ran.append(Path(command[2]).stem)
        return CompletedProcess(command, 0)

    monkeypatch.setattr(zoo.subprocess, 'run', run)
    zoo.main([str(TOY / 'predcls.py'), *arguments])
    zoo.main([str(TOY), *arguments, '--resume'])
    others = {path.stem for path in TOY.glob('*.py')}
    # sgdet stands for them
    others -= {'sgcls', 'frequency_predcls', 'frequency_sgcls'}
    assert sorted(ran) == sorted(others)
    page = capsys.readouterr().out
    assert 'of 64 x 48\n  pixels' in page
    page = ' '.join(page.split())
    assert '| 2.0 (0.5) | no image | 6 | 3.0 | 0.5 | | 0.5 | |' in page
    assert '| 0.250 / 0.500 / 0.750 |' in page
    assert '| mAP50 0.500 |' in page


def test_zoo_lists_configs_but_no_bases():
    names = {zoo.name_of(path) for path in zoo.find_configs([])}
    assert {'linknet/sgdet', 'toy/sgdet'} <= names
    assert not any('_base_' in name for name in names)
    with pytest.raises(SystemExit, match="no config or folder 'nothing'"):
        zoo.find_configs([Path('nothing')])


@pytest.mark.parametrize(
    ('model', 'name'),
    [
        (dict(backbone=None), 'none'),
        (dict(backbone=dict(type='VGG16')), 'VGG16'),
        (
            dict(
                backbone=dict(
                    type='mmdet.ResNeXt', depth=101, groups=32, base_width=8
                ),
                neck=dict(type='mmdet.FPN'),
            ),
            'ResNeXt-101-32x8d-FPN',
        ),
        (
            dict(
                backbone=dict(type='mmdet.ResNet', depth=50),
                roi_head=dict(shared_head=dict()),
            ),
            'ResNet-50-C4',
        ),
    ],
)
def test_zoo_names_backbones(model, name):
    assert zoo.backbone_of(zoo.Config(model)) == name
