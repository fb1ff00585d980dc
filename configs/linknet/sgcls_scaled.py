# LinkNet with the logits of its attention divided by the root of their width,
# which is not the paper's formula; docs/gqa.md says what it changes.
_base_ = './sgcls.py'

model = dict(relation_head=dict(scale_attention=True))
