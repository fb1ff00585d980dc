"""The configs that new_dataset.py writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mmsgg.__main__ import COMMANDS


class Detector(NamedTuple):
    """What of the configs depends on the detector."""

    stage_1: str  # config to inherit from, relative to configs/
    stage_2: str
    sides: tuple[int, int]  # the least and the most long side, in pixels
    parts: str  # of the model, what differs from the base
    weights: str | None  # a config of mmdet
    more: str = ''  # of stage 1


#: By the names of ``--detector``.
DETECTORS = dict(
    r50_fpn=Detector(
        'detection/faster-rcnn_r101_fpn_vg150.py',
        'linknet/sgcls_r101_fpn.py',
        (800, 1344),
        'backbone=dict(depth=50, init_cfg=None),\n'
        'roi_head=dict(bbox_head=dict(num_classes={classes})),',
        'faster-rcnn_r50_fpn_1x_coco',
    ),
    rtmdet_s=Detector(
        'detection/rtmdet_s_vg150.py',
        'linknet/sgcls_rtmdet_s.py',
        (640, 1280),
        'bbox_head=dict(num_classes={classes}),',
        'rtmdet_s_8xb32-300e_coco',
        # less than from scratch
        'optim_wrapper = dict(optimizer=dict(lr=2e-4))\n',
    ),
    toy=Detector(
        'toy/faster-rcnn_r18.py',
        'toy/sgcls.py',
        (128, 512),
        'roi_head=dict(bbox_head=dict(num_classes={classes})),',
        None,
    ),
)

STAGE_1 = """\
# Stage 1 on {name}: the detector.
_base_ = '{bases}{base}'

model = dict(
    data_preprocessor=dict(pad_size_divisor={side}),
    {parts}
)
{data}
train_cfg = dict(max_epochs={epochs}, val_interval=1)
{more}{schedule}
load_from = {weights!r}
"""

STAGE_2 = """\
# Stage 2 on {name}: LinkNet on what the detector finds.
_base_ = '{bases}{base}'

model = dict(
    task='sgdet',
    detector=dict(
        data_preprocessor=dict(pad_size_divisor={side}),
        {parts}
    ),
    relation_head=dict(
        num_classes={classes},
        num_predicates={predicates},
        sampler=dict(
            _delete_=True,
            type='DetectionRelationSampler',
            num=64,
            overlap_only=False,
        ),
    ),
)
{data}
train_cfg = dict(max_epochs={epochs}, val_interval=1)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=1e-4)
)
{schedule}
custom_hooks = [
    dict(type='FrequencyBiasHook', must_overlap=False),
    dict(type='PredicateCountHook'),
]
load_from = {detector_file!r}
"""

DATA = """
mine = dict(
    _delete_=True,
    type='SceneGraphJsonDataset',
    data_root={root!r},
    data_prefix=dict(img={images!r}),{options}
)
# the long side of an image in the model, in pixels
resize = dict(type='mmdet.Resize', scale=({side}, {side}), keep_ratio=True)
train = dict(
    mine,
    ann_file={train!r},{train_options}
    pipeline=[
        dict(type='LoadImageFromFile'),
        {load},
        resize,{flip}
        {pack},
    ],
)
test = dict(
    mine,
    test_mode=True,
    pipeline=[
        dict(type='LoadImageFromFile'),
        resize,
        {load},
        {pack_test},
    ],
)
train_dataloader = dict(dataset=train)
val_dataloader = dict(dataset=dict(test, ann_file={val!r}))
test_dataloader = dict(dataset=dict(test, ann_file={test!r}))
del mine, resize, train, test
"""

SCHEDULE = """\
param_scheduler = [
    dict(type='LinearWarmupLR', num_iters=50, by_epoch=False),
    # without T_max it ends with the run
    dict(type='CosineAnnealingLR', convert_to_iter_based=True),
]"""

FLIP = "\n        dict(type='mmdet.RandomFlip', prob=0.5),"
STAGES: dict[str, dict[str, str]] = dict(
    detector=dict(
        load="dict(type='mmdet.LoadAnnotations', with_bbox=True)",
        pack="dict(type='mmdet.PackDetInputs')",
        pack_test='_base_.test_dataloader.dataset.pipeline[-1]',
        options='',
        train_options='',
    ),
    sgdet=dict(
        load="dict(type='LoadRelationAnnotations')",
        pack="dict(type='PackSGInputs')",
        pack_test="dict(type='PackSGInputs')",
        options='\n    filter_empty_relations=True,',
        train_options='\n    filter_duplicate_relations=True,',
    ),
)


@dataclass(frozen=True)
class Settings:
    """What the configs of a data set say.

    Args:
        name: Of the folder of the configs.
        in_clone: Whether mmsgg's configs and tools are beside it; else they
            are those that are installed.
        detector: A key of ``DETECTORS``.
        root: Folder of the data.
        images: Of the images, relative to it.
        files: The annotation of each split, likewise.
        classes: Of objects, how many.
        predicates: How many.
        sided: Whether a predicate says left or right.
        side: The long side of an image in the model, in pixels.
        epochs: Of each training.
        weights: What the detector starts from.
    """

    name: str
    in_clone: bool
    detector: str
    root: str
    images: str
    files: Mapping[str, str]
    classes: int
    predicates: int
    sided: bool
    side: int
    epochs: int
    weights: str | None

    @property
    def work_dir(self) -> str:
        """Of the trainings."""
        return f'work_dirs/{self.name}'

    def checkpoint(self, stage: str) -> str:
        """What the training of a stage ends with."""
        return f'{self.work_dir}/{stage}/epoch_{self.epochs}.pth'

    def commands(self, photo: str) -> list[list[str]]:
        """What is to be run, from the check to the graph of a photo."""
        stage_1, stage_2 = (
            f'configs/{self.name}/{stage}.py' for stage in STAGES
        )
        weights = self.checkpoint('sgdet')
        drawn = ['--topk', '10', '--out-dir', f'{self.work_dir}/graphs']
        lines = (
            ('check', [stage_2]),
            ('train', [stage_1]),
            ('train', [stage_2]),
            ('test', [stage_2, weights]),
            ('infer', [photo, stage_2, weights, *drawn]),
        )
        if self.in_clone:
            return [['python', COMMANDS[word], *rest] for word, rest in lines]
        return [['mmsgg', word, *rest] for word, rest in lines]


def write_configs(settings: Settings) -> list[Path]:
    """Write a config for each stage.

    Args:
        settings: What they say.

    Raises:
        FileExistsError: If the folder of the configs is there.
    """
    folder = Path('configs', settings.name)
    folder.mkdir(parents=True)
    files = [folder / f'{stage}.py' for stage in STAGES]
    for file, text in zip(files, config_texts(settings), strict=True):
        file.write_text(text, encoding='utf-8')
    return files


def config_texts(settings: Settings) -> Sequence[str]:
    """The text of the config of each stage."""
    detector = DETECTORS[settings.detector]
    common = vars(settings) | dict(
        detector_file=settings.checkpoint('detector'),
        bases='../' if settings.in_clone else 'mmsgg::',
        more=detector.more,
        schedule=SCHEDULE,
    )
    texts = []
    for template, base, indent, stage in (
        (STAGE_1, detector.stage_1, 4, 'detector'),
        (STAGE_2, detector.stage_2, 8, 'sgdet'),
    ):
        flips = stage == 'detector' or not settings.sided
        data = DATA.format(
            flip=FLIP if flips else '',
            **STAGES[stage],
            **settings.files,
            **common,
        )
        parts = detector.parts.format(**common)
        parts = parts.replace('\n', '\n' + ' ' * indent)
        texts.append(
            template.format(base=base, parts=parts, data=data, **common)
        )
    return texts
