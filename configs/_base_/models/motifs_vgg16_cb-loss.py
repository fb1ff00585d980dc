# Rare predicates weigh more (Cui et al., CVPR 2019).
_base_ = './motifs_vgg16.py'

model = dict(
    relation_head=dict(
        loss_predicate=dict(type='ClassBalancedLoss', beta=0.999)
    )
)
