# Bi-level resampling (Li et al., CVPR 2021).
_base_ = './sgcls.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='BiLevelResampledDataset',
        dataset=_base_.train_dataloader.dataset,
    )
)
