# LinkNet on mmdet's RTMDet-m.
_base_ = './linknet_rtmdet_s.py'

roi_extractor = dict(out_channels=192)
fc67 = dict(in_channels=192)
model = dict(
    detector=dict(
        backbone=dict(deepen_factor=0.67, widen_factor=0.75),
        neck=dict(
            in_channels=[192, 384, 768], out_channels=192, num_csp_blocks=2
        ),
        bbox_head=dict(in_channels=192, feat_channels=192),
    ),
    relation_head=dict(
        features=dict(
            object_roi_extractor=roi_extractor,
            object_head=fc67,
            union_roi_extractor=dict(roi_extractor=roi_extractor),
            union_head=fc67,
        ),
        global_context=dict(in_channels=192),
    ),
)
del roi_extractor, fc67
