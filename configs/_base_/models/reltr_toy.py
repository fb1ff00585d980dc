# RelTR, narrowed to what a CPU trains in minutes on the toy data set: on the
# backbone of configs/toy/faster-rcnn_r18.py, which stays as it is, at stride
# 16.
attention = dict(embed_dims=128, num_heads=8, dropout=0.0)
ffn = dict(embed_dims=128, feedforward_channels=256, ffn_drop=0.0)
detector = dict(
    _scope_='mmdet',
    type='mmsgg.EntityDETR',
    num_queries=16,
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=128,
    ),
    backbone=dict(
        type='ResNet',
        depth=18,
        base_channels=32,
        stem_channels=32,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(2,),
        frozen_stages=3,
        norm_eval=True,
    ),
    neck=dict(
        type='ChannelMapper',
        in_channels=[128],
        kernel_size=1,
        out_channels=128,
        act_cfg=None,
        norm_cfg=None,
        num_outs=1,
    ),
    encoder=dict(
        num_layers=2, layer_cfg=dict(self_attn_cfg=attention, ffn_cfg=ffn)
    ),
    decoder=dict(
        num_layers=2,
        layer_cfg=dict(
            self_attn_cfg=attention, cross_attn_cfg=attention, ffn_cfg=ffn
        ),
    ),
    # a low temperature: there are 8 x 8 places
    positional_encoding=dict(num_feats=64, normalize=True, temperature=20),
    bbox_head=dict(
        type='DETRHead',
        num_classes=12,
        embed_dims=128,
        # its losses are the relation head's
        loss_cls=dict(type='CrossEntropyLoss'),
    ),
    test_cfg=dict(max_per_img=16),
)

model = dict(
    type='SceneGraphDetector',
    task='sgdet',
    detector=detector,
    object_source=dict(type='QueryObjects', loss_layers=0),
    relation_head=dict(
        type='RelTRRelHead',
        num_classes=12,
        num_predicates=11,
        decoder=dict(
            num_triplets=16,
            num_layers=2,
            embed_dims=128,
            num_heads=8,
            feedforward_channels=256,
            dropout=0.0,
        ),
        map_channels=(16, 8, 64, 32),
    ),
    freeze_detector=False,
)
del attention, ffn, detector
