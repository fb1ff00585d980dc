# RelTR on VG150. It finds all of a graph itself: there is no other task.
_base_ = [
    '../_base_/models/reltr_r50.py',
    '../_base_/datasets/vg150_relation_detr.py',
    '../_base_/schedules/relation_detr.py',
    '../_base_/default_runtime.py',
]
