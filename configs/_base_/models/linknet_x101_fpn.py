# LinkNet on the feature pyramid of a ResNeXt-101-32x8d.
_base_ = './linknet_r101_fpn.py'

model = dict(
    detector=dict(
        # as the weights were trained
        data_preprocessor=dict(
            mean=[103.53, 116.28, 123.675],
            std=[57.375, 57.12, 58.395],
            bgr_to_rgb=False,
        ),
        backbone=dict(
            type='ResNeXt',
            groups=32,
            base_width=8,
            norm_cfg=dict(requires_grad=False),
            init_cfg=dict(
                checkpoint='open-mmlab://detectron2/resnext101_32x8d'
            ),
        ),
    )
)
