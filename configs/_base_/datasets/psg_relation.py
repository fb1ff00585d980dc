# PSG, in boxes for training; a test loads the masks of its annotation too.
_base_ = './vg150_relation.py'

test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(592, 592), keep_ratio=True),
    dict(type='LoadPanopticRelations'),
    dict(type='PackSGInputs'),
]
psg = dict(type='PSGDataset', data_root='data')
train_dataloader = dict(dataset=psg)
val_dataloader = dict(
    dataset=dict(pipeline=test_pipeline, split='test', **psg)
)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline, **psg))
# the rules of OpenPSG, on boxes: most detectors give no masks
val_evaluator = [
    dict(type='SceneGraphMetric', protocol='psg', rules=dict(masks=False))
]
test_evaluator = val_evaluator
del psg, test_pipeline
