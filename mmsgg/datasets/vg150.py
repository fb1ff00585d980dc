"""Visual Genome with 150 object classes and 50 predicates."""

from collections.abc import Sequence
from typing import Any

from mmsgg.registry import DATASETS

from .scene_graph_dataset import LoadedGraphs, SceneGraphDataset
from .vg150_file import check_vocabulary
from .vg150_reader import SPLITS, VG150Reader
from .vg150_vocabulary import VG150_CLASSES, VG150_PREDICATES


@DATASETS.register_module()
class VG150Dataset(SceneGraphDataset):
    """VG150 of Xu et al. (CVPR 2017), read from its original files.

    ::

        data_root/
          VG-SGG.h5  VG-SGG-dicts.json  image_data.json
          VG_100K/*.jpg  VG_100K_2/*.jpg

    A split holds the images that have a box, in the order of the file. The
    first ``num_val`` training images are the validation set. Items are those
    of :class:`SceneGraphDataset`; images are called ``<img_id>.jpg``.

    Args:
        ann_file: The h5 file, relative to ``data_root``.
        vocabulary_file: The JSON file of names; it must agree with the
            metainfo.
        image_data_file: The JSON file of image ids and sizes.
        data_root: Folder of the files above.
        split: 'train', 'val' or 'test'.
        num_val: How many training images are held out for validation.
        image_folders: As in :class:`SceneGraphDataset`.
        **kwargs: Of :class:`SceneGraphDataset`, such as the filters. A
            vocabulary of another size comes as
            ``metainfo=dict(classes=[...], predicates=[...])``.

    Raises:
        ValueError: If ``split`` is unknown or the files contradict each other
            or the metainfo.
        FileNotFoundError: If a file is missing.
    """

    METAINFO = dict(
        dataset_type='VG150',
        classes=VG150_CLASSES,
        predicates=VG150_PREDICATES,
    )
    PATHS = ('vocabulary_file', 'image_data_file')

    def __init__(
        self,
        ann_file: str = 'VG-SGG.h5',
        vocabulary_file: str = 'VG-SGG-dicts.json',
        image_data_file: str = 'image_data.json',
        data_root: str = 'data/vg',
        split: str = 'train',
        num_val: int = 5000,
        image_folders: Sequence[str] = ('VG_100K', 'VG_100K_2'),
        **kwargs: Any,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f'split={split!r} is none of {SPLITS}')
        self.vocabulary_file = vocabulary_file
        self.image_data_file = image_data_file
        self.split = split
        self.num_val = num_val
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            image_folders=image_folders,
            **kwargs,
        )

    @property
    def title(self) -> str:
        """What the log calls the data set."""
        return f'{type(self).__name__} {self.split}'

    def load_graphs(self) -> LoadedGraphs:
        """Read the split."""
        names = [self._metainfo[key] for key in ('classes', 'predicates')]
        check_vocabulary(self.vocabulary_file, *names)
        reader = VG150Reader(
            self.ann_file,
            self.image_data_file,
            *names,
            allow_degenerate=self.degenerate_boxes != 'error',
        )
        graphs = reader.read(
            self.split, self.num_val, self.filter_empty_relations
        )
        return LoadedGraphs(
            graphs, reader.num_clipped, reader.degenerate, reader.dropped
        )
