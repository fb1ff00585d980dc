# FREQ-overlap: what does not overlap is unrelated, in counting and in testing.
_base_ = './sgcls.py'

model = dict(relation_head=dict(overlap_only=True))
custom_hooks = [
    dict(type='FrequencyBiasHook', must_overlap=True, count_for_test=True)
]
