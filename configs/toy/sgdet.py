# Stage 3 on the toy data set: LinkNet refined on detections.
_base_ = './sgcls.py'

model = dict(
    task='sgdet',
    object_source=dict(score_thr=0.05, max_per_img=16),
    relation_head=dict(
        sampler=dict(
            _delete_=True,
            type='DetectionRelationSampler',
            num=64,
            overlap_only=False,
        )
    ),
)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
train_cfg = dict(max_epochs=1, val_interval=1)
param_scheduler = [dict(type='CosineAnnealingLR', convert_to_iter_based=True)]
