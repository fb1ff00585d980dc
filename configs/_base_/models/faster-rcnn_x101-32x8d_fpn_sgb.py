# The Faster R-CNN of Scene-Graph-Benchmark, for its weights: boxes that name
# their last pixel (so do the widths in NMS, offset=1), anchors rounded at the
# stride, RoIAlign without the half pixel, frozen batch norm without epsilon.
_base_ = 'mmdet::_base_/models/faster-rcnn_r50_fpn.py'

coder = dict(type='mmsgg.InclusiveDeltaXYWHBBoxCoder', max_growth=1000 / 16)
model = dict(
    data_preprocessor=dict(
        # BGR
        mean=[102.9801, 115.9465, 122.7717],
        std=[1.0, 1.0, 1.0],
        bgr_to_rgb=False,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type='ResNeXt',
        depth=101,
        groups=32,
        base_width=8,
        norm_cfg=dict(requires_grad=False, eps=0.0),
        # weights come from the converted detector (load_from)
        init_cfg=None,
    ),
    rpn_head=dict(
        type='mmsgg.LevelwiseRPNHead',
        anchor_generator=dict(
            type='mmsgg.InclusiveAnchorGenerator',
            ratios=[0.23232838, 0.63365731, 1.28478321, 3.15089189],
            center_offset=0.5,
            round_base=True,
        ),
        bbox_coder=coder,
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(
            type='mmsgg.InclusiveRoIExtractor',
            roi_layer=dict(sampling_ratio=2, aligned=False),
        ),
        bbox_head=dict(
            fc_out_channels=4096, num_classes=150, bbox_coder=coder
        ),
    ),
    train_cfg=dict(
        rpn_proposal=dict(
            nms_pre=6000,
            nms_post=1000,
            max_per_img=1000,
            min_bbox_size=-1,
            nms=dict(offset=1),
        )
    ),
    test_cfg=dict(
        rpn=dict(
            nms_pre=6000,
            nms_post=1000,
            max_per_img=1000,
            min_bbox_size=-1,
            nms=dict(offset=1),
        ),
        rcnn=dict(
            score_thr=0.01,
            # each class by itself, its boxes not moved away from the others
            nms=dict(
                iou_threshold=0.3, offset=1, class_agnostic=True, split_thr=0
            ),
            max_per_img=256,
        ),
    ),
)
del coder
