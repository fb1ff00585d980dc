# EGTR on a small Deformable DETR, 1.9 M weights, that a CPU trains from
# scratch in minutes, for the toy data set.
_base_ = './egtr_deformable-detr_r50.py'

coder = dict(
    self_attn_cfg=dict(embed_dims=128, num_levels=2, dropout=0.0),
    ffn_cfg=dict(
        _delete_=True, embed_dims=128, feedforward_channels=256, ffn_drop=0.0
    ),
)
model = dict(
    detector=dict(
        num_queries=40,
        num_feature_levels=2,
        with_box_refine=True,
        # images of at most 128 pixels, in square batches
        data_preprocessor=dict(pad_size_divisor=128),
        backbone=dict(
            _delete_=True,
            type='ResNet',
            depth=18,
            base_channels=32,
            stem_channels=32,
            num_stages=3,
            out_indices=(1, 2),
            strides=(1, 2, 2),
            dilations=(1, 1, 1),
            norm_eval=False,
        ),
        neck=dict(
            in_channels=[64, 128],
            out_channels=128,
            norm_cfg=dict(num_groups=16),
            num_outs=2,
        ),
        encoder=dict(num_layers=2, layer_cfg=coder),
        decoder=dict(
            num_layers=3,
            layer_cfg=dict(
                self_attn_cfg=dict(
                    _delete_=True, embed_dims=128, num_heads=8, dropout=0.0
                ),
                cross_attn_cfg=coder['self_attn_cfg'],
                ffn_cfg=coder['ffn_cfg'],
            ),
        ),
        positional_encoding=dict(num_feats=64),
        bbox_head=dict(num_classes=12, embed_dims=128),
        test_cfg=dict(max_per_img=40),
    ),
    # each decoder layer has weights of its own
    object_source=dict(loss_layers=None),
    relation_head=dict(
        num_classes=12,
        num_predicates=11,
        embed_dims=128,
        num_layers=3,
        # at this width the published normal of 0.02 all but silences three
        # layers
        init_cfg=dict(type='Xavier', layer='Linear', distribution='uniform'),
    ),
)
del coder
