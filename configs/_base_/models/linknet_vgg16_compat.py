# LinkNet as linknet-pytorch computes it, and neural-motifs its detector: boxes
# that name their last pixel, deltas as they are, RoI pooling by crop and
# resize, ReLU6.
_base_ = './linknet_vgg16.py'

coder = dict(
    type='mmsgg.InclusiveDeltaXYWHBBoxCoder', target_stds=[1.0, 1.0, 1.0, 1.0]
)
# The published code takes the mean over the n positive of N samples, times
# 2 / f * n / N with f the share of positives asked for (.5 of the anchors, .25
# of the RoIs). mmdet divides the sum by N, so what is left is 2 / f.
rpn_loss = dict(type='SmoothL1Loss', beta=1.0, loss_weight=4.0)
rcnn_loss = dict(type='SmoothL1Loss', beta=1.0, loss_weight=8.0)
roi_extractor = dict(
    _delete_=True,
    type='mmsgg.CropResizeRoIExtractor',
    roi_layer=dict(output_size=7),
    out_channels=512,
    featmap_strides=[16],
)
model = dict(
    detector=dict(
        rpn_head=dict(
            type='mmsgg.MotifsRPNHead',
            anchor_generator=dict(
                type='mmsgg.InclusiveAnchorGenerator', center_offset=0.5
            ),
            bbox_coder=coder,
            loss_bbox=rpn_loss,
        ),
        roi_head=dict(
            bbox_roi_extractor=roi_extractor,
            bbox_head=dict(bbox_coder=coder, loss_bbox=rcnn_loss),
        ),
        # offset: widths of boxes are x2 - x1 + 1
        train_cfg=dict(rpn_proposal=dict(nms=dict(offset=1))),
        test_cfg=dict(
            rpn=dict(nms=dict(offset=1)),
            rcnn=dict(score_thr=0.05, nms=dict(offset=1)),
        ),
    ),
    relation_head=dict(
        features=dict(
            object_roi_extractor=roi_extractor,
            union_roi_extractor=dict(
                roi_extractor=roi_extractor, draw_boxes=True
            ),
        ),
        global_context=dict(out_channels=None, activation='softmax'),
    ),
)
del coder, rpn_loss, rcnn_loss, roi_extractor
