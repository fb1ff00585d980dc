# Rare predicates weigh more (Cui et al., CVPR 2019).
_base_ = './sgcls.py'

model = dict(
    relation_head=dict(
        loss_predicate=dict(type='ClassBalancedLoss', beta=0.999)
    )
)
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='PredicateCountHook'),
]
