# The frequency prior alone on detections.
_base_ = './frequency_predcls.py'

model = dict(task='sgdet', object_source=dict(score_thr=0.05, max_per_img=16))
