# sgdet with curves and, every 20th batch of a validation, a picture of its
# first image in TensorBoard; docs/visualization.md says how to do it for
# another config.
_base_ = './sgdet.py'

visualizer = dict(
    vis_backends=[
        dict(type='LocalVisBackend'),
        dict(type='TensorboardVisBackend'),
    ]
)
default_hooks = dict(visualization=dict(draw=True, interval=20))
