# Where LinkNet looks at the map of faster-rcnn_vgg16.py.
_base_ = './faster-rcnn_vgg16.py'

fc67 = dict(type='FC67Head', in_channels=512, out_channels=4096)
roi_extractor = dict(
    _base_.model.roi_head.bbox_roi_extractor, type='mmdet.SingleRoIExtractor'
)
model = dict(
    relation_head=dict(
        object_roi_extractor=roi_extractor,
        object_head=fc67,
        union_roi_extractor=dict(
            type='UnionRoIExtractor', roi_extractor=roi_extractor
        ),
        union_head=dict(fc67, last_relu=False),
        global_context=dict(
            type='GlobalContext', in_channels=512, out_channels=512
        ),
    )
)
