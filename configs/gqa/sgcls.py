# Train this one from the detector's checkpoint (load_from), which
# ../detection/faster-rcnn_vgg16_gqa200.py trains.
_base_ = './predcls.py'

model = dict(task='sgcls')
