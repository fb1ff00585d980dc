"""Every config builds; the full-size ones take a step on a small image."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmsgg.datasets import GQA200Dataset, VRDDataset
from mmsgg.registry import DATASETS, MODELS, TASK_UTILS
from mmsgg.structures import SGDataSample

CONFIGS = Path(__file__).parents[1] / 'configs'
FULL = sorted((CONFIGS / 'detection').glob('*.py')) + sorted(
    (CONFIGS / 'linknet').glob('*.py')
)
TOY = sorted((CONFIGS / 'toy').glob('*.py'))
HEIGHT, WIDTH = 64, 96
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
        'relation_head.object_roi_extractor.out_channels': 256,
        'relation_head.object_head.depth': 18,
        'relation_head.union_roi_extractor.roi_extractor.out_channels': 256,
        'relation_head.union_head.depth': 18,
        'relation_head.global_context.in_channels': 256,
    },
    'x101-fpn': {'backbone.depth': 50},
    'cascade-rcnn_r50-fpn': {
        'backbone.depth': 18,
        'neck.in_channels': [64, 128, 256, 512],
    },
}


def small_model(path):
    """The model of a config, made for small images and few boxes."""
    cfg = Config.fromfile(path)
    has_head = 'relation_head' in cfg.model
    for name, options in NARROW.items():
        if name in path.stem:
            cfg.merge_from_dict(
                {
                    f'model.{key}': value
                    for key, value in options.items()
                    if has_head or not key.startswith('relation_head.')
                }
            )
    model = cfg.model
    model.data_preprocessor.pad_size_divisor = 32
    if model.get('rpn_head'):
        model.test_cfg.rpn.max_per_img = 20
        model.train_cfg.rpn_proposal.max_per_img = 20
    stages = model.train_cfg.rcnn
    for stage in stages if isinstance(stages, list) else [stages]:
        stage.sampler.num = 16
    if has_head:
        # an untrained detector is sure of nothing
        model.test_cfg.objects.update(score_thr=0.0, max_per_img=6)
    return model


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
            img_shape=(HEIGHT, WIDTH),
            ori_shape=(HEIGHT, WIDTH),
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
    images = [torch.randint(255, (3, HEIGHT, WIDTH), dtype=torch.uint8)] * 2
    samples = [sample_of_vg150(4), sample_of_vg150(1)]
    for sample in samples if with_proposals else ():
        sample.proposals = InstanceData(bboxes=sample.gt_instances.bboxes)
    return dict(inputs=images, data_samples=samples)


@pytest.mark.parametrize('path', FULL, ids=name_of)
def test_vg150_config_trains_and_predicts(path):
    cfg = small_model(path)
    torch.manual_seed(0)
    model = MODELS.build(cfg).train()
    outside = not model.with_rpn
    data = model.data_preprocessor(batch(outside), True)
    loss, _ = model.parse_losses(model(**data, mode='loss'))
    assert loss.isfinite()
    loss.backward()
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
        assert sizes[0] > 1 and len(predictions[0].pred_relations)


@pytest.mark.parametrize('path', TOY, ids=name_of)
def test_toy_config_builds(path):
    cfg = Config.fromfile(path)
    model = MODELS.build(cfg.model)
    assert sum(p.numel() for p in model.parameters()) < 1e7
    assert cfg.default_scope == 'mmsgg'


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
    cfg = Config.fromfile(path)
    pipeline = cfg.train_dataloader.dataset.pipeline
    steps = str(pipeline)
    if 'LoadImageFromFile' not in steps or path.parent.name == 'toy':
        return
    sided = cfg.train_dataloader.dataset.type == 'VRDDataset'
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
        ('detection/faster-rcnn_vgg16_gqa200', GQA200Dataset),
    ],
)
def test_heads_have_the_sizes_of_their_data(name, dataset):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    num_classes, num_predicates = (
        len(dataset.METAINFO[key]) for key in ('classes', 'predicates')
    )
    heads = [cfg.model.get('relation_head')]
    heads.append(cfg.model.get('roi_head', {}).get('bbox_head'))
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
    'name', ['linknet', 'mlp', 'motifs', 'transformer', 'frequency']
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
