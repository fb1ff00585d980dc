# mmdet's Cascade R-CNN: LinkNet goes onto it as onto any two-stage detector.
_base_ = 'mmdet::_base_/models/cascade-rcnn_r50_fpn.py'

model = dict(
    data_preprocessor=dict(pad_size_divisor=608),
    backbone=dict(
        init_cfg=dict(
            checkpoint='https://download.pytorch.org/models/'
            'resnet50-0676ba61.pth'
        )
    ),
    roi_head=dict(
        bbox_head=[
            dict(stage, num_classes=150)
            for stage in _base_.model.roi_head.bbox_head
        ]
    ),
)
