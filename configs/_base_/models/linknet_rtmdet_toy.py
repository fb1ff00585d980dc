# LinkNet on a small RTMDet, 2.2 M weights, that a CPU trains from scratch in
# minutes, for the toy data set.
_base_ = './linknet_rtmdet_s.py'

roi_extractor = dict(roi_layer=dict(sampling_ratio=1), out_channels=64)
fc67 = dict(in_channels=64, out_channels=256, dropout=0.0)
model = dict(
    detector=dict(
        # images of at most 128 pixels, in square batches
        data_preprocessor=dict(pad_size_divisor=128),
        backbone=dict(deepen_factor=0.167, widen_factor=0.25),
        neck=dict(in_channels=[64, 128, 256], out_channels=64),
        bbox_head=dict(num_classes=12, in_channels=64, feat_channels=64),
        test_cfg=dict(nms_pre=1000, max_per_img=100),
    ),
    object_source=dict(max_per_img=16),
    relation_head=dict(
        num_classes=12,
        num_predicates=11,
        features=dict(
            object_roi_extractor=roi_extractor,
            object_head=fc67,
            union_roi_extractor=dict(roi_extractor=roi_extractor),
            union_head=fc67,
        ),
        global_context=dict(in_channels=64, out_channels=64),
        embed_channels=32,
        hidden_channels=64,
    ),
)
del roi_extractor, fc67
