"""Whether converted weights fit the model of a config."""

import torch
from mmdet.registry import TASK_UTILS
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from torch import Tensor

from mmsgg.registry import MODELS

from .linknet_pytorch import ConvertedWeights


def check_weights(weights: ConvertedWeights, model: ConfigDict) -> None:
    """Make sure that a model can load the weights strictly.

    Args:
        weights: Converted weights, of a detector alone or of a relation
            model. Parts of the model of which they hold nothing are passed
            over.
        model: Config of the model; it is built without memory for weights.

    Raises:
        ValueError: If something is missing, is too much or has another shape,
            naming it as the checkpoint and as the model do.
    """
    if not any(k.startswith('relation_head.') for k in weights.state_dict):
        model = model.get('detector', model)
    with DefaultScope.overwrite_default_scope('mmsgg'), torch.device('meta'):
        expected = MODELS.build(model).state_dict()
    parts = {key.partition('.')[0] for key in weights.state_dict}
    problems = [
        f'{key} of the model is not in the checkpoint'
        for key in expected
        if key.partition('.')[0] in parts and key not in weights.state_dict
    ]
    for key, values in weights.state_dict.items():
        source = weights.sources[key]
        if key not in expected:
            problems.append(
                f'the model has no {key}, which is made of {source}'
            )
        elif values.shape != expected[key].shape:
            problems.append(
                f'{source} makes {key} of shape {tuple(values.shape)}, the '
                f'model has {tuple(expected[key].shape)}'
            )
    if problems:
        raise ValueError('\n  '.join(['the weights do not fit:', *problems]))


def check_anchors(
    anchors: Tensor, generator: ConfigDict, tolerance: float = 1e-2
) -> None:
    """Compare the anchors of a checkpoint with those of a config.

    Args:
        anchors: (H, W, A, 4), input-image pixels.
        generator: Config of the anchor generator.
        tolerance: In pixels.

    Raises:
        ValueError: If they are others.
    """
    # the scope of a config's RPN head
    with DefaultScope.overwrite_default_scope('mmdet'):
        generator = TASK_UTILS.build(generator)
    height, width = anchors.shape[:2]
    [expected] = generator.grid_priors([(height, width)], device='cpu')
    expected = expected.reshape(height, width, -1, 4)
    if anchors.shape != expected.shape:
        raise ValueError(
            f'the checkpoint has anchors of shape {tuple(anchors.shape)}, the '
            f'model of shape {tuple(expected.shape)}'
        )
    distance = (anchors - expected).abs().max().item()
    if distance > tolerance:
        raise ValueError(
            f'the anchors of the checkpoint are up to {distance:.2f} pixels '
            f"away from the model's: other ratios, scales or order"
        )
