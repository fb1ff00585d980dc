# Where LinkNet looks at a feature pyramid such as mmdet's detectors have. fc6
# and fc7 are as wide as theirs, from which they start.
roi_extractor = dict(
    type='mmdet.SingleRoIExtractor',
    roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0),
    out_channels=256,
    featmap_strides=[4, 8, 16, 32],
)
fc67 = dict(type='FC67Head', in_channels=256, out_channels=1024)
fpn_branches = dict(
    object_roi_extractor=roi_extractor,
    object_head=fc67,
    union_roi_extractor=dict(
        type='UnionRoIExtractor', roi_extractor=roi_extractor
    ),
    union_head=dict(fc67, last_relu=False),
    # P5: P6, the last level, is P5 without three of four cells
    global_context=dict(
        type='GlobalContext', in_channels=256, out_channels=512, level=3
    ),
)
