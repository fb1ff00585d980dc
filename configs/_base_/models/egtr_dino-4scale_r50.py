# EGTR on DINO, with fewer queries: each pair of them is judged.
_base_ = './linknet_dino-4scale_r50.py'

model = dict(
    detector=dict(
        num_queries=200,
        data_preprocessor=dict(pad_size_divisor=1),
        test_cfg=dict(max_per_img=100),
    ),
    object_source=dict(_delete_=True, type='QueryObjects'),
    relation_head=dict(
        _delete_=True,
        type='EGTRRelHead',
        num_classes=150,
        num_predicates=50,
        embed_dims=256,
        num_layers=6,
        frequency_bias='frequency',
    ),
    freeze_detector=False,
)
