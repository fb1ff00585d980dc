# FREQ of neural-motifs: the predicates of two classes in training, nothing
# else. Not trained; test it on the detector's checkpoint.
_base_ = [
    '../_base_/models/linknet_vgg16.py',
    '../_base_/datasets/vg150_relation.py',
    '../_base_/schedules/relation.py',
    '../_base_/default_runtime.py',
]

model = dict(
    task='predcls',
    relation_head=dict(
        _delete_=True,
        type='FrequencyRelHead',
        num_classes=150,
        num_predicates=50,
    ),
)
custom_hooks = [
    dict(type='FrequencyBiasHook', must_overlap=False, count_for_test=True)
]
