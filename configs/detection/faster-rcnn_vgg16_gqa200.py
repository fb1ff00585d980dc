# Stage 1 on GQA-200.
_base_ = './faster-rcnn_vgg16_vg150.py'

model = dict(roi_head=dict(bbox_head=dict(num_classes=200)))
gqa = dict(type='GQA200Dataset', data_root='data/gqa')
train_dataloader = dict(dataset=gqa)
val_dataloader = dict(dataset=gqa)
test_dataloader = dict(dataset=gqa)
del gqa
