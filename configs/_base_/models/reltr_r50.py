# RelTR over DETR with ResNet-50, as its authors have it.
attention = dict(embed_dims=256, num_heads=8, dropout=0.1)
ffn = dict(embed_dims=256, feedforward_channels=2048, ffn_drop=0.1)
detector = dict(
    _scope_='mmdet',
    type='mmsgg.EntityDETR',
    num_queries=100,
    num_unused=1,
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=1,
    ),
    backbone=dict(
        type='ResNet',
        depth=50,
        num_stages=4,
        out_indices=(3,),
        frozen_stages=1,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        style='pytorch',
        # torchvision's; by its address it needs no torchvision
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.pytorch.org/models/'
            'resnet50-0676ba61.pth',
        ),
    ),
    neck=dict(
        type='ChannelMapper',
        in_channels=[2048],
        kernel_size=1,
        out_channels=256,
        act_cfg=None,
        norm_cfg=None,
        num_outs=1,
    ),
    encoder=dict(
        num_layers=6, layer_cfg=dict(self_attn_cfg=attention, ffn_cfg=ffn)
    ),
    decoder=dict(
        num_layers=6,
        layer_cfg=dict(
            self_attn_cfg=attention, cross_attn_cfg=attention, ffn_cfg=ffn
        ),
    ),
    positional_encoding=dict(num_feats=128, normalize=True),
    bbox_head=dict(
        type='DETRHead',
        num_classes=150,
        embed_dims=256,
        # its losses are the relation head's
        loss_cls=dict(type='CrossEntropyLoss'),
    ),
    test_cfg=dict(max_per_img=100),
)

model = dict(
    type='SceneGraphDetector',
    task='sgdet',
    detector=detector,
    # the relation head has the losses of the entities, too
    object_source=dict(type='QueryObjects', loss_layers=0),
    relation_head=dict(
        type='RelTRRelHead',
        num_classes=150,
        num_predicates=50,
        num_unused=1,
        decoder=dict(
            num_triplets=200,
            num_layers=6,
            embed_dims=256,
            num_heads=8,
            feedforward_channels=2048,
            dropout=0.1,
        ),
    ),
    freeze_detector=False,
)
del attention, ffn, detector
