default_scope = 'mmsgg'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='AtomicCheckpointHook',
        interval=1,
        max_keep_ckpts=3,
        save_best='R@100',
        rule='greater',
    ),
    checkpoint_fit=dict(type='CheckpointFitHook'),
    dataset_fit=dict(type='DatasetFitHook'),
    loader_fit=dict(type='LoaderFitHook'),
    finite=dict(type='FiniteHook'),
    resume_fit=dict(type='ResumeFitHook'),
    resume_validation=dict(type='ResumeValidationHook'),
    stop_signal=dict(type='StopSignalHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    speed=dict(type='SpeedHook'),
    visualization=dict(type='mmdet.DetVisualizationHook'),
)
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
visualizer = dict(
    type='SGLocalVisualizer',
    vis_backends=[dict(type='LocalVisBackend')],
    name='visualizer',
)
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True)
log_level = 'INFO'
load_from = None
resume = False
