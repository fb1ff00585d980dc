"""The config of Scene-Graph-Benchmark's detector in the widths of a file."""


def narrow(detector, weights, sizes):
    """Narrow the config of a detector, in place.

    Args:
        detector: Config of the detector.
        weights: State dict of the reference, by its names.
        sizes: Settings that the reference was made with.
    """
    shape = {name: tuple(values.shape) for name, values in weights.items()}
    body = 'backbone.body.'
    width, width_of_group = shape[f'{body}layer1.0.conv2.weight'][:2]
    detector.backbone.update(
        stem_channels=shape[f'{body}stem.conv1.weight'][0],
        base_channels=shape[f'{body}layer1.0.conv3.weight'][0] // 4,
        groups=width // width_of_group,
        base_width=width_of_group,
    )
    inner = [
        shape[f'backbone.fpn.fpn_inner{i}.weight'][:2] for i in range(1, 5)
    ]
    channels = inner[0][0]
    detector.neck.update(
        in_channels=[given for _, given in inner], out_channels=channels
    )
    detector.rpn_head.update(
        in_channels=channels,
        feat_channels=shape['rpn.head.conv.weight'][0],
    )
    box = 'roi_heads.box.'
    detector.roi_head.bbox_roi_extractor.out_channels = channels
    detector.roi_head.bbox_head.update(
        in_channels=channels,
        fc_out_channels=shape[f'{box}feature_extractor.fc6.weight'][0],
        num_classes=shape[f'{box}predictor.cls_score.weight'][0] - 1,
    )
    detector.test_cfg.rpn.update(
        nms_pre=sizes['MODEL.RPN.PRE_NMS_TOP_N_TEST'],
        nms_post=sizes['MODEL.RPN.POST_NMS_TOP_N_TEST'],
        max_per_img=sizes['MODEL.RPN.FPN_POST_NMS_TOP_N_TEST'],
    )
