"""Relation-head weights of linknet-pytorch under the names used here.

Background comes first there and last here.
"""

import torch
from torch import Tensor

PREFIXES = {
    'context.RE1.': 'object_block1.',
    'context.RE2.': 'object_block2.',
    'context.RE3.': 'edge_block1.',
    'context.RE4.': 'edge_block2.',
    'roi_fmap_obj.': 'object_head.',
    'roi_fmap.1.': 'union_head.',
    'union_boxes.conv.': 'union_roi_extractor.drawing.',
    'pos_embed.0.': 'geometric_layout.norm.',
    'pos_embed.1.': 'geometric_layout.fc.',
    'rel_compress.': 'predicate_fc.',
    'GCE.multi_score_fc.': 'global_context.classifier.',
    'context.obj_embed.': 'object_embedding.',
    'context.obj_embed2.': 'edge_embedding.',
    'freq_bias.obj_baseline.': 'frequency_bias.table.',
}
BACKGROUND_FIRST = (
    'context.RE2.fc1.',
    'rel_compress.',
    'GCE.multi_score_fc.',
    'context.obj_embed.',
)


def convert_head(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the weights and move background last."""
    out = {}
    for key, value in state_dict.items():
        prefix = next(p for p in PREFIXES if key.startswith(p))
        if prefix in BACKGROUND_FIRST or key.startswith(BACKGROUND_FIRST):
            value = value.roll(-1, dims=0)
        elif prefix == 'context.obj_embed2.':
            value = value[1:]
        elif prefix == 'freq_bias.obj_baseline.':
            size = round(len(value) ** 0.5)
            value = value.reshape(size, size, -1)[1:, 1:].flatten(0, 1)
            value = value.roll(-1, dims=1)
        out[PREFIXES[prefix] + key.removeprefix(prefix)] = value
    return out


def first_to_last(values: Tensor) -> Tensor:
    """Move background from the first column to the last."""
    return torch.roll(values, -1, dims=1)
