"""Read all splits of a data set in any of the formats."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmsgg.datasets import (
    CVATDataset,
    GQA200Dataset,
    LabelStudioDataset,
    OpenImagesDataset,
    PSGDataset,
    RelTRDataset,
    SceneGraphArrays,
    SceneGraphDataset,
    SceneGraphJsonDataset,
    VGDataset,
    VRDDataset,
)
from mmsgg.datasets.json_file import read_json

SPLITS = ('train', 'val', 'test')


class DataSplits(NamedTuple):
    """The splits of a data set, and its names."""

    graphs: Mapping[str, SceneGraphArrays]
    classes: Sequence[str]
    predicates: Sequence[str]
    #: How many of the classes are things; None where nobody says.
    num_things: int | None = None


def read_splits(
    name: str, source: Path, splits: Sequence[str], **options: Any
) -> DataSplits:
    """Read the splits that are there.

    Args:
        name: Of a format, a key of ``READERS``.
        source: Folder of the files, or the file of one split.
        splits: Which of ``SPLITS`` to read.
        **options: Of the data sets.

    Raises:
        FileNotFoundError: If there is none of the splits.
    """
    graphs: dict[str, SceneGraphArrays] = {}
    names: dict[str, Any] = {}
    for split, dataset in READERS[name](source, splits, names, options):
        graphs[split] = dataset.scene_graphs
        if not names:
            # the first file numbers the names for all
            names.update(
                classes=dataset.metainfo['classes'],
                predicates=dataset.metainfo['predicates'],
            )
        num_things = dataset.metainfo.get('num_things')
    if not graphs:
        raise FileNotFoundError(
            f'{source} has no files of {name}, split {" or ".join(splits)}; '
            'docs/datasets.md says what they are called'
        )
    return DataSplits(graphs, **names, num_things=num_things)


Splits = Iterator[tuple[str, SceneGraphDataset]]
Reader = Callable[[Path, Sequence[str], dict, dict], Splits]


def _build(
    cls: type[SceneGraphDataset], names: dict, options: dict, **settings: Any
) -> SceneGraphDataset:
    """Open a data set with all that is in its file, without images."""
    return cls(
        image_folders=(),
        filter_self_relations=False,
        metainfo=dict(names),
        **settings,
        **options,
    )


def _one_file_a_split(
    cls: type[SceneGraphDataset], suffix: str, **extra: str
) -> Reader:
    """Read ``<split>.<suffix>``; ``extra`` are files that all splits share."""

    def read(
        source: Path, splits: Sequence[str], names: dict, options: dict
    ) -> Splits:
        files = {split: source / f'{split}{suffix}' for split in splits}
        folder = source
        if source.is_file():
            split = source.stem if source.stem in SPLITS else 'train'
            files, folder = {split: source}, source.parent
        found = {
            key: file
            for key, file in extra.items()
            if (folder / file).exists()
        }
        for split, file in files.items():
            if file.is_file():
                settings = dict(data_root=str(folder), ann_file=file.name)
                yield (
                    split,
                    _build(cls, names, options, **settings, **found),
                )

    return read


def _split_by_option(
    cls: type[SceneGraphDataset],
    file_of: Mapping[str, str],
    **settings: Any,
) -> Reader:
    """Read a format whose data set takes the split as an option."""

    def read(
        source: Path, splits: Sequence[str], names: dict, options: dict
    ) -> Splits:
        for split in splits:
            if split in file_of and (source / file_of[split]).is_file():
                yield (
                    split,
                    _build(
                        cls,
                        names,
                        options,
                        data_root=str(source),
                        split=split,
                        **settings,
                    ),
                )

    return read


def _read_psg(
    source: Path, splits: Sequence[str], names: dict, options: dict
) -> Splits:
    file = source if source.is_file() else source / 'psg.json'
    files = dict(train=file.name, test=file.name)
    read = _split_by_option(PSGDataset, files, ann_file=file.name)
    yield from read(file.parent, splits, names, options)


def _read_vrd(
    source: Path, splits: Sequence[str], names: dict, options: dict
) -> Splits:
    sizes = 'sizes.json' if (source / 'sizes.json').exists() else ''
    lists = {
        field: read_json(str(source / file), 'list of names', '')
        for field, file in (
            ('classes', 'objects.json'),
            ('predicates', 'predicates.json'),
        )
    }
    for split in splits:
        file = f'annotations_{split}.json'
        if (source / file).is_file():
            yield (
                split,
                _build(
                    VRDDataset,
                    lists,
                    options,
                    data_root=str(source),
                    ann_file=file,
                    sizes_file=sizes,
                ),
            )


def _read_gqa(
    source: Path, splits: Sequence[str], names: dict, options: dict
) -> Splits:
    info = read_json(
        str(source / 'GQA_200_ID_Info.json'), 'vocabulary file', ''
    )
    lists = {
        key: info[f'ind_to_{key}'][1:] for key in ('classes', 'predicates')
    }
    # the validation set is a part of the test set
    files = dict(train='GQA_200_Train.json', test='GQA_200_Test.json')
    read = _split_by_option(GQA200Dataset, files)
    yield from read(source, splits, lists, options)


def _read_vg(
    source: Path, splits: Sequence[str], names: dict, options: dict
) -> Splits:
    read = _split_by_option(VGDataset, dict.fromkeys(SPLITS, 'VG-SGG.h5'))
    for split, dataset in read(source, splits, names, options):
        if len(dataset):
            yield split, dataset


OPEN_IMAGES = {split: f'annotations/vrd-{split}-anno.json' for split in SPLITS}
#: By the names of the formats.
READERS: dict[str, Reader] = {
    'json': _one_file_a_split(SceneGraphJsonDataset, '.json'),
    'coco-rel': _one_file_a_split(SceneGraphJsonDataset, '.json'),
    'reltr': _split_by_option(
        RelTRDataset, {split: f'{split}.json' for split in SPLITS}
    ),
    'psg': _read_psg,
    'open-images': _split_by_option(
        OpenImagesDataset,
        OPEN_IMAGES,
        last_pixel=False,
        filter_empty_relations=False,
    ),
    'vg-h5': _read_vg,
    'vrd': _read_vrd,
    'gqa': _read_gqa,
    'cvat': _one_file_a_split(CVATDataset, '.xml'),
    'label-studio': _one_file_a_split(
        LabelStudioDataset, '.json', labels_file='labels.xml'
    ),
}
