# Evaluated with the checkpoint of sgcls_scaled.py.
_base_ = './predcls.py'

model = dict(relation_head=dict(scale_attention=True))
