# Only the relation head is trained.
_base_ = './sgdet.py'

model = dict(freeze_detector=True)
custom_hooks = [
    dict(type='FrequencyBiasHook', must_overlap=False),
    # at the second decay; all that is trained runs at the base rate
    dict(type='StopAtLowRateHook', ratio=99),
]
