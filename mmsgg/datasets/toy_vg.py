"""The vocabulary of the toy data set, and the data set that reads it."""

from typing import Any

from mmsgg.registry import DATASETS

from .vg150 import VG150Dataset

#: From the most to the least agent-like: in a pair of different classes the
#: earlier one is the subject.
TOY_CLASSES = (
    'person',
    'dog',
    'bird',
    'lamp',
    'kite',
    'ball',
    'cup',
    'box',
    'car',
    'table',
    'tree',
    'house',
)

TOY_PREDICATES = (
    'above',
    'below',
    'beside',
    'chasing',
    'flying over',
    'guarding',
    'holding',
    'lighting',
    'near',
    'on',
    'waving at',
)


@DATASETS.register_module()
class ToyVGDataset(VG150Dataset):
    """Drawn scenes in the files of VG150.

    ``tools/dataset_converters/make_toy_vg.py`` writes them.

    Args:
        data_root: The folder that was written.
        num_val: How many training images are held out for validation.
        **kwargs: Of :class:`VG150Dataset`.
    """

    METAINFO = dict(
        dataset_type='ToyVG', classes=TOY_CLASSES, predicates=TOY_PREDICATES
    )

    def __init__(
        self,
        data_root: str = 'data/toy_vg',
        num_val: int = 100,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_root=data_root, num_val=num_val, **kwargs)
