# LinkNet on GQA-200 with images, in its official splits. Train this one from
# the detector's checkpoint (load_from), which
# ../detection/faster-rcnn_vgg16_gqa200.py trains. Not trained yet: neither its
# images nor its training file were at hand.
_base_ = [
    '../_base_/models/linknet_vgg16.py',
    '../_base_/datasets/vg150_relation.py',
    '../_base_/schedules/relation.py',
    '../_base_/default_runtime.py',
]

model = dict(
    task='sgcls',
    detector=dict(roi_head=dict(bbox_head=dict(num_classes=200))),
    relation_head=dict(num_classes=200, num_predicates=100),
)
gqa = dict(type='GQA200Dataset', data_root='data/gqa')
train_dataloader = dict(dataset=gqa)
val_dataloader = dict(dataset=gqa)
test_dataloader = dict(dataset=gqa)
del gqa
