"""NMS and a bound for each level of the pyramid by itself."""

import torch
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmsgg.models import LevelwiseRPNHead
from mmsgg.registry import MODELS

CFG = ConfigDict(
    nms_pre=9,
    nms_post=2,
    max_per_img=3,
    min_bbox_size=-1,
    nms=dict(type='nms', iou_threshold=0.7, offset=1),
)


def head():
    return MODELS.build(
        dict(
            type='LevelwiseRPNHead',
            in_channels=4,
            feat_channels=4,
            anchor_generator=dict(
                type='mmdet.AnchorGenerator',
                scales=[8],
                ratios=[1.0],
                strides=[4, 8],
            ),
            bbox_coder=dict(type='mmdet.DeltaXYWHBBoxCoder'),
            loss_cls=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),
            loss_bbox=dict(type='mmdet.L1Loss'),
            test_cfg=CFG,
        )
    ).eval()


def selected(boxes, scores, level_ids):
    results = InstanceData(
        bboxes=torch.tensor(boxes).reshape(-1, 4),
        scores=torch.tensor(scores),
        level_ids=torch.tensor(level_ids, dtype=torch.long),
    )
    return head()._bbox_post_process(results, CFG, img_meta={})


def test_each_level_by_itself():
    apart = [[20.0 * i, 0, 20 * i + 9, 9] for i in range(4)]
    out = selected(
        [*apart, apart[3], apart[3]],
        [0.9, 0.8, 0.7, 0.2, 0.3, 0.6],
        [0, 0, 0, 1, 1, 1],
    )
    assert isinstance(head(), LevelwiseRPNHead)
    # the third of level 0 is one too many; of level 1 one box is left, which
    # level 0 does not suppress
    assert out.bboxes.tolist() == [*apart[:2], apart[3]]
    torch.testing.assert_close(out.scores, torch.tensor([0.9, 0.8, 0.6]))


def test_no_proposals():
    out = selected([], [], [])
    assert out.bboxes.shape == (0, 4)


@torch.no_grad()
def test_a_level_is_bounded_on_the_way_of_an_image():
    torch.manual_seed(0)
    maps = tuple(torch.randn(1, 4, n, n) for n in (8, 4))
    meta = dict(img_shape=(32, 32))
    [out] = head().predict_by_feat(*head()(maps), batch_img_metas=[meta])
    assert len(out) == 3
    assert (out.scores.diff() <= 0).all()
