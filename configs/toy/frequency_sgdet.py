# The frequency prior alone on detections.
_base_ = './frequency_predcls.py'

model = dict(
    task='sgdet',
    test_cfg=dict(objects=dict(score_thr=0.05, max_per_img=16)),
)
