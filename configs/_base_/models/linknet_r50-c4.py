# Where LinkNet looks at the map of faster-rcnn_r50-c4.py. The branches are
# res5, as the detector's, from which they start; fc6 on the 1024 channels of
# conv4 would be 200 million weights that start from nothing. A pair costs 6
# times what fc6 and fc7 of VGG16 do (0.73 to 0.12 G multiply-adds).
_base_ = './faster-rcnn_r50-c4.py'

res5 = dict(_base_.model.roi_head.shared_head, type='Res5Head', init_cfg=None)
roi_extractor = dict(
    _base_.model.roi_head.bbox_roi_extractor, type='mmdet.SingleRoIExtractor'
)
model = dict(
    relation_head=dict(
        object_roi_extractor=roi_extractor,
        object_head=res5,
        union_roi_extractor=dict(
            type='UnionRoIExtractor', roi_extractor=roi_extractor
        ),
        union_head=res5,
        global_context=dict(
            type='GlobalContext', in_channels=1024, out_channels=512
        ),
    )
)
