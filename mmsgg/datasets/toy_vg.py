"""The vocabulary of the toy data set, and the data set that reads it."""

from pathlib import Path
from typing import Any

from mmsgg.registry import DATASETS

from .scene_graph_arrays import LoadedGraphs
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

    def load_graphs(self) -> LoadedGraphs:
        """Read the split.

        Raises:
            FileNotFoundError: If the data set is not drawn yet.
        """
        if not Path(self.vocabulary_file).is_file():
            raise FileNotFoundError(
                f'{self.vocabulary_file} not found; draw the toy data set: '
                'python tools/dataset_converters/make_toy_vg.py '
                f'{self.data_root}, or pass data_root=... of a folder that '
                'holds one'
            )
        return super().load_graphs()
