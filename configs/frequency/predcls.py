# FREQ of neural-motifs: the predicates of two classes in training, nothing
# else. Not trained; test it on the detector's checkpoint.
_base_ = '../linknet/predcls.py'

model = dict(
    relation_head=dict(
        _delete_=True,
        type='FrequencyRelHead',
        num_classes=150,
        num_predicates=50,
    )
)
custom_hooks = [
    dict(type='FrequencyBiasHook', must_overlap=False, count_for_test=True)
]
