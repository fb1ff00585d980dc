# Motifs on the toy data set, rare predicates weighing more in training.
_base_ = './motifs_sgcls.py'

model = dict(
    relation_head=dict(
        loss_predicate=dict(type='ClassBalancedLoss', beta=0.999)
    )
)
