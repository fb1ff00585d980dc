"""Every config builds; the full-size ones take a step on a small image."""

import gzip
import json
import re
from functools import cache
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.structures import InstanceData

from mmsgg.datasets import GQA200Dataset, VRDDataset
from mmsgg.registry import DATASETS, MODELS, TASK_UTILS
from mmsgg.structures import SGDataSample

CONFIGS = Path(__file__).parents[1] / 'configs'
# the relation models of Scene-Graph-Benchmark: in test_method_configs.py
FULL = [
    path
    for names in ('detection/*.py', 'linknet/*.py', 'sgb/faster-rcnn*.py')
    for path in sorted(CONFIGS.glob(names))
]
PREDCLS = [
    path
    for path in sorted(CONFIGS.glob('*/*predcls*.py'))
    if path.with_name(path.name.replace('predcls', 'sgcls')).exists()
]
# the others are sgcls with classes given, and held against that
STEPPED = [p for p in FULL if p not in PREDCLS or p.stem == 'predcls']
TOY = sorted((CONFIGS / 'toy').glob('*.py'))
SHAPE = 64, 96
RESNET_18 = {
    'backbone.depth': 18,
    'neck.in_channels': [64, 128, 256, 512],
}
# What makes of a detector one that takes a step in a second; the VGG16 and
# ResNet-101-FPN ones stay as wide and deep as they are.
NARROW = {
    'r50-c4': {
        'backbone.depth': 18,
        'rpn_head.in_channels': 256,
        'rpn_head.feat_channels': 64,
        'roi_head.shared_head.depth': 18,
        'roi_head.bbox_roi_extractor.out_channels': 256,
        'roi_head.bbox_head.in_channels': 512,
    },
    'x101_fpn': {'backbone.depth': 50},
    'x101-32x8d_fpn': {
        'backbone.depth': 50,
        'roi_head.bbox_head.fc_out_channels': 64,
    },
    'cascade-rcnn_r50_fpn': RESNET_18,
    'deformable-detr': {
        'backbone.depth': 18,
        'neck.in_channels': [128, 256, 512],
        'encoder.num_layers': 1,
        'decoder.num_layers': 2,
    },
    # 126 cells of such a small image are all that it can choose from
    'dino': {
        'backbone.depth': 18,
        'neck.in_channels': [128, 256, 512],
        'num_queries': 30,
        'encoder.num_layers': 1,
        'decoder.num_layers': 2,
    },
}
NARROW_HEAD = {
    'r50-c4': {
        'features.object_roi_extractor.out_channels': 256,
        'features.object_head.depth': 18,
        'features.union_roi_extractor.roi_extractor.out_channels': 256,
        'features.union_head.depth': 18,
        'global_context.in_channels': 256,
    }
}


def small_model(path):
    """The model of a config, made for small images and few boxes."""
    model = Config.fromfile(path).model
    detector = model.get('detector', model)
    for name, options in NARROW.items():
        if name in path.stem:
            detector.update(merged(detector, options))
    if 'relation_head' in model:
        for name, options in NARROW_HEAD.items():
            if name in path.stem:
                head = model.relation_head
                head.update(merged(head, options))
        # an untrained detector is sure of nothing
        model.object_source.max_per_img = 6
        if model.object_source.type != 'SingleStageObjects':
            model.object_source.score_thr = 0.0
        elif detector.test_cfg:
            detector.test_cfg.update(score_thr=0.0, nms_pre=100)
        if model.object_source.type != 'TwoStageObjects':
            # its first boxes are small, and lie apart
            model.relation_head.overlap_only = False
    detector.backbone.init_cfg = None  # downloads nothing
    detector.data_preprocessor.pad_size_divisor = 32
    if detector.get('rpn_head'):
        detector.test_cfg.rpn.max_per_img = 20
        detector.train_cfg.rpn_proposal.max_per_img = 20
    stages = detector.train_cfg.get('rcnn', [])
    for stage in stages if isinstance(stages, list) else [stages]:
        stage.sampler.num = 16
    return model


def merged(cfg, options):
    """A part of a config, with options under dotted names."""
    whole = Config(dict(part=cfg.to_dict()))
    whole.merge_from_dict({f'part.{k}': v for k, v in options.items()})
    return whole.part


def name_of(path):
    return f'{path.parent.name}/{path.stem}'


def sample_of_vg150(num_boxes):
    """A sample with the class and predicate numbers of VG150."""
    generator = torch.Generator().manual_seed(num_boxes)
    corners = torch.rand(num_boxes, 2, generator=generator) * 32
    boxes = torch.cat([corners, corners + 24], dim=1)
    sample = SGDataSample(
        metainfo=dict(
            img_path='x.jpg',
            img_shape=SHAPE,
            ori_shape=SHAPE,
            scale_factor=(1.0, 1.0),
        )
    )
    labels = torch.randint(150, (num_boxes,), generator=generator)
    sample.gt_instances = InstanceData(bboxes=boxes, labels=labels)
    pairs = torch.arange(num_boxes)[:, None] + torch.tensor([[0, 1]])
    sample.gt_relations = InstanceData(
        pairs=pairs[:-1], labels=torch.arange(max(num_boxes - 1, 0)) + 40
    )
    return sample


def batch(with_proposals):
    images = [torch.randint(255, (3, *SHAPE), dtype=torch.uint8)] * 2
    samples = [sample_of_vg150(4), sample_of_vg150(1)]
    for sample in samples if with_proposals else ():
        sample.proposals = InstanceData(bboxes=sample.gt_instances.bboxes)
    return dict(inputs=images, data_samples=samples)


# These take their step as wide and deep as they are, all others with narrow
# fc6 and fc7.
WHOLE = {
    'detection/faster-rcnn_vgg16_vg150',
    'linknet/sgdet',
    'linknet/sgdet_r101_fpn',
}


def narrow_fc67(part):
    """Narrow fc6 and fc7, wherever in a model they are."""
    for value in part.values() if isinstance(part, dict) else part:
        if isinstance(value, dict | list):
            narrow_fc67(value)
    if isinstance(part, dict):
        if 'fc_out_channels' in part:
            part.fc_out_channels = 64
        if part.get('type', '').endswith('FC67Head'):
            part.out_channels = 64


@pytest.mark.parametrize('path', STEPPED, ids=name_of)
def test_vg150_config_trains_and_predicts(path):
    cfg = small_model(path)
    if name_of(path) not in WHOLE:
        narrow_fc67(cfg)
        detector = cfg.get('detector', cfg)
        if 'r101_fpn' in path.stem or 'retinanet' in path.stem:
            detector.update(merged(detector, RESNET_18))
    torch.manual_seed(0)
    model = MODELS.build(cfg).train()
    if 'dino' in path.stem or 'detr' in path.stem:
        # what they make is no number before this
        model.init_weights()
    outside = 'proposals' in path.stem
    data = model.data_preprocessor(batch(outside), True)
    loss, _ = model.parse_losses(model(**data, mode='loss'))
    assert loss.isfinite()
    loss.backward()
    # YOLOX sees images that are not normalised, with weights as they start
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    step = {
        name: parameter
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    assert step
    with torch.no_grad():
        for parameter in step.values():
            parameter.sub_(parameter.grad, alpha=1e-6)
        predictions = model.eval().test_step(batch(outside))
    sizes = []
    for sample in predictions:
        assert sample.pred_instances.scores.isfinite().all()
        sizes.append(len(sample.pred_instances))
        if 'relation_head' in cfg:
            relations = sample.pred_relations
            assert len(relations) <= sizes[-1] * (sizes[-1] - 1)
            assert relations.predicate_scores.shape[1] == 50
    if 'relation_head' in cfg:
        # RTMDet's first boxes may have no area, and go
        if cfg.object_source.type != 'SingleStageObjects':
            assert sizes[0] > 1 and len(predictions[0].pred_relations)


@pytest.mark.parametrize('path', PREDCLS, ids=name_of)
def test_predcls_is_sgcls_with_classes_given(path):
    sgcls = path.with_name(path.name.replace('predcls', 'sgcls'))
    models = [Config.fromfile(file).model for file in (path, sgcls)]
    assert [model.pop('task') for model in models] == ['predcls', 'sgcls']
    assert models[0] == models[1]


@pytest.mark.parametrize('path', TOY, ids=name_of)
def test_toy_config_builds(path):
    cfg = Config.fromfile(path)
    model = MODELS.build(cfg.model)
    assert sum(p.numel() for p in model.parameters()) < 1e7
    assert cfg.default_scope == 'mmsgg'
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    groups = wrapper.optimizer.param_groups
    trained = {id(p) for group in groups for p in group['params']}
    assert trained >= {id(p) for p in model.parameters() if p.requires_grad}


@pytest.mark.parametrize('path', FULL + TOY, ids=name_of)
def test_no_machine_in_a_config(path):
    cfg = Config.fromfile(path)
    assert 'work_dir' not in cfg
    assert 'classes' not in cfg.train_dataloader.dataset.get('metainfo', {})
    roots = [cfg[f'{split}_dataloader'].dataset.data_root for split in
             ('train', 'val', 'test')]  # fmt: skip
    assert not any(Path(root).is_absolute() for root in roots)


def test_the_seed_hyper_parameters():
    sgcls = Config.fromfile(CONFIGS / 'linknet' / 'sgcls.py')
    sgdet = Config.fromfile(CONFIGS / 'linknet' / 'sgdet.py')
    assert sgcls.train_dataloader.batch_size == 6
    assert sgcls.optim_wrapper.optimizer.lr == pytest.approx(1e-3 * 6)
    assert sgdet.optim_wrapper.optimizer.lr == pytest.approx(1e-4 * 6)
    sampler = TASK_UTILS.build(sgcls.model.relation_head.sampler)
    assert (sampler.num, sampler.pos_fraction) == (256, 0.25)
    sampler = TASK_UTILS.build(sgdet.model.relation_head.sampler)
    assert (sampler.num, sampler.iou_thr, sampler.overlap_only) == (
        64,
        0.5,
        True,
    )


ALL = [
    path for path in sorted(CONFIGS.glob('*/**/*.py'))
    if path.relative_to(CONFIGS).parts[0] != '_base_'
]  # fmt: skip


@pytest.mark.parametrize('path', ALL, ids=name_of)
def test_empty_images_are_tested_by_detectors_alone(path):
    """Recalls pass over them; average precision counts what is found."""
    cfg = Config.fromfile(path)
    for split in ('val', 'test'):
        if f'{split}_evaluator' not in cfg:
            continue
        evaluators = cfg[f'{split}_evaluator']
        if not isinstance(evaluators, list):
            evaluators = [evaluators]
        recalls = {e.type == 'SceneGraphMetric' for e in evaluators}
        dataset = cfg[f'{split}_dataloader'].dataset
        assert recalls == {dataset.get('filter_empty_relations', False)}


@pytest.mark.parametrize('path', ALL, ids=name_of)
def test_images_are_flipped_unless_predicates_have_sides(path):
    """As there, half of the training images; VRD and GQA name sides."""
    dataset = Config.fromfile(path).train_dataloader.dataset
    while 'dataset' in dataset:  # a wrapper
        dataset = dataset.dataset
    steps = str(dataset.pipeline)
    if 'LoadImageFromFile' not in steps or path.parent.name == 'toy':
        return
    sided = dataset.type == 'VRDDataset'
    assert ('RandomFlip' in steps) != sided


@pytest.mark.parametrize(
    ('name', 'dataset'),
    [
        ('vrd/predcls', VRDDataset),
        ('gqa/predcls', GQA200Dataset),
        ('gqa/sgcls', GQA200Dataset),
        ('gqa/sgdet', GQA200Dataset),
        ('gqa/linknet_boxes', GQA200Dataset),
        ('gqa/mlp_boxes', GQA200Dataset),
        ('gqa/motifs_boxes', GQA200Dataset),
        ('gqa/transformer_boxes', GQA200Dataset),
        ('gqa/vctree_boxes', GQA200Dataset),
        ('detection/faster-rcnn_vgg16_gqa200', GQA200Dataset),
    ],
)
def test_heads_have_the_sizes_of_their_data(name, dataset):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    num_classes, num_predicates = (
        len(dataset.METAINFO[key]) for key in ('classes', 'predicates')
    )
    heads = [cfg.model.get('relation_head')]
    detector = cfg.model.get('detector', cfg.model)
    heads.append(detector.get('roi_head', {}).get('bbox_head'))
    for head in filter(None, heads):
        assert head.num_classes == num_classes
    if heads[0]:
        assert heads[0].num_predicates == num_predicates
    for split in ('train', 'val', 'test'):
        if f'{split}_dataloader' in cfg:
            loader = cfg[f'{split}_dataloader']
            assert loader.dataset.type == dataset.__name__
            # every argument is one of the data set
            DATASETS.build(dict(loader.dataset, lazy_init=True))


@pytest.mark.parametrize(
    'name',
    ['linknet', 'mlp', 'motifs', 'transformer', 'vctree', 'frequency'],
)
def test_heads_of_gqa_train_on_boxes_alone(name):
    cfg = Config.fromfile(CONFIGS / 'gqa' / f'{name}_boxes.py')
    model = MODELS.build(cfg.model)
    samples = [sample_of_vg150(n) for n in (4, 1, 0)]
    losses = model.train().loss(None, samples)
    loss, _ = model.parse_losses(losses)
    if name != 'frequency':
        loss.backward()
    assert loss.isfinite()
    found = model.eval().predict(None, [sample_of_vg150(n) for n in (4, 1)])
    assert [len(sample.pred_relations) for sample in found] == [12, 0]


def bases_of(path):
    """The files of ours that a config inherits from, directly."""
    [found] = re.findall(
        r'^_base_ = (.*?)(?:\n\n|\Z)', path.read_text(), re.S | re.M
    ) or ['[]']
    names = re.findall(r"'([^']+)'", found)
    return [(path.parent / n).resolve() for n in names if '::' not in n]


def depth_of(path):
    return max((1 + depth_of(base) for base in bases_of(path)), default=0)


@pytest.mark.parametrize('path', ALL, ids=name_of)
def test_a_config_is_read_in_a_few_files(path):
    headline = path.parent.name == 'linknet' and '_' not in path.stem
    assert depth_of(path) <= (2 if headline else 3)
    if path.stem in ('predcls', 'sgcls', 'sgdet'):
        files, left = {path}, [path]
        while left:
            new = [base for base in bases_of(left.pop()) if base not in files]
            files.update(new)
            left += new
        assert len(files) <= 8


READ = {
    *('model', 'train_dataloader', 'val_dataloader', 'test_dataloader'),
    *('train_cfg', 'val_cfg', 'test_cfg', 'val_evaluator', 'test_evaluator'),
    *('optim_wrapper', 'param_scheduler', 'auto_scale_lr', 'default_hooks'),
    *('custom_hooks', 'default_scope', 'env_cfg', 'visualizer', 'log_level'),
    *('log_processor', 'load_from', 'resume'),
}


@pytest.mark.parametrize('path', ALL, ids=name_of)
def test_every_key_is_read_by_the_runner(path):
    """So that --cfg-options cannot change one that does nothing."""
    # mmdet's own base of the C4 detector leaves this one
    assert set(Config.fromfile(path)) - {'norm_cfg'} <= READ


@cache
def first_version():
    """The resolved configs of the first version (commit 9c7f8ce)."""
    file = Path(__file__).parent / 'data' / 'configs_first_version.json.gz'
    return json.loads(gzip.decompress(file.read_bytes()))


def with_fewer_samples(part):
    """On VGG16's one map, 2 x 2 samples a bin have become enough."""
    layer = part.get('roi_layer', {})
    one_map = part.get('featmap_strides') == [16]
    if one_map and layer.get('sampling_ratio') == 0:
        layer['sampling_ratio'] = 2 if part['out_channels'] == 512 else 0
    return part


def in_todays_layout(cfg):
    """A model of the first version, its parts where they are now."""
    kept = ('relation_head', 'task', 'freeze_detector', 'given_pairs')
    model = {key: cfg[key] for key in kept if key in cfg}
    if 'relation_head' not in cfg:
        return cfg
    head = dict(cfg['relation_head'])
    head.pop('_scope_', None)
    features = {
        key: head.pop(key)
        for key in (
            'object_roi_extractor',
            'object_head',
            'union_roi_extractor',
            'union_head',
        )
        if key in head
    }
    if features:
        head['features'] = json.loads(
            json.dumps(features), object_hook=with_fewer_samples
        )
    model.update(type='SceneGraphDetector', relation_head=head)
    if cfg['type'] == 'SceneGraphFromBoxes':
        return model | dict(object_source=dict(type='GivenBoxes'))
    detector = {k: v for k, v in cfg.items() if k not in (*kept, 'type')}
    detector['test_cfg'] = dict(detector['test_cfg'])
    selection = detector['test_cfg'].pop('objects')
    source = dict(type='TwoStageObjects', **selection)
    return model | dict(detector=detector, object_source=source)


#: What stands for what the first version named: subclasses, and heads of which
#: the first form is called otherwise now.
SUCCESSORS = {
    'ResumableTrainLoop': 'EpochBasedTrainLoop',
    'AtomicCheckpointHook': 'CheckpointHook',
    'ProductMotifsRelHead': 'MotifsRelHead',
    'GatedTransformerRelHead': 'TransformerRelHead',
}
#: Hooks that stop a run, or let it stop, and else change nothing; and one
#: whose switches are off.
GUARDS = {
    *('resume_fit', 'stop_signal', 'dataset_fit', 'loader_fit', 'finite'),
    'speed',
}


def plain(node, name=None):
    """Lists for tuples, and nothing that says what is so anyway."""
    if isinstance(node, dict):
        silent = {'backend_args': None, 'init_cfg': None}
        if 'proposal_file' in node:  # pickles then
            stem = node['proposal_file'].rpartition('.')[0]
            node = node | dict(proposal_file=stem)
        if name == 'default_hooks':
            node = {k: v for k, v in node.items() if k not in GUARDS}
        return {
            key: SUCCESSORS.get(value, value)
            if key == 'type'
            else plain(value, key)
            for key, value in node.items()
            if not (key in silent and value is silent[key])
        }
    if isinstance(node, (list, tuple)):
        nodes = [plain(value) for value in node]
        if name == 'custom_hooks':  # it counts only where a loss asks for it
            nodes = [n for n in nodes if n['type'] != 'PredicateCountHook']
        return nodes
    return node


def todays_name(old):
    """The config that a config of the first version became."""
    new = re.sub(r'(r101|x101|r50)-fpn', r'\1_fpn', old)
    new = re.sub(r'(/motifs/[a-z]+)\.py', r'\1_product.py', new)
    new = re.sub(r'(/transformer/\w+)\.py', r'\1_gated.py', new)
    new = new.replace('/motifs_sgcls.py', '/motifs_product_sgcls.py')
    return new.replace('/transformer_sgcls.py', '/transformer_gated_sgcls.py')


#: Variants of Motifs that have its new form only.
MOTIFS_VARIANTS = re.compile(r'/motifs.*(_cb-loss|_tde)\.py')


@pytest.mark.parametrize('old', first_version())
def test_configs_are_what_they_were(old):
    new = todays_name(old)
    cfg = Config.fromfile(CONFIGS.parent / new)._cfg_dict.to_dict()
    was = first_version()[old]
    was['model'] = in_todays_layout(was['model'])
    was['optim_wrapper'] = json.loads(
        re.sub(
            r'relation_head\.(object|union)_head',
            r'relation_head.features.\1_head',
            json.dumps(was['optim_wrapper']),
        )
    )
    if 'detector' in was['model']:  # the model was one itself
        cfg['model']['detector'].pop('type')
    given_pairs = was['model'].pop('given_pairs', False)
    assert cfg['model'].pop('given_pairs', False) == given_pairs
    if 'val_evaluator' not in was:  # nothing is validated, none is the best
        for key in ('save_best', 'rule'):
            cfg['default_hooks']['checkpoint'].pop(key)
    keys = READ & set(was) | READ & set(cfg)
    if MOTIFS_VARIANTS.search(old):
        keys.remove('model')
    for key in keys:
        assert plain(cfg.get(key), key) == plain(was.get(key), key), key
