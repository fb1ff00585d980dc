# What linknet_boxes.py trained, its predicates chosen for R and mR together.
_base_ = './linknet_boxes.py'

model = dict(
    relation_head=dict(
        debiasing=dict(
            type='LogitAdjustment', rare_gain=0.0035, keep_background=False
        )
    )
)
