# What sgcls.py trained, its predicates adjusted (Menon et al., ICLR 2021).
_base_ = './sgcls.py'

model = dict(
    relation_head=dict(debiasing=dict(type='LogitAdjustment', tau=0.3))
)
