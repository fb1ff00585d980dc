# The frequency prior alone, for comparison; test it on the detector's
# checkpoint.
_base_ = './sgcls.py'

model = dict(
    task='predcls',
    relation_head=dict(
        _delete_=True,
        type='FrequencyRelHead',
        num_classes=12,
        num_predicates=11,
    ),
)
custom_hooks = [
    dict(type='FrequencyBiasHook', must_overlap=False, count_for_test=True)
]
