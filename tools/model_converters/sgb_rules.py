"""Which weight of Scene-Graph-Benchmark is which of ours: a table a method.

Background is the first class and the first predicate there, and the last one
here. Names of rules are beginnings of names of weights.
"""

from collections.abc import Callable
from math import isqrt
from typing import NamedTuple

import torch
from torch import Tensor


def _all_kept(values: Tensor) -> Tensor | None:
    """Leave nothing out."""
    return None


class Operation(NamedTuple):
    """What happens to the values of a weight.

    ``backward`` undoes ``forward``: it gets the values, and of a weight of
    which ``forward`` left a part out that part, as ``rest`` gave it, or None;
    it returns the values there, and whether they are whole.
    """

    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor | None], tuple[Tensor, bool]]
    rest: Callable[[Tensor], Tensor | None] = _all_kept


class Rule(NamedTuple):
    """A weight and its name there and here."""

    there: str
    here: str
    operation: Operation


class Unused(NamedTuple):
    """A weight that nothing reads, kept for the way back."""

    there: str
    why: str


class Duplicate(NamedTuple):
    """A weight that is there twice, under another name."""

    there: str
    of: str


class Kind(NamedTuple):
    """What checkpoints of one kind hold beside their detector.

    Attributes:
        config: Of the model that holds the weights, below ``configs/``.
        signs: Weights of the predictor by which the kind is told.
        rules: From names there to names in our relation head.
    """

    config: str
    signs: tuple[str, ...]
    rules: tuple[Rule, ...]
    unused: tuple[Unused, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()


def _pairs(values: Tensor) -> Tensor:
    """View the rows (C^2, ...) of pairs of classes as (C, C, ...)."""
    return values.unflatten(0, (isqrt(len(values)), -1))


def _roll_pairs(values: Tensor, step: int) -> Tensor:
    """Roll both classes, and the predicates, of a table (C^2, P)."""
    return _pairs(values).roll([step] * 3, dims=(0, 1, 2)).flatten(0, 1)


def _roll_both(values: Tensor, step: int) -> Tensor:
    """Roll both classes of a vector (..., C^2)."""
    size = isqrt(values.shape[-1])
    pairs = values.unflatten(-1, (size, -1))
    return pairs.roll([step] * 2, dims=(-2, -1)).flatten(-2)


def _with_background_box(
    values: Tensor, background: Tensor | None
) -> tuple[Tensor, bool]:
    """Put the four rows of background before those of the classes."""
    rows = torch.zeros_like(values[:4]) if background is None else background
    return torch.cat([rows, values]), background is not None


KEEP = Operation(lambda v: v, lambda v, _: (v, True))
#: Background, the first row, becomes the last one.
ROLL = Operation(
    lambda v: v.roll(-1, dims=0), lambda v, _: (v.roll(1, dims=0), True)
)
#: Two rows before those of the classes come last, in their order.
ROLL_TWO = Operation(
    lambda v: v.roll(-2, dims=0), lambda v, _: (v.roll(2, dims=0), True)
)
#: A convolution over single objects, which is a linear layer.
POINTWISE = Operation(
    lambda v: v.squeeze(2), lambda v, _: (v.unsqueeze(2), True)
)
#: A table with a row for each two classes and a column for each predicate.
ROLL_PAIRS = Operation(
    lambda v: _roll_pairs(v, -1), lambda v, _: (_roll_pairs(v, 1), True)
)
#: A vector, or rows, with a value for each two classes.
ROLL_BOTH = Operation(
    lambda v: _roll_both(v, -1), lambda v, _: (_roll_both(v, 1), True)
)
#: The box of background is left out.
DROP_BACKGROUND_BOX = Operation(
    lambda v: v[4:].clone(), _with_background_box, lambda v: v[:4].clone()
)

MAX_LAYERS = 12  # of a transformer
_BOX = 'roi_heads.box.'
_BBOX_HEAD = 'roi_head.bbox_head.'
DETECTOR = Kind(
    config='sgb/faster-rcnn_x101-32x8d_fpn.py',
    signs=(),
    rules=(
        Rule('backbone.body.stem.conv1.', 'backbone.conv1.', KEEP),
        Rule('backbone.body.stem.bn1.', 'backbone.bn1.', KEEP),
        Rule('backbone.body.layer', 'backbone.layer', KEEP),
        *(
            Rule(f'backbone.fpn.fpn_{there}{i + 1}.', f'neck.{here}.{i}.conv.',
                 KEEP)
            for there, here in (
                ('inner', 'lateral_convs'), ('layer', 'fpn_convs')
            )
            for i in range(4)
        ),
        Rule('rpn.head.conv.', 'rpn_head.rpn_conv.', KEEP),
        Rule('rpn.head.cls_logits.', 'rpn_head.rpn_cls.', KEEP),
        Rule('rpn.head.bbox_pred.', 'rpn_head.rpn_reg.', KEEP),
        Rule(f'{_BOX}feature_extractor.fc6.', f'{_BBOX_HEAD}shared_fcs.0.',
             KEEP),
        Rule(f'{_BOX}feature_extractor.fc7.', f'{_BBOX_HEAD}shared_fcs.1.',
             KEEP),
        Rule(f'{_BOX}predictor.cls_score.', f'{_BBOX_HEAD}fc_cls.', ROLL),
        Rule(f'{_BOX}predictor.bbox_pred.', f'{_BBOX_HEAD}fc_reg.',
             DROP_BACKGROUND_BOX),
    ),
    unused=(
        Unused('rpn.anchor_generator.cell_anchors.',
               'equal to those of the config'),
    ),
)  # fmt: skip

#: What all relation heads see of objects and pairs.
_RELATION = 'roi_heads.relation.'
_UNION = f'{_RELATION}union_feature_extractor.'
_POOLER = f'{_UNION}feature_extractor.pooler.'
FEATURES = (
    Rule(f'{_RELATION}box_feature_extractor.fc6.', 'features.object_head.0.',
         KEEP),
    Rule(f'{_RELATION}box_feature_extractor.fc7.', 'features.object_head.3.',
         KEEP),
    Rule(f'{_UNION}feature_extractor.fc6.', 'features.union_head.0.', KEEP),
    Rule(f'{_UNION}feature_extractor.fc7.', 'features.union_head.3.', KEEP),
    Rule(f'{_POOLER}reduce_channel.0.',
         'features.union_roi_extractor.roi_extractor.reduce.conv.', KEEP),
    Rule(f'{_UNION}rect_conv.', 'features.union_roi_extractor.drawing.',
         KEEP),
)  # fmt: skip

_PREDICTOR = f'{_RELATION}predictor.'
_CONTEXT = f'{_PREDICTOR}context_layer.'
#: What all predictors with a context hold, but PE-Net.
CONTEXT = (
    *FEATURES,
    Rule(f'{_CONTEXT}obj_embed1.', 'object_embedding.', ROLL),
    Rule(f'{_CONTEXT}obj_embed2.', 'edge_embedding.', ROLL),
    Rule(f'{_PREDICTOR}post_emb.', 'role_fc.', KEEP),
    Rule(f'{_PREDICTOR}freq_bias.obj_baseline.', 'frequency_bias.table.',
         ROLL_PAIRS),
)  # fmt: skip
_MOTIFS_CONTEXT = (
    *CONTEXT,
    Rule(f'{_CONTEXT}pos_embed.', 'box_embedding.', KEEP),
    Rule(f'{_CONTEXT}obj_ctx_rnn.', 'object_lstm.', KEEP),
    Rule(f'{_CONTEXT}lin_obj_h.', 'object_fc.', KEEP),
    Rule(f'{_CONTEXT}decoder_rnn.obj_embed.', 'label_decoder.embedding.',
         ROLL_TWO),
    Rule(f'{_CONTEXT}decoder_rnn.input_linearity.',
         'label_decoder.cell.input_fc.', KEEP),
    Rule(f'{_CONTEXT}decoder_rnn.state_linearity.',
         'label_decoder.cell.state_fc.', KEEP),
    Rule(f'{_CONTEXT}decoder_rnn.out_obj.', 'label_decoder.classifier.',
         ROLL),
    Rule(f'{_CONTEXT}edge_ctx_rnn.', 'edge_lstm.', KEEP),
    Rule(f'{_CONTEXT}lin_edge_h.', 'edge_fc.', KEEP),
)  # fmt: skip
MOTIFS = Kind(
    config='sgb/motifs_sgdet.py',
    signs=('post_cat.weight', 'context_layer.lin_obj_h.weight'),
    rules=(
        *_MOTIFS_CONTEXT,
        Rule(f'{_PREDICTOR}post_cat.', 'gate_fc.', KEEP),
        Rule(f'{_PREDICTOR}rel_compress.', 'predicate_fc.', ROLL),
    ),
    unused=(Unused(f'{_CONTEXT}untreated_', 'read by causal models alone'),),
)
CAUSAL_MOTIFS = Kind(
    config='sgb/causal-motifs_sgdet.py',
    signs=('spt_emb.0.weight', 'context_layer.lin_obj_h.weight'),
    rules=(
        *_MOTIFS_CONTEXT,
        Rule(f'{_PREDICTOR}post_cat.0.', 'gate_fc.', KEEP),
        Rule(f'{_PREDICTOR}spt_emb.', 'layout_fc.', KEEP),
        Rule(f'{_PREDICTOR}ctx_compress.', 'predicate_fc.', ROLL),
        Rule(f'{_PREDICTOR}vis_compress.', 'union_predicate_fc.', ROLL),
        Rule(f'{_PREDICTOR}untreated_spt', 'mean_layout', KEEP),
        Rule(f'{_PREDICTOR}avg_post_ctx', 'mean_gates', KEEP),
        Rule(f'{_PREDICTOR}untreated_feat', 'mean_unions', KEEP),
        Rule(f'{_CONTEXT}untreated_dcd_feat', 'mean_context', KEEP),
        Rule(f'{_CONTEXT}untreated_obj_feat', 'mean_inputs', KEEP),
        Rule(f'{_CONTEXT}untreated_edg_feat', 'mean_words', KEEP),
    ),
    unused=(Unused(f'{_PREDICTOR}untreated_conv_spt', 'never set'),),
)
#: Both encoders of the transformer, layer by layer.
_LAYER = {
    'slf_attn.w_qs.': ('query_fc.', KEEP),
    'slf_attn.w_ks.': ('key_fc.', KEEP),
    'slf_attn.w_vs.': ('value_fc.', KEEP),
    'slf_attn.fc.': ('out_fc.', KEEP),
    'slf_attn.layer_norm.': ('norm1.', KEEP),
    'pos_ffn.w_1.weight': ('linear1.weight', POINTWISE),
    'pos_ffn.w_1.bias': ('linear1.bias', KEEP),
    'pos_ffn.w_2.weight': ('linear2.weight', POINTWISE),
    'pos_ffn.w_2.bias': ('linear2.bias', KEEP),
    'pos_ffn.layer_norm.': ('norm2.', KEEP),
}
TRANSFORMER = Kind(
    config='sgb/transformer_sgdet.py',
    signs=('post_cat.weight', 'context_layer.lin_obj.weight'),
    rules=(
        *CONTEXT,
        Rule(f'{_CONTEXT}bbox_embed.', 'box_embedding.', KEEP),
        Rule(f'{_CONTEXT}lin_obj.', 'object_encoder.fc.', KEEP),
        Rule(f'{_CONTEXT}lin_edge.', 'edge_encoder.fc.', KEEP),
        Rule(f'{_CONTEXT}out_obj.', 'classifier.', ROLL),
        *(
            Rule(f'{_CONTEXT}context_{there}.layer_stack.{i}.{part}',
                 f'{here}_encoder.layers.{i}.{name}', operation)
            for there, here in (('obj', 'object'), ('edge', 'edge'))
            for i in range(MAX_LAYERS)
            for part, (name, operation) in _LAYER.items()
        ),
        Rule(f'{_PREDICTOR}post_cat.', 'gate_fc.', KEEP),
        Rule(f'{_PREDICTOR}rel_compress.', 'predicate_fc.', ROLL),
        Rule(f'{_PREDICTOR}ctx_compress.', 'role_predicate_fc.', ROLL),
    ),
)  # fmt: skip

#: Of both tree LSTMs: a layer there, and here.
_TREE_LSTM = {
    'foreward.treeLSTM.px.': 'upward.px.',
    'foreward.treeLSTM.ioffux.': 'upward.gates_x.',
    'foreward.treeLSTM.ioffuh_left.': 'upward.gates_left.',
    'foreward.treeLSTM.ioffuh_right.': 'upward.gates_right.',
    'backward.treeLSTM.px.': 'downward.px.',
    'backward.treeLSTM.iofux.': 'downward.gates_x.',
    'backward.treeLSTM.iofuh.': 'downward.gates_parent.',
}
_DECODER = f'{_CONTEXT}decoder_rnn.'
VCTREE = Kind(
    config='sgb/vctree_sgdet.py',
    signs=('post_cat.weight', 'context_layer.bi_freq_prior.weight'),
    rules=(
        *CONTEXT,
        Rule(f'{_CONTEXT}pos_embed.', 'box_embedding.', KEEP),
        Rule(f'{_CONTEXT}box_embed.', 'tree_scores.box_fc.', KEEP),
        Rule(f'{_CONTEXT}overlap_embed.', 'tree_scores.overlap_fc.', KEEP),
        Rule(f'{_CONTEXT}obj_reduce.', 'tree_scores.region_fc.', KEEP),
        Rule(f'{_CONTEXT}emb_reduce.', 'tree_scores.embed_fc.', KEEP),
        Rule(f'{_CONTEXT}score_pre.', 'tree_scores.input_fc.', KEEP),
        Rule(f'{_CONTEXT}score_sub.', 'tree_scores.child_fc.', KEEP),
        Rule(f'{_CONTEXT}score_obj.', 'tree_scores.parent_fc.', KEEP),
        Rule(f'{_CONTEXT}vision_prior.', 'tree_scores.vision_fc.', KEEP),
        Rule(f'{_CONTEXT}bi_freq_prior.weight', 'tree_scores.class_prior',
             ROLL_BOTH),
        *(
            Rule(f'{_CONTEXT}{there}_ctx_rnn.multi_layer_lstm.0.treeLSTM_'
                 f'{layer}', f'{here}_lstm.{name}', KEEP)
            for there, here in (('obj', 'object'), ('edge', 'edge'))
            for layer, name in _TREE_LSTM.items()
        ),
        Rule(f'{_DECODER}obj_embed.', 'label_decoder.embedding.', ROLL_TWO),
        Rule(f'{_DECODER}out.', 'label_decoder.classifier.', ROLL),
        Rule(f'{_DECODER}decoderLSTM.px.', 'label_decoder.lstm.px.', KEEP),
        Rule(f'{_DECODER}decoderLSTM.iofux.', 'label_decoder.lstm.gates_x.',
             KEEP),
        Rule(f'{_DECODER}decoderLSTM.iofuh.',
             'label_decoder.lstm.gates_parent.', KEEP),
        Rule(f'{_PREDICTOR}post_cat.', 'gate_fc.', KEEP),
        Rule(f'{_PREDICTOR}ctx_compress.', 'predicate_fc.', ROLL),
    ),
    unused=(Unused(f'{_CONTEXT}untreated_', 'read by causal models alone'),),
    duplicates=(
        Duplicate(f'{_DECODER}decoderLSTM.embed_layer.',
                  f'{_DECODER}obj_embed.'),
        Duplicate(f'{_DECODER}decoderLSTM.embed_out_layer.',
                  f'{_DECODER}out.'),
    ),
)  # fmt: skip
#: Two layers with a ReLU between them, and here a dropout.
_TWO_LAYERS = {'layers.0.': '0.', 'layers.1.': '3.'}
PENET = Kind(
    config='sgb/penet_sgdet.py',
    signs=('logit_scale', 'rel_embed.weight'),
    rules=(
        *FEATURES,
        Rule(f'{_PREDICTOR}logit_scale', 'log_scale', KEEP),
        Rule(f'{_PREDICTOR}obj_embed1.', 'object_embedding.', ROLL),
        Rule(f'{_PREDICTOR}obj_embed.', 'edge_embedding.', ROLL),
        Rule(f'{_PREDICTOR}rel_embed.', 'predicate_embedding.', ROLL),
        Rule(f'{_PREDICTOR}pos_embed.', 'box_embedding.', KEEP),
        Rule(f'{_PREDICTOR}lin_obj_cyx.', 'object_fc.', KEEP),
        Rule(f'{_PREDICTOR}out_obj.', 'classifier.', ROLL),
        # the object's half comes first, on both sides
        Rule(f'{_PREDICTOR}post_emb.', 'role_fc.', KEEP),
        Rule(f'{_PREDICTOR}vis2sem.', 'looks_fc.', KEEP),
        *(
            Rule(f'{_PREDICTOR}{there}.{layer}', f'{here}.{name}', KEEP)
            for there, here in (
                ('W_sub', 'subject.word_fc'), ('W_obj', 'object.word_fc'),
                ('W_pred', 'predicate_fc'), ('down_samp', 'union_fc'),
                ('project_head', 'project_fc'),
            )
            for layer, name in _TWO_LAYERS.items()
        ),
        *(
            Rule(f'{_PREDICTOR}{layer}_{there}.', f'{here}.{name}.', KEEP)
            for there, here in (('sub', 'subject'), ('obj', 'object'))
            for layer, name in (
                ('gate', 'gate_fc'), ('linear', 'fc'), ('norm', 'norm')
            )
        ),
        Rule(f'{_PREDICTOR}gate_pred.', 'gate_fc.', KEEP),
        Rule(f'{_PREDICTOR}linear_rel_rep.', 'relation_fc.', KEEP),
        Rule(f'{_PREDICTOR}norm_rel_rep.', 'relation_norm.', KEEP),
    ),
    unused=(Unused(f'{_PREDICTOR}linear_pred.', 'nothing calls it'),),
)  # fmt: skip

KINDS = dict(
    detector=DETECTOR,
    motifs=MOTIFS,
    causal_motifs_sum=CAUSAL_MOTIFS,
    transformer=TRANSFORMER,
    vctree=VCTREE,
    penet=PENET,
)
