# Refine from the checkpoint of sgcls_r101-fpn.py (load_from).
_base_ = './sgcls_r101-fpn.py'

model = _base_.sgdet
optim_wrapper = dict(optimizer=dict(lr=6e-4))
train_cfg = dict(max_epochs=10)
train_dataloader = dict(dataset=dict(filter_non_overlap=True))
