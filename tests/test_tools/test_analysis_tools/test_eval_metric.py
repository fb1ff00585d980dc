"""The command line of tools/analysis_tools/eval_metric.py."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import DumpResults, Evaluator
from mmengine.structures import InstanceData

from mmsgg.evaluation import (
    DumpSceneGraphs,
    SceneGraphMetric,
    read_scene_graphs,
)
from mmsgg.evaluation import functional as F
from mmsgg.structures import SGDataSample

from ...scripts import load_tool

eval_metric = load_tool('analysis_tools/eval_metric')

METRICS = (
    'R', 'ng-R', 'mR', 'ng-mR', 'F', 'A', 'phr-R', 'pooled-R', 'pooled-phr-R'
)  # fmt: skip
PREDICATES = ('on', 'has', 'in', 'under')
CONFIG = """
default_scope = 'mmsgg'
test_dataloader = dict(dataset=dict(
    type='VG150Dataset', data_root='/nowhere', test_mode=True,
    metainfo=dict(classes=('a', 'b', 'c'), predicates=('on', 'has', 'in',
    'under')), pipeline=[dict(type='NoSuchTransform')]))
test_evaluator = [
    dict(type='DumpResults', out_file_path='x.pkl'),
    dict(type='mmsgg.SceneGraphMetric', metrics=['mR'], topk=[2, 5],
         predicate_groups=dict(head=['on', 'has'], tail=['under']))]
"""


def relations(rng, num_objects: int) -> dict:
    """Scores of all pairs, rich in ties."""
    pairs = np.argwhere(~np.eye(num_objects, dtype=bool)).reshape(-1, 2)
    scores = rng.integers(0, 9, (len(pairs), len(PREDICATES))) / 16
    return dict(
        pairs=torch.as_tensor(pairs),
        predicate_scores=torch.as_tensor(scores, dtype=torch.float32),
    )


def make_sample(seed: int, num_objects: int) -> SGDataSample:
    """A prediction on the true boxes; no relations where seed % 4 = 0."""
    rng = np.random.default_rng(seed)
    corners = torch.as_tensor(rng.integers(0, 20, (num_objects, 2)))
    boxes = torch.cat([corners, corners + 9], 1).float()
    labels = torch.as_tensor(rng.integers(0, 3, num_objects))
    sample = SGDataSample(
        metainfo=dict(
            img_id=seed, img_path=f'images/{seed}.jpg', ori_shape=(30, 40)
        )
    )
    sample.gt_instances = InstanceData(bboxes=boxes, labels=labels)
    found = relations(rng, num_objects)
    rows = torch.as_tensor(rng.permutation(len(found['pairs']))[: seed % 4])
    predicates = torch.as_tensor(rng.integers(0, len(PREDICATES), len(rows)))
    found['predicate_scores'][rows[1:], predicates[1:]] = 1  # found first
    sample.gt_relations = InstanceData(
        pairs=found['pairs'][rows], labels=predicates
    )
    scores = torch.as_tensor(rng.integers(1, 5, num_objects) / 4)
    sample.pred_instances = InstanceData(
        bboxes=boxes, labels=labels, scores=scores.float()
    )
    product = scores[found['pairs']].prod(1).float()
    best = found['predicate_scores'].amax(1)
    sample.pred_relations = InstanceData(scores=product * best, **found)
    return sample


@pytest.fixture(params=[DumpResults, DumpSceneGraphs])
def online(request, tmp_path: Path) -> tuple[str, dict]:
    """A file that a test run wrote, and the numbers of that run."""
    path = str(tmp_path / 'preds.pkl')
    kwargs = {} if request.param is DumpResults else dict(topk=5)
    metrics = [
        SceneGraphMetric(METRICS, topk=(2, 5)),
        request.param(path, **kwargs),
    ]
    evaluator = Evaluator(metrics)
    evaluator.dataset_meta = dict(predicates=PREDICATES)
    for seed, num_objects in enumerate([5, 6, 0, 1, 2, 5, 7, 9]):
        evaluator.process([make_sample(seed, num_objects)], None)
    return path, evaluator.evaluate(8)


def printed(capsys) -> dict[str, float]:
    """The numbers that the script printed."""
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    return {line[0]: float(line[1]) for line in lines if '@' in line[0]}


def test_offline_equals_online(online, capsys):
    path, results = online
    assert 0 < results['R@5'] < 1
    eval_metric.main([path, '--metrics', *METRICS, '--topk', '2', '5'])
    assert printed(capsys) == results


def test_all_metrics_of_a_config_are_evaluated(online, capsys, tmp_path):
    path, results = online
    config = tmp_path / 'config.py'
    config.write_text(
        CONFIG + "test_evaluator += [dict(type='SceneGraphMetric', "
        "metrics='R', topk=5, prefix='other')]"
    )
    eval_metric.main([path, str(config)])
    found = printed(capsys)
    assert found['other/R@5'] == results['R@5']
    assert found['mR@5'] == results['mR@5']


def test_config_gives_settings_and_names(online, capsys, tmp_path):
    path, results = online
    config = tmp_path / 'sgdet.py'
    config.write_text(CONFIG)
    eval_metric.main([path, str(config)])
    numbers = printed(capsys)
    assert [*numbers][:4] == ['mR@2', 'mR-head@2', 'mR-tail@2', 'mR@5']
    assert numbers['mR@5'] == results['mR@5']
    eval_metric.main(
        [path, str(config), '--topk', '2', '--metrics', 'mR', 'R']
    )
    numbers = printed(capsys)
    assert [*numbers] == ['mR@2', 'R@2', 'mR-head@2', 'mR-tail@2']
    assert numbers['R@2'] == results['R@2']


def test_writes_json(online, tmp_path, capsys):
    path, _ = online
    config, out = tmp_path / 'sgdet.py', tmp_path / 'graphs.json'
    config.write_text(CONFIG)
    options = ['--json', str(out), '--json-topk', '3', '--score-thr', '0.1']
    eval_metric.main([path, str(config), *options])
    graphs = read_scene_graphs(out)
    said, progress = capsys.readouterr()
    assert 'graphs.json: 8 images' in said
    assert progress.count('8/8') == 2  # the metric, the graphs
    assert [graph['id'] for graph in graphs] == list(range(8))
    assert [len(g['objects']) for g in graphs] == [5, 6, 0, 1, 2, 5, 7, 9]
    assert graphs[1]['file_name'] == '1.jpg'
    for graph in graphs:
        scores = [item['score'] for item in graph['triplets']]
        assert len(scores) <= 3 and scores == sorted(scores, reverse=True)
        assert all(score >= 0.1 for score in scores)
        assert all(
            t['name'] == PREDICATES[t['label']] for t in graph['triplets']
        )
        assert all(o['name'] == 'abc'[o['label']] for o in graph['objects'])
    assert len(graphs[7]['triplets']) == 3
    assert json.loads(out.read_text())['version'] == 1


def test_compact_file_is_smaller_and_knows_its_limit(tmp_path):
    path = tmp_path / 'preds.pkl'
    metric = DumpSceneGraphs(str(path), topk=3)
    metric.process(None, [make_sample(3, 9).to_dict()])
    metric.evaluate(1)
    [sample] = pickle.loads(path.read_bytes())
    assert len(sample['pred_relations']['pairs']) <= 3 + 3 + 3 < 9 * 8
    with pytest.raises(SystemExit, match=r'preds.pkl.*best 3.*K = 4'):
        eval_metric.main([str(path), '--topk', '4'])


def write(path: Path, content) -> str:
    path.write_bytes(pickle.dumps(content))
    return str(path)


def test_broken_files_are_named(tmp_path):
    path = tmp_path / 'preds.pkl'
    good = make_sample(1, 3).to_dict()
    for content, message in (
        (dict(a=1), 'holds a dict, not the list'),
        ([good, 3], 'image 1 is a int, not a dict'),
        ([dict(good, gt_relations={})], "no 'pairs' in 'gt_relations'"),
        (
            [{k: v for k, v in good.items() if k != 'gt_relations'}],
            r"no 'gt_relations'; was the test run without ground truth\?",
        ),
        (
            [{k: v for k, v in good.items() if k != 'pred_relations'}],
            r"no 'pred_relations'; is it of a model without a relation head",
        ),
    ):
        with pytest.raises(SystemExit, match=rf'preds\.pkl.*{message}'):
            eval_metric.main([write(path, content)])
    write(path, [good])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SystemExit, match=r'preds\.pkl.*was it cut off'):
        eval_metric.main([str(path)])
    path.write_text('R@20 0.5')
    with pytest.raises(SystemExit, match=r'preds\.pkl.*cannot be read'):
        eval_metric.main([str(path)])
    with pytest.raises(SystemExit, match=r'there is no file .*other\.pkl'):
        eval_metric.main([str(tmp_path / 'other.pkl')])
    with pytest.raises(SystemExit, match=r"preds\.pkl: unknown metric 'S'"):
        eval_metric.main([write(path, [good]), '--metrics', 'S'])


@pytest.mark.parametrize('detections', ['2', '8'])
def test_benchmark_compares_with_plain_loops(detections, capsys):
    sizes = ['--images', '3', '--slow-images', '2', '--predicates', '4']
    load_tool('analysis_tools/benchmark_evaluation').main(
        [*sizes, '--detections', detections]
    )
    out, progress = capsys.readouterr()
    assert 'equal numbers' in out and '3/3' in progress
    assert f'3 images, {detections} detections' in out


def box_top(mask: torch.Tensor) -> int:
    """The first row of a mask."""
    return int(mask.any(dim=1).int().argmax())


def masked_sample(seed: int) -> SGDataSample:
    """A sample whose objects have masks, the pixels of their boxes."""
    sample = make_sample(seed, 5)
    table = sample.pred_relations.predicate_scores
    sample.pred_relations.predicate_scores = table / len(PREDICATES)
    for instances in (sample.gt_instances, sample.pred_instances):
        masks = torch.zeros(5, 30, 40, dtype=torch.bool)
        for mask, box in zip(masks, instances.bboxes.int(), strict=True):
            mask[box[1] : box[3], box[0] : box[2]] = True
        instances.masks = masks
    masks[0, box_top(masks[0]) + 3 :] = False  # a third of its object
    return sample


@pytest.mark.parametrize('ending', ['npz', 'pkl'])
def test_protocols_are_evaluated_again(tmp_path, capsys, ending):
    path, out = str(tmp_path / f'preds.{ending}'), tmp_path / 'results.json'
    metrics = {n: SceneGraphMetric(protocol=n, prefix=n) for n in F.PROTOCOLS}
    evaluator = Evaluator([*metrics.values(), DumpSceneGraphs(path, None)])
    for seed in range(4):
        evaluator.process([masked_sample(seed)], None)
    results = evaluator.evaluate(4)
    for name, metric in metrics.items():
        eval_metric.main([path, '--protocol', name, '--out', str(out)])
        [measured] = json.loads(out.read_text())
        assert measured['report'] == json.loads(json.dumps(metric.report))
        expected = {
            key.removeprefix(f'{name}/'): None if np.isnan(value) else value
            for key, value in results.items()
            if key.startswith(f'{name}/')
        }
        assert measured['results'] == expected
    assert results['psg/R@20'] != results['sgb/R@20']  # other overlaps
    eval_metric.main(
        [path, '--protocol', 'psg', '--rules', 'masks=False',
         'last_pixel=1', '--topk', '20', 'gt', '--out', str(out)]
    )  # fmt: skip
    [measured] = json.loads(out.read_text())
    assert measured['results']['R@20'] == results['sgb/R@20']
    assert measured['report']['changed_rules'] == dict(
        masks=False, last_pixel=1
    )
    eval_metric.main([path, '--json', str(tmp_path / 'graphs.json')])
    [graph, *_] = read_scene_graphs(tmp_path / 'graphs.json')
    first = masked_sample(0).pred_instances.masks
    np.testing.assert_array_equal(
        F.decode_masks(F.encode_masks([o['mask'] for o in graph['objects']])),
        first,
    )
    capsys.readouterr()


def test_protocols_that_need_all_pairs(tmp_path, capsys):
    path = str(tmp_path / 'preds.npz')
    dump = DumpSceneGraphs(path, topk=60)
    evaluator = Evaluator(dump)
    evaluator.process([masked_sample(1)], None)
    evaluator.evaluate(1)
    for options, message in (
        (['--protocol', 'psg-fair'], 'needs all pairs'),
        (['--protocol', 'sgbench'], 'needs all pairs'),
        (['--topk', 'gt'], 'needs all pairs'),
        (['--metrics', 'wmAP_rel', '--topk', '5'], 'too few for K = 100'),
        (['--metrics', 'R', '--topk', '61'], 'too few for K = 61'),
    ):
        with pytest.raises(SystemExit) as error:
            eval_metric.main([path, *options])
        assert message in str(error.value)
