# Only overlapping pairs are related, in counting and in testing.
_base_ = './frequency_boxes.py'

model = dict(relation_head=dict(overlap_only=True))
custom_hooks = [
    dict(type='FrequencyBiasHook', must_overlap=True, count_for_test=True)
]
