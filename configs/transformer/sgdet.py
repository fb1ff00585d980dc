# Refine from the checkpoint of sgcls.py (load_from), at a tenth of its rate.
_base_ = './sgcls.py'

model = dict(
    task='sgdet',
    relation_head=dict(
        sampler=dict(
            _delete_=True,
            type='DetectionRelationSampler',
            num=64,
            num_per_relation=4,  # of Scene-Graph-Benchmark
        ),
        overlap_only=True,
    ),
)
optim_wrapper = dict(optimizer=dict(lr=6e-4))
train_cfg = dict(max_epochs=10)
train_dataloader = dict(dataset=dict(filter_non_overlap=True))
