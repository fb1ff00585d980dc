# Motifs on the toy data set, its predicates debiased in inference.
_base_ = './motifs_sgcls.py'

model = dict(
    relation_head=dict(debiasing=dict(type='TotalDirectEffect', channels=256))
)
