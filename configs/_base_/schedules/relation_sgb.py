# A relation head on a frozen detector as Scene-Graph-Benchmark trains it: lr
# 1e-2 an image, no weight decay on biases, nor on the frequency bias; a
# plateau of recall ends each rate.
_base_ = './relation.py'

optim_wrapper = dict(
    optimizer=dict(lr=6e-2),
    # bias_decay_mult leaves out those of an LSTM and of a norm
    paramwise_cfg=dict(
        _delete_=True, custom_keys={'bias': dict(decay_mult=0.0)}
    ),
)
param_scheduler = [
    dict(
        type='LinearWarmupLR', num_iters=500, start_factor=0.1, by_epoch=False
    ),
    dict(
        type='ReduceOnPlateauLR',
        monitor='R@100',
        rule='greater',
        factor=0.1,
        patience=2,
        threshold=1e-3,
        threshold_rule='abs',
        by_epoch=True,
    ),
]
custom_hooks = [
    dict(type='FrequencyBiasHook', must_overlap=True),
    # a GloVe file such as glove.6B.200d.txt
    dict(type='WordVectorHook', path=None),
    # at the third decay
    dict(type='StopAtLowRateHook', ratio=999),
    dict(type='PredicateCountHook'),
]
