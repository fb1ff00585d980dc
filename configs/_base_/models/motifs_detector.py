# What makes of the VGG16 detector the one of neural-motifs and
# linknet-pytorch, in inference: boxes that name their last pixel, RoI pooling
# by crop and resize, ReLU6. No `model`, so that it goes together with
# detection and relation configs alike.
coder = dict(type='mmsgg.InclusiveDeltaXYWHBBoxCoder')
motifs_detector = dict(
    rpn_head=dict(
        type='mmsgg.MotifsRPNHead',
        anchor_generator=dict(
            type='mmsgg.InclusiveAnchorGenerator', center_offset=0.5
        ),
        bbox_coder=coder,
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(
            _delete_=True,
            type='mmsgg.CropResizeRoIExtractor',
            roi_layer=dict(output_size=7),
            out_channels=512,
            featmap_strides=[16],
        ),
        bbox_head=dict(bbox_coder=coder),
    ),
    # offset: widths of boxes are x2 - x1 + 1
    train_cfg=dict(rpn_proposal=dict(nms=dict(offset=1))),
    test_cfg=dict(
        rpn=dict(nms=dict(offset=1)),
        rcnn=dict(score_thr=0.05, nms=dict(offset=1)),
    ),
)
