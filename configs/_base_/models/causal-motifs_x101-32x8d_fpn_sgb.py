# Causal Motifs of Scene-Graph-Benchmark, its causes summed up. To rank by the
# total direct effect: --cfg-options model.relation_head.effect=TDE
_base_ = './motifs_x101-32x8d_fpn_sgb.py'

model = dict(relation_head=dict(type='CausalMotifsRelHead', effect='none'))
