"""Weights of Scene-Graph-Benchmark's VCTree and PE-Net, there and here.

Beginnings of names: there below ``roi_heads.relation.predictor.``, here in
the relation head; and what is rolled, as background comes first there and
last here: 'rows' by one or two, 'pairs' of classes and predicates of the
frequency bias, 'both' classes of a vector of pairs.
"""

import torch

PREDICTOR = 'roi_heads.relation.predictor.'


def tree_lstm(there, here):
    """Both directions of a tree LSTM of one layer."""
    there = f'{there}.multi_layer_lstm.0.treeLSTM_'
    up, down = f'{there}foreward.treeLSTM.', f'{there}backward.treeLSTM.'
    return [
        (f'{up}px.', f'{here}.upward.px.', None),
        (f'{up}ioffux.', f'{here}.upward.gates_x.', None),
        (f'{up}ioffuh_left.', f'{here}.upward.gates_left.', None),
        (f'{up}ioffuh_right.', f'{here}.upward.gates_right.', None),
        (f'{down}px.', f'{here}.downward.px.', None),
        (f'{down}iofux.', f'{here}.downward.gates_x.', None),
        (f'{down}iofuh.', f'{here}.downward.gates_parent.', None),
    ]


VCTREE = [
    ('context_layer.obj_embed1.', 'object_embedding.', 'rows'),
    ('context_layer.obj_embed2.', 'edge_embedding.', 'rows'),
    ('context_layer.pos_embed.', 'box_embedding.', None),
    ('context_layer.box_embed.', 'tree_scores.box_fc.', None),
    ('context_layer.overlap_embed.', 'tree_scores.overlap_fc.', None),
    ('context_layer.obj_reduce.', 'tree_scores.region_fc.', None),
    ('context_layer.emb_reduce.', 'tree_scores.embed_fc.', None),
    ('context_layer.score_pre.', 'tree_scores.input_fc.', None),
    ('context_layer.score_sub.', 'tree_scores.child_fc.', None),
    ('context_layer.score_obj.', 'tree_scores.parent_fc.', None),
    ('context_layer.vision_prior.', 'tree_scores.vision_fc.', None),
    (
        'context_layer.bi_freq_prior.weight',
        'tree_scores.class_prior',
        'both',
    ),
    *tree_lstm('context_layer.obj_ctx_rnn', 'object_lstm'),
    *tree_lstm('context_layer.edge_ctx_rnn', 'edge_lstm'),
    # its first row stands above the roots, the second one for background
    ('context_layer.decoder_rnn.obj_embed.', 'label_decoder.embedding.',
     'two rows'),
    ('context_layer.decoder_rnn.out.', 'label_decoder.classifier.', 'rows'),
    ('context_layer.decoder_rnn.decoderLSTM.px.', 'label_decoder.lstm.px.',
     None),
    ('context_layer.decoder_rnn.decoderLSTM.iofux.',
     'label_decoder.lstm.gates_x.', None),
    ('context_layer.decoder_rnn.decoderLSTM.iofuh.',
     'label_decoder.lstm.gates_parent.', None),
    ('post_emb.', 'role_fc.', None),
    ('post_cat.', 'gate_fc.', None),
    ('ctx_compress.', 'predicate_fc.', 'rows'),
    ('freq_bias.obj_baseline.', 'frequency_bias.table.', 'pairs'),
]  # fmt: skip
#: Equal to decoder_rnn.obj_embed and .out; and statistics that nothing reads.
VCTREE_SKIPPED = (
    'context_layer.decoder_rnn.decoderLSTM.embed_',
    'context_layer.untreated_',
)


def two_layers(there, here):
    """Two linear layers, the indices between which differ."""
    return [
        (f'{there}.layers.0.', f'{here}.0.', None),
        (f'{there}.layers.1.', f'{here}.3.', None),
    ]


def role(there, here):
    """What makes a subject, or an object, of a pair."""
    return [
        *two_layers(f'W_{there}', f'{here}.word_fc'),
        (f'gate_{there}.', f'{here}.gate_fc.', None),
        (f'linear_{there}.', f'{here}.fc.', None),
        (f'norm_{there}.', f'{here}.norm.', None),
    ]


PENET = [
    ('logit_scale', 'log_scale', None),
    ('obj_embed1.', 'object_embedding.', 'rows'),
    ('obj_embed.', 'edge_embedding.', 'rows'),
    ('rel_embed.', 'predicate_embedding.', 'rows'),
    ('pos_embed.', 'box_embedding.', None),
    ('lin_obj_cyx.', 'object_fc.', None),
    ('out_obj.', 'classifier.', 'rows'),
    ('post_emb.', 'role_fc.', None),
    ('vis2sem.', 'looks_fc.', None),
    *two_layers('down_samp', 'union_fc'),
    *role('sub', 'subject'),
    *role('obj', 'object'),
    ('gate_pred.', 'gate_fc.', None),
    ('linear_rel_rep.', 'relation_fc.', None),
    ('norm_rel_rep.', 'relation_norm.', None),
    *two_layers('W_pred', 'predicate_fc'),
    *two_layers('project_head', 'project_fc'),
]
#: A layer that nothing uses.
PENET_SKIPPED = ('linear_pred.',)


def roll(values, what):
    """Move background from the first place to the last."""
    if what in ('rows', 'two rows'):
        return values.roll(-1 if what == 'rows' else -2, 0)
    if what in ('pairs', 'both'):
        classes = values.shape[0 if what == 'pairs' else 1]
        size = int(classes**0.5)
        dims = (0, 1, 2) if what == 'pairs' else (1, 2)
        cut = (size, size, -1) if what == 'pairs' else (1, size, size)
        rolled = values.reshape(cut).roll([-1] * len(dims), dims)
        return rolled.reshape(values.shape)
    return values


def renamed(weights, rules, skipped):
    """The state dict of our relation head; nothing may be left over."""
    found = {}
    for name, values in weights.items():
        name = name.removeprefix(PREDICTOR)
        if name.startswith(skipped):
            continue
        [(there, here, what)] = [
            rule for rule in rules if name.startswith(rule[0])
        ]
        found[here + name.removeprefix(there)] = roll(
            torch.as_tensor(values), what
        )
    return found
