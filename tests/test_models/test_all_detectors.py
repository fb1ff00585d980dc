"""LinkNet on one detector of each folder of mmdet's configs that has one.

``make test-detectors``; a quarter of an hour on two idle cores. The page
docs/detectors.md has the table that this prints.
"""

import os

import pytest

from .. import mmdet_models
from . import test_any_detector as steps

pytestmark = pytest.mark.skipif(
    not os.environ.get('MMSGG_ALL_DETECTORS'),
    reason='takes a quarter of an hour; make test-detectors runs it',
)
NAMES = """
atss/atss_r50_fpn_1x_coco autoassign/autoassign_r50-caffe_fpn_1x_coco
boxinst/boxinst_r50_fpn_ms-90k_coco cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco
cascade_rpn/cascade-rpn_faster-rcnn_r50-caffe_fpn_1x_coco
centernet/centernet-update_r50-caffe_fpn_ms-1x_coco
centernet/centernet_r18_8xb16-crop512-140e_coco
centripetalnet/centripetalnet_hourglass104_16xb6-crop511-210e-mstest_coco
cityscapes/mask-rcnn_r50_fpn_1x_cityscapes
condinst/condinst_r50_fpn_ms-poly-90k_coco_instance
conditional_detr/conditional-detr_r50_8xb2-50e_coco
cornernet/cornernet_hourglass104_8xb6-210e-mstest_coco
crowddet/crowddet-rcnn_r50_fpn_8xb2-30e_crowdhuman
dab_detr/dab-detr_r50_8xb2-50e_coco dcn/faster-rcnn_r50-dconv-c3-c5_fpn_1x_coco
ddod/ddod_r50_fpn_1x_coco ddq/ddq-detr-4scale_r50_8xb2-12e_coco
deformable_detr/deformable-detr_r50_16xb2-50e_coco
deformable_detr/deformable-detr-refine-twostage_r50_16xb2-50e_coco
detectors/cascade-rcnn_r50-rfp_1x_coco detectors/htc_r50-rfp_1x_coco
detr/detr_r50_8xb2-150e_coco dino/dino-4scale_r50_8xb2-12e_coco
double_heads/dh-faster-rcnn_r50_fpn_1x_coco dyhead/atss_r50_fpn_dyhead_1x_coco
dynamic_rcnn/dynamic-rcnn_r50_fpn_1x_coco
efficientnet/retinanet_effb3_fpn_8xb4-crop896-1x_coco
faster_rcnn/faster-rcnn_r50_fpn_1x_coco
faster_rcnn/faster-rcnn_r50_fpn_fcos-rpn_1x_coco
faster_rcnn/faster-rcnn_r50-caffe-c4_ms-1x_coco
fcos/fcos_r50-caffe_fpn_gn-head_1x_coco foveabox/fovea_r50_fpn_4xb4-1x_coco
fpg/faster-rcnn_r50_fpg_crop640-50e_coco
free_anchor/freeanchor_r50_fpn_1x_coco fsaf/fsaf_r50_fpn_1x_coco
gfl/gfl_r50_fpn_1x_coco ghm/retinanet_r50_fpn_ghm-1x_coco
gn/mask-rcnn_r50_fpn_gn-all_2x_coco grid_rcnn/grid-rcnn_r50_fpn_gn-head_1x_coco
groie/faste-rcnn_r50_fpn_groie_1x_coco
guided_anchoring/ga-faster-rcnn_r50-caffe_fpn_1x_coco
hrnet/faster-rcnn_hrnetv2p-w18-1x_coco htc/htc_r50_fpn_1x_coco
ld/ld_r18-gflv1-r101_fpn_1x_coco libra_rcnn/libra-faster-rcnn_r50_fpn_1x_coco
mask2former/mask2former_r50_8xb2-lsj-50e_coco
mask_rcnn/mask-rcnn_r50_fpn_1x_coco
maskformer/maskformer_r50_ms-16xb1-75e_coco ms_rcnn/ms-rcnn_r50_fpn_1x_coco
nas_fcos/nas-fcos_r50-caffe_fpn_nashead-gn-head_4xb4-1x_coco
nas_fpn/retinanet_r50_nasfpn_crop640-50e_coco paa/paa_r50_fpn_1x_coco
pafpn/faster-rcnn_r50_pafpn_1x_coco panoptic_fpn/panoptic-fpn_r50_fpn_1x_coco
pisa/faster-rcnn_r50_fpn_pisa_1x_coco
point_rend/point-rend_r50-caffe_fpn_ms-1x_coco
pvt/retinanet_pvt-t_fpn_1x_coco queryinst/queryinst_r50_fpn_1x_coco
regnet/faster-rcnn_regnetx-400MF_fpn_ms-3x_coco
reppoints/reppoints-moment_r50_fpn_1x_coco
res2net/faster-rcnn_res2net-101_fpn_2x_coco
resnest/faster-rcnn_s50_fpn_syncbn-backbone+head_ms-range-1x_coco
retinanet/retinanet_r18_fpn_1x_coco rtmdet/rtmdet_tiny_8xb32-300e_coco
rtmdet/rtmdet-ins_tiny_8xb32-300e_coco sabl/sabl-faster-rcnn_r50_fpn_1x_coco
sabl/sabl-retinanet_r50_fpn_1x_coco scnet/scnet_r50_fpn_1x_coco
solo/solo_r50_fpn_1x_coco sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco
ssd/ssd300_coco swin/mask-rcnn_swin-t-p4-w7_fpn_1x_coco
tood/tood_r50_fpn_1x_coco tridentnet/tridentnet_r50-caffe_1x_coco
vfnet/vfnet_r50_fpn_1x_coco yolact/yolact_r50_1xb8-55e_coco
yolo/yolov3_mobilenetv2_8xb24-320-300e_coco yolof/yolof_r50-c5_8xb8-1x_coco
yolox/yolox_tiny_8xb8-300e_coco
""".split()
# What these cannot do, in the words of the error.
NO_SCORES = 'cannot score given boxes by themselves'
NO_BOXES = 'bbox_head'
REFUSED = {
    'centernet/centernet_r18_8xb16-crop512-140e_coco': 'border',
    'crowddet/crowddet-rcnn_r50_fpn_8xb2-30e_crowdhuman': 'torchvision',
    # with random weights its maps blow up
    'detectors/cascade-rcnn_r50-rfp_1x_coco': '',
    'detectors/htc_r50-rfp_1x_coco': NO_SCORES,
    # an operator that mmcv has for GPUs only, an assertion without words
    'guided_anchoring/ga-faster-rcnn_r50-caffe_fpn_1x_coco': '',
    'htc/htc_r50_fpn_1x_coco': NO_SCORES,
    # it looks for its teacher outside mmdet
    'ld/ld_r18-gflv1-r101_fpn_1x_coco': 'gfl_r101_fpn_ms-2x_coco',
    'mask2former/mask2former_r50_8xb2-lsj-50e_coco': NO_BOXES,
    'maskformer/maskformer_r50_ms-16xb1-75e_coco': NO_BOXES,
    'queryinst/queryinst_r50_fpn_1x_coco': NO_SCORES,
    'scnet/scnet_r50_fpn_1x_coco': NO_SCORES,
    'solo/solo_r50_fpn_1x_coco': NO_BOXES,
    'sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco': NO_SCORES,
    # mmdet's own head fails in inference
    'ssd/ssd300_coco': 'loss_cls',
}
# Images that some need, beyond 128 x 160.
SIZES = {
    'dino': (320, 320),
    'ddq': (320, 320),
    'ddod': (384, 384),
    'fpg': (256, 256),
    'ssd': (320, 320),
}


@pytest.mark.parametrize('name', NAMES)
def test_every_kind_of_detector(name, monkeypatch):
    """Each task trained and tested over frozen weights, or refused."""
    size = SIZES.get(name.split('/')[0], mmdet_models.SIZE)
    for module in (mmdet_models, steps):
        monkeypatch.setattr(module, 'SIZE', size)
    cfg = mmdet_models.detector_cfg(f'{name}.py')
    if name in REFUSED:
        with pytest.raises(Exception, match=REFUSED[name]):
            run(cfg)
        return
    model = run(cfg)
    maps = mmdet_models.maps_of(cfg)
    print(f'| `{name}` | {type(model.object_source).__name__} | {maps} |')


def run(cfg):
    model = mmdet_models.model_on(cfg)
    for task in steps.TASKS:
        steps.step(model, task)
    for task in steps.TASKS:
        for sample in steps.predict(model, task, 4, 2):
            assert sample.pred_instances.bboxes.isfinite().all()
            if task == 'predcls':
                given = sample.gt_instances
                assert len(sample.pred_instances) == len(given)
    return model
