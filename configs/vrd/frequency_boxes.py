# The frequency prior alone, for comparison; counted, not trained.
_base_ = './linknet_boxes.py'

model = dict(
    relation_head=dict(
        _delete_=True,
        type='FrequencyRelHead',
        num_classes=100,
        num_predicates=70,
    )
)
custom_hooks = [
    dict(type='FrequencyBiasHook', must_overlap=False, count_for_test=True)
]
