# mmdet's Faster R-CNN on the feature pyramid of a ResNet-101.
_base_ = 'mmdet::_base_/models/faster-rcnn_r50_fpn.py'

model = dict(
    # every batch is square, and whole at stride 32
    data_preprocessor=dict(pad_size_divisor=608),
    backbone=dict(
        depth=101,
        # torchvision's; by its address it needs no torchvision
        init_cfg=dict(
            checkpoint='https://download.pytorch.org/models/'
            'resnet101-63fe2227.pth'
        ),
    ),
    roi_head=dict(bbox_head=dict(num_classes=150)),
)
