# Refine a relation head on detections, at a tenth of its rate.
_base_ = './relation.py'

optim_wrapper = dict(optimizer=dict(lr=6e-4))
train_cfg = dict(max_epochs=10)
