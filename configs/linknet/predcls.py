# Evaluated with the checkpoint of sgcls.py: it is the same model, to which
# the classes are given.
_base_ = [
    '../_base_/models/faster-rcnn_vgg16.py',
    '../_base_/datasets/vg150_relation.py',
    '../_base_/schedules/sgd_plateau.py',
    '../_base_/default_runtime.py',
]

fc67 = dict(type='FC67Head', in_channels=512, out_channels=4096)
roi_extractor = dict(
    type='mmdet.SingleRoIExtractor',
    roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0),
    out_channels=512,
    featmap_strides=[16],
)
model = dict(
    type='SceneGraphRCNN',
    task='predcls',
    freeze_detector=True,
    relation_head=dict(
        type='LinkNetRelHead',
        num_classes=150,
        num_predicates=50,
        sampler=dict(type='RelationSampler', num=256, pos_fraction=0.25),
        object_roi_extractor=roi_extractor,
        object_head=fc67,
        union_roi_extractor=dict(
            type='UnionRoIExtractor', roi_extractor=roi_extractor
        ),
        union_head=dict(fc67, last_relu=False),
        global_context=dict(
            type='GlobalContext', in_channels=512, out_channels=512
        ),
        geometric_layout=dict(
            type='GeometricLayout', out_channels=128, dropout=0.1
        ),
        frequency_bias=True,
        embed_channels=200,
        hidden_channels=256,
    ),
    test_cfg=dict(
        objects=dict(
            score_thr=0.01,
            nms=dict(type='nms', iou_threshold=0.3),
            max_per_img=64,
        )
    ),
)

# fc6 and fc7 start from the detector's, so they move slowly
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'relation_head.object_head': dict(lr_mult=0.1),
            'relation_head.union_head': dict(lr_mult=0.1),
        }
    )
)
param_scheduler = [
    dict(
        type='ReduceOnPlateauLR',
        monitor='R@100',
        rule='greater',
        factor=0.1,
        patience=3,
        by_epoch=True,
    )
]
default_hooks = dict(checkpoint=dict(save_best='R@100', rule='greater'))
custom_hooks = [dict(type='FrequencyBiasHook', must_overlap=True)]
