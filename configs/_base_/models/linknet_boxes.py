# LinkNet on boxes and classes alone; no image is opened.
model = dict(
    type='SceneGraphDetector',
    object_source=dict(type='GivenBoxes'),
    task='predcls',
    relation_head=dict(
        type='LinkNetRelHead',
        num_classes=100,
        num_predicates=70,
        sampler=dict(type='RelationSampler', num=64, pos_fraction=0.5),
        geometric_layout=dict(
            type='GeometricLayout',
            out_channels=128,
            dropout=0.1,
            detailed=True,
        ),
        layout_gate=True,
        # it learns small data sets by heart
        frequency_bias=False,
        dropout=0.4,
    ),
)
