# mmdet's Faster R-CNN on the conv4 map of a ResNet-50, with res5 on regions.
_base_ = 'mmdet::_base_/models/faster-rcnn_r50-caffe-c4.py'

model = dict(
    # every batch is square, as with VGG16
    data_preprocessor=dict(pad_size_divisor=592),
    roi_head=dict(bbox_head=dict(num_classes=150)),
)
