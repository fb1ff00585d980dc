"""The tables of VRD and the ablation, on a data set of two images."""

import json
from collections import Counter, defaultdict

import pytest
from mmengine.config import Config

from mmsgg.datasets import VRDDataset

from ...folders import DATA, ROOT
from ...scripts import load_tool

CONFIGS = ROOT / 'configs' / 'vrd'


ablation, benchmark_vrd, compare_configs = (
    load_tool(f'analysis_tools/{name}')
    for name in ('ablation', 'benchmark_vrd', 'compare_configs')
)


def end(category, *bbox):
    return dict(category=category, bbox=bbox)


@pytest.fixture
def vrd(tmp_path):
    """A person (0) on (0) a shirt (10), the same in train and test."""
    person, shirt = end(0, 5, 30, 1, 20), end(10, 1, 8, 3, 12)
    rows = [
        dict(predicate=0, subject=person, object=shirt),
        dict(predicate=1, subject=shirt, object=person),
    ]
    images = {'a.jpg': rows, 'b.jpg': rows, 'empty.jpg': []}
    found = [
        dict(bbox=[0, 4, 19, 29], category=0, score=0.9),
        dict(bbox=[2, 0, 11, 7], category=10, score=0.5),
    ]
    root = tmp_path / 'vrd'
    root.mkdir()
    for name, content in (
        ('annotations_train.json', images),
        ('annotations_test.json', images),
        ('detections_test.json', {'a.jpg': found}),
        ('objects.json', VRDDataset.METAINFO['classes']),
        ('predicates.json', VRDDataset.METAINFO['predicates']),
    ):
        (root / name).write_text(json.dumps(content))
    return root


def test_benchmark_trains_and_tabulates(vrd, tmp_path, capsys):
    argv = ['--data-root', str(vrd), '--work-dir', str(tmp_path / 'work')]
    argv += ['--seeds', '0']
    benchmark_vrd.main(argv)
    text = capsys.readouterr().out
    lines = [line.split('|') for line in text.splitlines() if '|' in line]
    methods = [*benchmark_vrd.METHODS]
    assert methods[0] == 'frequency prior' and len(methods) == 5
    # both predicates are right, or with detections those of one image of two
    for first, scores in (3, [100.0] * 2), (11, [50.0] * 4), (18, [50.0] * 4):
        rows = lines[first : first + 5]
        assert [row[1].strip() for row in rows] == methods
        assert [float(cell) for cell in rows[0][2:-1]] == scores
    assert '47.87' in text and 'from their paper' in text
    benchmark_vrd.main(argv)
    again = capsys.readouterr().out
    assert '(0 s)' in again
    assert [line for line in again.splitlines() if '|' in line] == [
        line for line in text.splitlines() if '|' in line
    ]


def test_missing_data_is_named(vrd, capsys):
    (vrd / 'detections_test.json').unlink()
    with pytest.raises(SystemExit):
        benchmark_vrd.parse_args(['--data-root', str(vrd)])
    error = capsys.readouterr().err
    assert 'lacks detections_test.json' in error and 'VRD_ROOT=' in error


def test_ablation_trains_what_differs(vrd, tmp_path, capsys):
    ablation.main(
        [
            str(CONFIGS / 'linknet_boxes.py'),
            *('--data-root', str(vrd), '--work-dir', str(tmp_path / 'work')),
            *('--seeds', '0', '1', '--metrics', 'A@50'),
            *('--only', 'as configured', 'no attention'),
            *('--cfg-options', 'train_cfg.max_epochs=1'),
        ]
    )
    rows = capsys.readouterr().out.splitlines()[-4:]
    assert rows[0].split() == ['|', 'LinkNet', '|', 'A@50', '|']
    assert rows[2].startswith('| as configured |') and '±' in rows[2]
    assert rows[3].startswith('| no attention  |') and '±' in rows[3]


def test_configs_are_trained_and_compared(vrd, tmp_path, capsys):
    other = tmp_path / 'other.py'
    other.write_text(
        f"_base_ = '{CONFIGS / 'linknet_boxes.py'}'\n"
        'model = dict(relation_head=dict(attention=False))\n'
    )
    compare_configs.main(
        [
            *(str(CONFIGS / 'linknet_boxes.py'), str(other)),
            *('--data-root', str(vrd), '--work-dir', str(tmp_path / 'work')),
            *('--seeds', '3', '4', '--task', 'predcls'),
            *('--cfg-options', 'train_cfg.max_epochs=1'),
        ]
    )
    rows = capsys.readouterr().out.splitlines()[-4:]
    assert rows[0].startswith('| config          |') and 'A@50' in rows[0]
    assert rows[2].startswith('| `linknet_boxes` |') and '±' in rows[2]
    assert rows[3].startswith('| `other`         |') and '±' in rows[3]
    assert len([*tmp_path.glob('work/*/*/seed_[34]/scores.json')]) == 4


def test_configs_of_one_name_have_a_row_each(monkeypatch, tmp_path, capsys):
    folders = []

    def repeat(title, cfg, tests, seeds, folder):
        folders.append(folder)
        return [dict(score=len(folders) / 10)]

    monkeypatch.setattr(compare_configs, 'repeat', repeat)
    monkeypatch.chdir(tmp_path)
    compare_configs.main(['vrd/linknet_boxes', 'gqa/linknet_boxes'])
    rows = capsys.readouterr().out.splitlines()[-2:]
    assert [row.split()[1::2] for row in rows] == [
        ['`vrd/linknet_boxes`', '10.0'],
        ['`gqa/linknet_boxes`', '20.0'],
    ]
    assert len({*folders}) == 2


def test_ablation_leaves_out_what_changes_nothing():
    names = [*ablation.SWITCHES]
    cfg = Config.fromfile(CONFIGS / 'linknet_boxes.py')
    boxes = ablation.variants_of(cfg, names)
    assert 'as configured' in boxes and 'r = 2' not in boxes
    assert not {'no union feature', 'no global context'} & set(boxes)
    path = CONFIGS.parent / 'toy' / 'sgcls.py'
    toy = ablation.variants_of(Config.fromfile(path), names)
    assert {'no union feature', 'no global context'} <= set(toy)
    assert 'scaled attention' in boxes and 'scaled attention' in toy
    assert "the paper's layout" in boxes and "the paper's layout" not in toy
    heads = [variant.model.relation_head for variant in toy.values()]
    assert len({str(head) for head in heads}) == len(heads)


def test_ablation_wants_a_linknet():
    path = CONFIGS / 'frequency_boxes.py'
    with pytest.raises(SystemExit, match='no LinkNetRelHead'):
        ablation.main([str(path)])


@pytest.mark.skipif(
    not (DATA / 'vrd').is_dir(),
    reason=f'the real VRD is not in {DATA} (MMSGG_DATA)',
)
def test_frequency_prior_on_the_real_files_equals_plain_loops(tmp_path):
    def rows_of(split):
        path = DATA / 'vrd' / f'annotations_{split}.json'
        for relations in json.loads(path.read_text()).values():
            for row in relations:
                classes = [row[k]['category'] for k in ('subject', 'object')]
                yield tuple(classes), row['predicate']

    counts = defaultdict(Counter)
    for classes, predicate in rows_of('train'):
        counts[classes][predicate] += 1
    guesses = [
        predicate == min(range(70), key=lambda p: (-counts[classes][p], p))
        for classes, predicate in rows_of('test')
    ]
    args = benchmark_vrd.parse_args(
        ['--data-root', str(DATA / 'vrd'), '--work-dir', str(tmp_path)]
    )
    [scores] = benchmark_vrd.runs_of(args, 'frequency prior')
    assert len(guesses) == 7638
    assert scores['a/A@100'] == pytest.approx(sum(guesses) / 7638, abs=1e-4)
    assert scores['b/pooled-R@50'] < 0.34  # both objects are found
    assert scores['b/k=70/pooled-R@100'] > scores['b/pooled-R@100']
