# Refine from the checkpoint of sgcls_scaled.py (load_from).
_base_ = './sgdet.py'

model = dict(relation_head=dict(scale_attention=True))
