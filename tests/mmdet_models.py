"""A LinkNet head on any detector of mmdet, by its config."""

from copy import deepcopy

import torch
from mmengine.hub import get_config

from mmsgg.registry import MODELS

SIZE = (128, 160)  # of an input image


def detector_cfg(name):
    """The model of a config of mmdet, without pretrained weights."""
    cfg = get_config(f'mmdet::{name}').model
    return without_init(cfg)


def without_init(node):
    """Nothing is downloaded, as nothing calls init_weights; be sure."""
    if isinstance(node, dict):
        node.pop('init_cfg', None)
        for value in node.values():
            without_init(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            without_init(value)
    return node


@torch.no_grad()
def maps_of(cfg):
    """Channels and strides of the feature maps, the finest first."""
    detector = MODELS.build(dict(deepcopy(cfg), _scope_='mmdet')).eval()
    maps = detector.extract_feat(torch.zeros(1, 3, *SIZE))
    maps = sorted(maps, key=lambda level: -level.shape[-1])
    return [(m.shape[1], round(SIZE[1] / m.shape[-1])) for m in maps]


def features_on(maps, channels=16):
    """PairFeatures on all levels that are alike, else on the finest."""
    alike = [stride for width, stride in maps if width == maps[0][0]]
    extractor = dict(
        type='mmdet.SingleRoIExtractor',
        roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=1),
        out_channels=maps[0][0],
        featmap_strides=alike[:4],
    )
    fc67 = dict(type='FC67Head', in_channels=maps[0][0], out_channels=channels)
    return dict(
        object_roi_extractor=extractor,
        object_head=fc67,
        union_roi_extractor=dict(
            type='UnionRoIExtractor', roi_extractor=extractor
        ),
        union_head=fc67,
    )


def num_classes_of(cfg):
    """The classes of a detector, wherever its config says so."""
    head = cfg.get('roi_head', cfg).bbox_head
    head = head[-1] if isinstance(head, list) else head
    return head.get('num_classes', 80)


def model_on(cfg, **kwargs):
    """LinkNet on the detector of a config, for 3 predicates."""
    maps = maps_of(cfg)
    num_classes = num_classes_of(cfg) if 'mask_head' not in cfg else 80
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='SceneGraphDetector',
            detector=dict(cfg, _scope_='mmdet'),
            relation_head=dict(
                type='LinkNetRelHead',
                num_classes=num_classes,
                num_predicates=3,
                features=features_on(maps),
                global_context=dict(
                    type='GlobalContext',
                    in_channels=maps[0][0],
                    out_channels=8,
                    level=0,
                ),
                geometric_layout=dict(type='GeometricLayout', out_channels=8),
                embed_channels=8,
                hidden_channels=16,
            ),
        )
        | kwargs
    )
    # whatever was in the memory, until mmdet's init_weights
    if hasattr(model.detector, 'level_embed'):
        torch.nn.init.normal_(model.detector.level_embed)
    for part in model.detector.modules():
        if type(part).__name__ == 'TridentConv':
            torch.nn.init.kaiming_normal_(part.weight)
    return model
