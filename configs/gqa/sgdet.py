# Refine from the checkpoint of sgcls.py (load_from), at a tenth of its rate.
_base_ = './sgcls.py'

model = _base_.sgdet
optim_wrapper = dict(optimizer=dict(lr=6e-4))
