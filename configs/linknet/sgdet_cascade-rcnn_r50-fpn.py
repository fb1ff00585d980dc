# Refine from the checkpoint of sgcls_cascade-rcnn_r50-fpn.py (load_from).
_base_ = './sgcls_cascade-rcnn_r50-fpn.py'

model = _base_.sgdet
optim_wrapper = dict(optimizer=dict(lr=6e-4))
train_cfg = dict(max_epochs=10)
train_dataloader = dict(dataset=dict(filter_non_overlap=True))
