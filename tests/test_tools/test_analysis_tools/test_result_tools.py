"""predicate_report.py, gallery.py and analyze_logs.py as they are called."""

import csv
import json
import pickle
import re
from pathlib import Path

import mmcv
import numpy as np
import pytest

from mmsgg.evaluation import SceneGraphMetric

from ...folders import ROOT
from ...scripts import load_tool

CONFIG = str(ROOT / 'configs' / 'toy' / 'sgdet.py')


report, gallery, curves = (
    load_tool(f'analysis_tools/{name}')
    for name in ('predicate_report', 'gallery', 'analyze_logs')
)


def make_sample(number, folder, num_objects=4):
    """Objects found as they are; the predicate is right half of the time."""
    rng = np.random.default_rng(number)
    corners = rng.integers(0, 60, (num_objects, 2))
    boxes = np.concatenate([corners, corners + 30], 1).astype(float)
    labels = rng.integers(0, 12, num_objects)
    pairs = np.argwhere(~np.eye(num_objects, dtype=bool))
    true = rng.integers(0, 11, len(pairs))
    guess = np.where(rng.random(len(pairs)) < 0.5, true, 0)
    rows = rng.permutation(len(pairs))[: number % 4]
    path = folder / f'{number} <b>.png'
    mmcv.imwrite(np.full((100, 100, 3), 99, np.uint8), str(path))
    return dict(
        img_id=number,
        img_path=str(path),
        ori_shape=(100, 100),
        topk=50,
        gt_instances=dict(bboxes=boxes, labels=labels),
        gt_relations=dict(pairs=pairs[rows], labels=true[rows]),
        pred_instances=dict(
            bboxes=boxes, labels=labels, scores=np.ones(num_objects)
        ),
        pred_relations=dict(
            pairs=pairs, predicate_scores=np.eye(11)[guess] * 0.9
        ),
    )


@pytest.fixture(scope='module')
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp('images')
    return [make_sample(number, folder) for number in range(10)]


@pytest.fixture
def results(samples, tmp_path):
    path = tmp_path / 'preds.pkl'
    path.write_bytes(pickle.dumps(samples))
    return str(path)


def stopped(module, *argv):
    """What a tool says when it stops."""
    with pytest.raises(SystemExit) as stop:
        module.main([str(word) for word in argv])
    return str(stop.value)


def read_csv(path):
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize('config', [[CONFIG], []])
def test_report(results, samples, config, tmp_path, capsys):
    out = tmp_path / 'report'
    argv = [results, *config, '--out-dir', str(out), '--topk', '50', '5']
    report.main(argv)
    assert {path.name for path in out.iterdir()} == {
        'recall.png',
        'confusion.png',
        'predicates.csv',
        'confusion.csv',
    }
    rows = read_csv(out / 'predicates.csv')
    assert list(rows[0]) == [
        'predicate',
        'relations',
        'R@5',
        'R@50',
        'objects_not_found',
    ]
    counts = [int(row['relations']) for row in rows]
    assert counts == sorted(counts, reverse=True)
    total = sum(len(s['gt_relations']['labels']) for s in samples)
    assert sum(counts) == total
    metric = SceneGraphMetric(['mR'], [50])
    for sample in samples:
        metric.process(None, [sample])
    recalls = np.nan_to_num([float(row['R@50']) for row in rows])
    expected = metric.evaluate(len(samples))['mR@50']
    assert recalls.mean() == pytest.approx(expected)
    confusion = read_csv(out / 'confusion.csv')
    assert sum(int(row['count']) for row in confusion) == total
    assert {row['predicate'] == 'beside' for row in rows} == (
        {True, False} if config else {False}
    )
    right = sum(
        int(row['count'])
        for row in confusion
        if row['annotated'] == row['predicted']
    )
    said, progress = capsys.readouterr()
    assert progress.count(f'{len(samples)}/{len(samples)}') == 2
    assert f'{total} relations; of {total} both' in said
    assert f'{right} of these have the right predicate' in said


def test_report_on_wrong_files(results, tmp_path):
    where = ['--out-dir', tmp_path / 'out']
    assert 'too few for K = 100' in stopped(report, results, *where)
    missing = tmp_path / 'no.pkl'
    assert str(missing) in stopped(report, missing, *where)
    missing.write_bytes(pickle.dumps([]))
    assert 'no image has a relation' in stopped(report, missing, *where)
    assert not (tmp_path / 'out').exists()


def test_gallery(results, tmp_path, capsys):
    out = tmp_path / 'gallery'
    options = ['--num', '5', '--topk', '20', '50']
    gallery.main([results, CONFIG, '--out-dir', str(out), *options])
    page = (out / 'index.html').read_text(encoding='utf-8')
    pictures = re.findall(r'<img src="([^"]+)"', page)
    assert pictures == [
        f'pictures/{name}.jpg'
        for name in ('best_01', 'best_02', 'best_03', 'worst_01', 'worst_02')
    ]
    for picture in pictures:  # annotation beside prediction
        assert mmcv.imread(str(out / picture)).shape[1] > 1500
    recalls = [float(v) for v in re.findall(r'R@20 ([\d.]+) ·', page)]
    assert recalls[:3] == sorted(recalls[:3], reverse=True)
    assert recalls[3:] == sorted(recalls[3:])
    assert recalls[2] >= max(recalls[3:])
    assert '&lt;b&gt;.png' in page and '<b>' not in page
    hits, missed = page.count('class="hit"'), page.count('class="miss"')
    assert hits > 0 and missed > 0
    words = re.findall(r'(\d) of (\d) annotated relations found', page)
    assert sum(int(found) for found, _ in words) == hits
    assert sum(int(total) for _, total in words) == hits + missed
    assert str(out / 'index.html') in capsys.readouterr().out


def test_gallery_draws_the_first_k_up_to_the_last_hit(samples, tmp_path):
    args = gallery.parse_args(['x', CONFIG, '--out-dir', 'x', '--topk', '9'])
    made = gallery.make_gallery(args, samples, tmp_path)
    made.score_thr = 2.0  # none is so likely
    for result in gallery.image_results(samples, 50):
        places = [result.rank_of(row) for row in range(len(result.ranks))]
        places = [place for place in places if place and place <= 9]
        drawn = made._drawn(result)
        assert len(drawn.pred_relations) == max(places, default=0)
    made.score_thr = 0.0
    assert len(made._drawn(result).pred_relations) == 9


def test_gallery_where_images_are_missing(samples, tmp_path, capsys):
    path = tmp_path / 'preds.pkl'
    moved = [dict(samples[3], img_path='gone/3.png'), samples[2]]
    path.write_bytes(pickle.dumps(moved))
    argv = [str(path), CONFIG, '--out-dir', str(tmp_path), '--topk', '20']
    gallery.main(argv)
    assert '1 of 2 images do not load, such as gone/3.png' in (
        capsys.readouterr().out
    )
    assert (tmp_path / 'index.html').read_text().count('<article>') == 1
    broken = tmp_path / 'broken.jpg'
    broken.write_bytes(b'no image')
    moved[0]['img_path'] = str(broken)
    path.write_bytes(pickle.dumps(moved))
    gallery.main(argv)
    assert f'such as {broken}' in capsys.readouterr().out
    path.write_bytes(pickle.dumps(moved[:1]))
    assert 'call from where the test ran' in stopped(gallery, *argv)


def test_gallery_on_wrong_input(results, samples, tmp_path):
    argv = [results, CONFIG, '--out-dir', tmp_path]
    assert 'too few for K = 100' in stopped(gallery, *argv)
    path = Path(results)
    other = dict(samples[3], gt_relations=dict(samples[3]['gt_relations']))
    other['gt_relations']['labels'] = np.array([3, 49, 3])
    path.write_bytes(pickle.dumps([other]))
    assert 'at least 50 predicates, but the data set of the config has 11' in (
        stopped(gallery, *argv, '--topk', 20)
    )
    path.write_bytes(pickle.dumps([samples[0], samples[4]]))
    assert 'no image has a relation' in stopped(gallery, *argv, '--topk', 20)
    assert stopped(gallery, *argv, '--num', 0) == '2'


@pytest.fixture
def run(tmp_path):
    """A work directory with a log."""
    path = tmp_path / 'run' / 'now' / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    lines = [
        dict(loss=1 / s, lr=0.1, epoch=1, iter=s, step=s) for s in range(1, 9)
    ]
    lines.append({'R@50': 0.5, 'R@20': 0.25, 'step': 1})
    path.write_text('\n'.join(map(json.dumps, lines)))
    return str(tmp_path / 'run')


def test_curves(run, tmp_path, capsys):
    out = tmp_path / 'new' / 'curves.png'
    curves.main([run, run, '--names', 'a', 'b', '--out', str(out)])
    assert out.stat().st_size > 5000
    said = capsys.readouterr().out
    assert 'a: loss 0.125, R@50 0.5\n' in said
    curves.main([run, '--keys', 'list'])
    assert capsys.readouterr().out.endswith(': R@20 R@50 loss lr\n')


def test_curves_of_what_is_not_there(run, tmp_path, capsys):
    message = stopped(curves, run, '--keys', 'los', '--out', tmp_path / 'x')
    assert "no 'los' is logged; there are: R@20, R@50, loss, lr" in message
    assert 'nowhere' in stopped(curves, tmp_path / 'nowhere')
    assert stopped(curves, run, '--names', 'a', 'b') == '2'
    assert '2 --names for 1 runs' in capsys.readouterr().err
