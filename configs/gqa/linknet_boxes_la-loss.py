# Logit adjustment in training (Menon et al., ICLR 2021).
_base_ = './linknet_boxes.py'

model = dict(
    relation_head=dict(loss_predicate=dict(type='LogitAdjustedLoss', tau=0.5))
)
