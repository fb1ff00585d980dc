# For training on detections: a pair of objects that do not overlap is never
# related there.
_base_ = './vg150_relation.py'

train_dataloader = dict(dataset=dict(filter_non_overlap=True))
