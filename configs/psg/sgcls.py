# LinkNet on PSG, on ground-truth boxes. Train this one from the checkpoint
# of faster-rcnn_vgg16.py (load_from). Not trained yet: the data were not at
# hand.
_base_ = [
    '../_base_/models/linknet_vgg16.py',
    '../_base_/datasets/psg_relation.py',
    '../_base_/schedules/relation.py',
    '../_base_/default_runtime.py',
]

model = dict(
    task='sgcls',
    detector=dict(roi_head=dict(bbox_head=dict(num_classes=133))),
    relation_head=dict(num_classes=133, num_predicates=56),
)
# what is given has masks
val_evaluator = [dict(type='SceneGraphMetric', protocol='psg')]
test_evaluator = val_evaluator
