# Stage 1 on the toy data set: the object detector.
_base_ = [
    '../_base_/models/linknet_toy.py',
    '../_base_/datasets/toy_detection.py',
    '../_base_/schedules/toy_detection.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, **_base_.model.detector)
default_hooks = dict(checkpoint=dict(save_best='pascal_voc/mAP'))
