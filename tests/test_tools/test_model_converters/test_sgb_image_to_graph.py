"""From an image to its graph, as Scene-Graph-Benchmark's Motifs gave it.

The weights go the way of a user's: saved as the original saves, converted by
the command, loaded into the model of the config.
"""

import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample

from ...folders import ROOT
from ...scripts import load_tool
from ...test_models import sgb
from ...test_models.sgb_detector import narrow

command = load_tool('model_converters/sgb_to_mmsgg')
CONFIGS = ROOT / 'configs' / 'sgb'


@pytest.fixture(scope='module')
def reference():
    return sgb.read('sgb_full_motifs')


def narrowed(task, weights, sizes):
    """The config of a task in the widths of the reference."""
    cfg = Config.fromfile(CONFIGS / f'motifs_{task}.py')
    narrow(cfg.model.detector, weights, sizes)
    cfg.model.object_source.max_per_img = sizes[
        'MODEL.ROI_HEADS.DETECTIONS_PER_IMG'
    ]
    width = {
        name: len(weights[f'{sgb.HEAD}{name}.weight'])
        for name in ('box_feature_extractor.fc6', 'predictor.rel_compress')
    }
    channels = cfg.model.detector.neck.out_channels
    head = cfg.model.relation_head
    settings = 'MODEL.ROI_RELATION_HEAD.'
    head.update(
        num_classes=cfg.model.detector.roi_head.bbox_head.num_classes,
        num_predicates=width['predictor.rel_compress'] - 1,
        embed_channels=sizes[f'{settings}EMBED_DIM'],
        hidden_channels=sizes[f'{settings}CONTEXT_HIDDEN_DIM'],
    )
    features = head.features
    features.object_roi_extractor.out_channels = channels
    features.union_roi_extractor.roi_extractor.out_channels = channels
    for part in (features.object_head, features.union_head):
        part.update(
            in_channels=channels,
            out_channels=width['box_feature_extractor.fc6'],
        )
    return cfg


@pytest.fixture(scope='module')
def converted(reference, tmp_path_factory):
    """The file that the command makes."""
    arrays, sizes = reference
    weights = sgb.weights(arrays)
    folder = tmp_path_factory.mktemp('sgb')
    narrowed('sgdet', weights, sizes).dump(folder / 'small.py')
    torch.save(dict(model=weights, iteration=3), folder / 'model_final.pth')
    command.main(
        [
            str(folder / 'model_final.pth'),
            str(folder / 'ours.pth'),
            '--config',
            str(folder / 'small.py'),
        ]
    )
    return torch.load(folder / 'ours.pth', weights_only=True)


@pytest.mark.parametrize('task', sgb.TASKS)
@torch.no_grad()
def test_image_to_graph(reference, converted, task):
    arrays, sizes = reference
    model = MODELS.build(narrowed(task, sgb.weights(arrays), sizes).model)
    model.load_state_dict(converted['state_dict'], strict=True)
    model.eval()
    rgb = arrays['input/rgb']
    shape = tuple(rgb.shape[:2])
    sample = SGDataSample(
        metainfo=dict(img_shape=shape, ori_shape=shape, scale_factor=(1, 1))
    )
    if task != 'sgdet':
        sample.gt_instances = InstanceData(
            bboxes=arrays['input/gt_boxes_in_input_pixels'],
            labels=arrays['input/gt_labels'] - 1,
        )
    image = rgb.flip(-1).permute(2, 0, 1).contiguous()
    [sample] = model.test_step(dict(inputs=[image], data_samples=[sample]))
    graph = sample.pred_instances, sample.pred_relations
    sgb.assert_same_graph(graph, sgb.part(arrays, f'{task}/output'))
