# Total direct effect (Tang et al., CVPR 2020) on Motifs. It needs the mean
# feature of an object, so train with it, from the detector on.
_base_ = './motifs_vgg16.py'

model = dict(
    relation_head=dict(debiasing=dict(type='TotalDirectEffect', channels=4096))
)
