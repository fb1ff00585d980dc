# Stage 1 on Open Images V6.
_base_ = '../detection/faster-rcnn_vgg16_vg150.py'

model = dict(roi_head=dict(bbox_head=dict(num_classes=601)))
open_images = dict(type='OpenImagesDataset', data_root='data/open_images')
train_dataloader = dict(dataset=open_images)
val_dataloader = dict(dataset=open_images)
test_dataloader = dict(dataset=open_images)
del open_images
