"""Scene graphs in files like those of VG150, with names of their own."""

from mmsgg.registry import DATASETS

from .vg150 import VG150Dataset
from .vg150_file import read_names


@DATASETS.register_module()
class VGDataset(VG150Dataset):
    """Another data set in the files of VG150, such as IndoorVG or STAR.

    Classes and predicates are those of ``vocabulary_file``, in its order,
    where ``metainfo`` names none.

    Args:
        *args: Of :class:`VG150Dataset`.
        **kwargs: Likewise.

    Raises:
        ValueError: As :class:`VG150Dataset`, or if the dictionary does not
            number its names from 1 without a gap.
    """

    # none of the names of VG150
    METAINFO = dict(dataset_type='VG', classes=(), predicates=())

    @property
    def metainfo(self) -> dict:
        """Names and whatever else was passed; reads the dictionary."""
        self._read_names()
        return super().metainfo

    def full_init(self) -> None:
        """Read the files, unless that is done."""
        self._read_names()
        super().full_init()

    def _read_names(self) -> None:
        if not (self._metainfo['classes'] or self._metainfo['predicates']):
            self._metainfo.update(read_names(self.vocabulary_file))
