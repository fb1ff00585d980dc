from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmsgg.registry import MODELS

from ...scripts import load_tool

costs = load_tool('analysis_tools/model_costs')
unions = costs.union_comparison
CONFIGS = Path(__file__).parents[3] / 'configs' / 'toy'
SHAPE = (96, 128)


def config(name):
    return Config.fromfile(CONFIGS / f'{name}.py')


def bench_of(name, num_objects=5, **kwargs):
    return costs.ModelBenchmark(
        config(name), torch.device('cpu'), num_objects, shape=SHAPE, **kwargs
    )


@pytest.mark.parametrize('num_objects', [1, 7])
def test_item_is_what_a_data_set_gives(tmp_path, num_objects):
    item = costs.random_batch.random_item(
        tmp_path, 3, SHAPE, num_objects, 4, 2
    )
    boxes = np.array([one['bbox'] for one in item['instances']])
    assert boxes.shape == (num_objects, 4)
    assert (boxes >= 0).all() and (boxes <= [128, 96, 128, 96]).all()
    assert (boxes[:, 2:] - boxes[:, :2] > 9).all()
    assert {one['bbox_label'] for one in item['instances']} <= set(range(4))
    pairs = [one['pair'] for one in item['relations']]
    assert pairs == [[row, row + 1] for row in range(num_objects - 1)]
    assert {one['predicate_label'] for one in item['relations']} <= {0, 1}
    assert Path(item['img_path']).is_file()


@pytest.mark.parametrize('wrapped', [False, True])
def test_batch_goes_through_the_pipeline(wrapped):
    cfg = config('sgcls')
    if wrapped:
        cfg.train_dataloader.dataset = dict(
            type='RepeatDataset', times=2, dataset=cfg.train_dataloader.dataset
        )
    batch = costs.random_batch.random_batch(
        cfg, 'train', 2, shape=(192, 256), num_objects=5, num_classes=12,
        num_predicates=11,
    )  # fmt: skip
    assert [tuple(image.shape) for image in batch['inputs']] == [
        (3, 96, 128)
    ] * 2
    for sample in batch['data_samples']:
        assert len(sample.gt_instances) == 5
        assert len(sample.gt_relations) == 4


def test_a_loss_that_wants_counts_gets_some(monkeypatch):
    counts = []
    loss = MODELS.get('mmdet.CrossEntropyLoss')
    monkeypatch.setattr(loss, 'set_counts', counts.append, raising=False)
    bench_of('predcls')
    assert counts == [[1] * 11]


def test_a_debiasing_that_wants_counts_gets_some():
    cfg = config('predcls')
    cfg.model.relation_head.debiasing = dict(type='LogitAdjustment')
    bench = costs.ModelBenchmark(cfg, torch.device('cpu'), 5, shape=SHAPE)
    assert bench.workload()['num_pairs'] == 20


@pytest.mark.parametrize('num_objects', [1, 40])
def test_every_object_has_a_mask(num_objects):
    """Also one that others lie on."""
    cfg = config('predcls')
    cfg.test_dataloader.dataset.pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadPanopticRelations'),
        dict(type='PackSGInputs'),
    ]
    batch = costs.random_batch.random_batch(
        cfg, 'test', 1, shape=(48, 64), num_objects=num_objects,
        num_classes=3, num_predicates=2,
    )  # fmt: skip
    masks = batch['data_samples'][0].gt_instances.masks.masks
    assert masks.shape == (num_objects, 48, 64)
    assert masks.any((1, 2)).all() and (masks.sum(axis=0) <= 1).all()


def test_classes_of_a_cascade():
    bench = bench_of('faster-rcnn_r18')
    head = bench.model.roi_head.bbox_head
    bench.model.roi_head.bbox_head = torch.nn.ModuleList([head, head])
    assert bench._vocabulary() == dict(num_classes=12, num_predicates=1)


def test_where_all_queries_are_objects():
    """They are, however many boxes an image has."""
    bench = bench_of('egtr_sgdet')
    num = bench.model.detector.num_queries
    work = bench.workload()
    assert (work['num_objects'], work['num_pairs']) == (num, num * (num - 1))
    assert bench.train(1)['seconds'] > 0


def test_a_single_stage_detector_finds_random_boxes():
    """With random weights its own have no area, and so no pairs."""
    bench = bench_of('rtmdet_sgdet')
    work = bench.workload()
    assert (work['num_objects'], work['num_pairs']) == (5, 20)
    assert bench.train(1)['seconds'] > 0


def test_proposals_from_outside():
    cfg = config('sgdet')
    cfg.model.detector.rpn_head = None
    resize = dict(
        type='mmdet.ProposalBroadcaster',
        transforms=[dict(type='mmdet.Resize', scale=(128, 128))],
    )
    for split in ('train', 'test'):
        cfg[f'{split}_dataloader'].dataset.pipeline = [
            dict(type='LoadImageFromFile'),
            dict(type='LoadProposals', proposal_file='no/such/file.pkl'),
            dict(type='LoadRelationAnnotations'),
            resize,
            dict(type='PackSGInputs'),
        ]
    bench = costs.ModelBenchmark(cfg, torch.device('cpu'), 5, shape=SHAPE)
    assert bench.workload()['num_objects'] == 5
    assert 'proposals' not in bench.predict(1)['stages']
    assert 'union branch' in bench.train(1)['stages']


@pytest.mark.parametrize(
    'name', ['predcls', 'sgcls', 'sgdet', 'faster-rcnn_r18', 'frequency_sgdet']
)
def test_stages_of_a_config(name):
    bench = bench_of(name)
    before = {k: v.clone() for k, v in bench.model.state_dict().items()}
    workload = bench.workload()
    inference, training = bench.predict(2), bench.train(1)
    expected = {'input', 'backbone', 'detector boxes'}
    if name not in ('predcls', 'sgcls'):
        expected.add('proposals')
    if bench.task != 'detection':
        expected |= {'object branch', 'pairs'}
        assert (workload['num_objects'], workload['num_pairs']) == (5, 20)
    if name in ('predcls', 'sgcls', 'sgdet'):
        expected.add('union branch')
    assert set(inference['stages']) == expected
    assert set(training['stages']) == expected | {'backward', 'optimizer'}
    assert inference['images_per_second'] == 1 / inference['seconds']
    assert workload['input_shape'] == (128, 128)
    # the learning rate is 0; batch norm of a trained detector moves on
    for key, value in bench.model.state_dict().items():
        if 'running' not in key and 'num_batches' not in key:
            assert torch.equal(value, before[key]), key


def test_training_of_sgdet_has_related_pairs():
    bench = bench_of('sgdet')
    targets = []
    sample = bench.model.relation_head.sampler.sample
    bench.model.relation_head.sampler.sample = lambda *args: (
        targets.append(sample(*args)) or targets[-1]
    )
    bench.train(1)
    assert (targets[0].predicates == 0).sum() >= 4


def test_operations_of_the_union_branch():
    """10 union boxes instead of 20 save 10 times fc6 and fc7."""
    bench = bench_of('predcls')
    ways = {}
    for way in unions.WAYS:
        with unions.union_branch(bench.model.relation_head.features, way):
            ways[way] = bench.workload()['flops']
    fc6, fc7 = 128 * 7 * 7 * 256, 256 * 256
    assert ways['every pair'] - ways['as it is'] == 10 * 2 * (fc6 + fc7)
    assert ways['every pair at once'] == ways['every pair']


def test_union_branch_each_way():
    bench = bench_of('predcls', batch_size=2)
    found = costs.compare_unions(bench, 1)
    assert list(found) == list(unions.WAYS)
    assert all('union branch' in cost['stages'] for cost in found.values())
    with pytest.raises(ValueError, match='no union branch'):
        costs.compare_unions(bench_of('frequency_predcls'), 1)


def test_a_wrong_union_branch_is_noticed(monkeypatch):
    bench = bench_of('predcls')
    features = bench.model.relation_head.features
    embed = features.embed_unions
    features.embed_unions = lambda *args: (
        embed(*args)[0].roll(1, 0), embed(*args)[1]
    )  # fmt: skip
    with pytest.raises(AssertionError):
        costs.compare_unions(bench, 1)


def test_bfloat16_and_back():
    bench = bench_of('sgcls', dtype=torch.bfloat16)
    seen = []
    head = bench.model.relation_head.features.union_head
    head.register_forward_hook(lambda *args: seen.append(args[2].dtype))
    bench.predict(1)
    bench.dtype = torch.float32
    bench.predict(1)
    assert seen == [torch.bfloat16, torch.float32]
