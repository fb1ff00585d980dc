"""Reading what EGTR gave, and the model that is to give the same."""

import json

import numpy as np
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample

from ..folders import REFERENCE
from ..scripts import load_tool
from ..test_configs import CONFIGS, merged

CONFIG = CONFIGS / '_base_/models/egtr_deformable-detr_r50.py'


def read():
    """All arrays of the file, by key, and its sizes."""
    with np.load(REFERENCE / 'detr/egtr.npz') as file:
        arrays = {
            key: torch.from_numpy(file[key])
            for key in file.files
            if file[key].dtype.kind != 'U'
        }
        return arrays, json.loads(str(file['meta/json']))


def part(arrays, prefix):
    """The arrays under a prefix, by what follows it."""
    return {
        key.removeprefix(prefix): values
        for key, values in arrays.items()
        if key.startswith(prefix)
    }


def build(arrays, sizes, **head):
    """The published model in the sizes of the file, with its weights."""
    width = sizes['d_model']
    attention = {
        'embed_dims': width,
        'num_levels': sizes['num_feature_levels'],
    }
    deformable = dict(
        attention, num_heads=sizes['heads'], num_points=sizes['n_points']
    )
    options = {
        'num_queries': sizes['num_queries'],
        'num_feature_levels': sizes['num_feature_levels'],
        # it is passed over: the file begins with its maps
        'backbone.depth': 18,
        'backbone.init_cfg': None,
        'neck.in_channels': [
            arrays[f'input/c{i}'].shape[1] for i in (3, 4, 5)
        ],
        'neck.out_channels': width,
        'neck.norm_cfg.num_groups': sizes['group_norm_groups'],
        'encoder.num_layers': sizes['encoder_layers'],
        'encoder.layer_cfg.self_attn_cfg': deformable,
        'decoder.num_layers': sizes['decoder_layers'],
        'decoder.layer_cfg.self_attn_cfg.embed_dims': width,
        'decoder.layer_cfg.self_attn_cfg.num_heads': sizes['heads'],
        'decoder.layer_cfg.cross_attn_cfg': deformable,
        'positional_encoding.num_feats': width // 2,
        'bbox_head.embed_dims': width,
        'bbox_head.num_classes': sizes['num_classes'],
    }
    for coder in ('encoder', 'decoder'):
        ffn = f'{coder}.layer_cfg.ffn_cfg'
        options[f'{ffn}.embed_dims'] = width
        options[f'{ffn}.feedforward_channels'] = sizes['ffn']
    cfg = Config.fromfile(CONFIG).model
    cfg.detector = merged(cfg.detector, options)
    cfg.relation_head.update(
        num_classes=sizes['num_classes'],
        num_predicates=sizes['num_predicates'],
        embed_dims=width,
        num_layers=sizes['decoder_layers'],
        smoothing=sizes['smoothing'],
        **head,
    )
    model = MODELS.build(cfg).eval()
    convert = load_tool('model_converters/egtr_to_mmsgg').convert
    weights = convert(part(arrays, 'state_dict/')).state_dict
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected
    assert all(key.startswith('detector.backbone.') for key in missing)
    return model


def samples(arrays):
    """The images, with their ground truth in input-image pixels."""
    shapes = arrays['input/img_shapes'].tolist()
    originals = arrays['input/ori_shapes'].tolist()
    found = []
    for i, (shape, original) in enumerate(zip(shapes, originals, strict=True)):
        height, width = shape
        target = part(arrays, f'target/{i}/')
        centres, extents = target['boxes'].chunk(2, dim=1)
        boxes = torch.cat([centres - extents / 2, centres + extents / 2], 1)
        triplets = target['relations']
        sample = SGDataSample(
            metainfo=dict(
                img_shape=(height, width),
                ori_shape=tuple(original),
                batch_input_shape=tuple(arrays['input/pixel_mask'].shape[1:]),
                scale_factor=(width / original[1], height / original[0]),
            )
        )
        sample.gt_instances = InstanceData(
            bboxes=boxes * torch.tensor([width, height] * 2),
            labels=target['class_labels'],
        )
        sample.gt_relations = InstanceData(
            pairs=triplets[:, :2], labels=triplets[:, 2]
        )
        found.append(sample)
    return found


def maps(model, arrays):
    """The maps of the neck, of the backbone's maps in the file."""
    return model.detector.neck(tuple(arrays[f'input/c{i}'] for i in (3, 4, 5)))
