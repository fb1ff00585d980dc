# Stage 1 on PSG.
_base_ = '../detection/faster-rcnn_vgg16_vg150.py'

model = dict(roi_head=dict(bbox_head=dict(num_classes=133)))
psg = dict(type='PSGDataset', data_root='data')
train_dataloader = dict(dataset=psg)
val_dataloader = dict(dataset=dict(split='test', **psg))
test_dataloader = dict(dataset=psg)
del psg
