"""The compat configs train and predict, narrowed."""

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmsgg.registry import MODELS, TRANSFORMS

from .test_linknet_pytorch import COMPAT

CONFIGS = sorted(COMPAT.glob('*.py'))
NARROW = {
    'data_preprocessor.pad_size_divisor': 1,
    'rpn_head.feat_channels': 8,
    'roi_head.bbox_head.fc67.out_channels': 8,
    'train_cfg.rpn_proposal.nms_pre': 200,
    'train_cfg.rpn_proposal.max_per_img': 40,
    'test_cfg.rpn.nms_pre': 200,
    'test_cfg.rpn.max_per_img': 40,
}
NARROW_HEAD = {
    'model.relation_head.features.object_head.out_channels': 8,
    'model.relation_head.features.union_head.out_channels': 8,
    'model.object_source.score_thr': 0.0,
    'model.object_source.max_per_img': 5,
}


def item_of(pipeline):
    """Send an image with two boxes and a relation down a pipeline."""
    instances = [
        dict(bbox=[i, i, i + 60, i + 40], bbox_label=i, ignore_flag=0)
        for i in (0, 9)
    ]
    image = np.random.default_rng(0).integers(0, 255, (80, 100, 3), np.uint8)
    item = dict(img=image, img_shape=(80, 100), ori_shape=(80, 100),
                img_id='x', img_path='x.jpg', instances=instances,
                relations=[dict(pair=[0, 1], predicate_label=3)])  # fmt: skip
    for step in pipeline[1:]:  # the image is loaded
        if step.type == 'SquareResize':
            step.size = 160
        item = TRANSFORMS.build(step)(item)
    return {key: [value] for key, value in item.items()}


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_trains_and_predicts(path):
    cfg = Config.fromfile(path)
    has_relations = 'relation_head' in cfg.model
    place = 'model.detector' if has_relations else 'model'
    cfg.merge_from_dict({f'{place}.{k}': v for k, v in NARROW.items()})
    cfg.merge_from_dict(NARROW_HEAD if has_relations else {})
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    train = item_of(cfg.train_dataloader.dataset.pipeline)
    assert train['inputs'][0].shape == (3, 160, 160)
    losses = model(**model.data_preprocessor(train, True), mode='loss')
    loss, _ = model.parse_losses(losses)
    loss.backward()
    assert loss.isfinite()

    [sample] = model.eval().test_step(
        item_of(cfg.test_dataloader.dataset.pipeline)
    )
    assert sample.pred_instances.bboxes.isfinite().all()
    if has_relations:
        assert len(sample.pred_relations)
        given = sample.gt_instances.bboxes
        if cfg.model.task != 'sgdet':  # back in original pixels
            torch.testing.assert_close(sample.pred_instances.bboxes, given)
