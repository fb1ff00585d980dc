"""Exports of Label Studio, with relations between rectangles."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import numpy as np

from mmsgg.registry import DATASETS

from .image_list_dataset import ImageEntry, ImageListDataset
from .json_file import read_json
from .xml_file import read_xml

WHERE_FROM = (
    'export the project as JSON from Label Studio, and pass data_root=... and '
    'ann_file=... of it'
)


@DATASETS.register_module()
class LabelStudioDataset(ImageListDataset):
    """Rectangles and the relations between them, from Label Studio's JSON.

    A task is an image. Its rectangles are results with ``value``: x, y,
    width and height in percent of the image, and a label. A relation is a
    result ``{"type": "relation", "from_id", "to_id", "direction", "labels"}``
    with 'right' (from the first to the second), 'left' or 'bi' as direction;
    each of its labels is a predicate. Of a task with several annotations
    that were not cancelled, the one that is ``ground_truth`` counts.

    Args:
        ann_file: The export, relative to ``data_root``.
        labels_file: The labeling interface of the project, in XML: its
            ``<Label value>`` and ``<Relation value>`` are the names, in that
            order. Without, they are those in use, sorted.
        **kwargs: Of :class:`NamesInFileDataset`.

    Raises:
        ValueError: If the export contradicts itself or the names.
        FileNotFoundError: If it is missing.
    """

    METAINFO = dict(dataset_type='LabelStudio')
    PATHS = ('labels_file',)

    def __init__(
        self, ann_file: str = '', labels_file: str = '', **kwargs: Any
    ) -> None:
        self.labels_file = labels_file
        super().__init__(ann_file=ann_file, **kwargs)

    def read_images(self) -> Iterator[tuple[str, Any]]:
        """List the tasks."""
        tasks = read_json(self.ann_file, 'annotation file', WHERE_FROM)
        if not isinstance(tasks, list):
            raise ValueError(
                f'{self.ann_file} is no list of tasks; {WHERE_FROM}'
            )
        self.set_names(*self._names(tasks))
        for number, task in enumerate(tasks):
            try:
                name = _file_name(task['data']['image'])
            except (KeyError, TypeError):
                name = f'number {number}'
            yield name, task

    def _names(self, tasks: list) -> tuple[list[str], list[str]]:
        """List classes and predicates."""
        if self.labels_file:
            root = read_xml(self.labels_file, 'labeling interface', WHERE_FROM)
            return _values(root, 'Label'), _values(root, 'Relation')
        classes: set[str] = set()
        predicates: set[str] = set()
        for task in tasks:
            try:
                for result in _results(task):
                    classes.update(_labels_of(result))
                    if result.get('type') == 'relation':
                        predicates.update(result.get('labels') or ())
            except (AttributeError, KeyError, TypeError, ValueError):
                continue  # read_graphs will say what is wrong
        return sorted(classes), sorted(predicates)

    def parse(self, entry: Any) -> ImageEntry:
        """Read one task."""
        data, results = entry['data'], _results(entry)
        regions: dict[str, dict] = {}
        for result in results:
            if 'value' in result and 'width' in result['value']:
                # shape and labels may come as two results of one region
                region = regions.setdefault(result['id'], {})
                region.update(result, labels_of=_labels_of(result))
        for result in results:
            if result.get('id') in regions and _labels_of(result):
                regions[result['id']]['labels_of'] = _labels_of(result)
        size = [data.get('width'), data.get('height')]
        for region in regions.values():
            size = [region['original_width'], region['original_height']]
        if None in size:
            raise ValueError(
                'no size: neither a region nor data.width and data.height '
                'tell one'
            )
        rows = {name: row for row, name in enumerate(regions)}
        return ImageEntry(
            img_id=data.get('img_id', entry.get('id')),
            file_name=_file_name(data['image']),
            size=size,
            boxes=[_corners(region, size) for region in regions.values()],
            labels=[
                self.label('classes', region['labels_of'])
                for region in regions.values()
            ],
            triplets=[
                row
                for result in results
                if result.get('type') == 'relation'
                for row in self._rows(result, rows)
            ],
        )

    def _rows(self, relation: dict, rows: dict[str, int]) -> list[list[int]]:
        """List the rows [subject, object, predicate] of a relation."""
        ends = [relation['from_id'], relation['to_id']]
        for end in ends:
            if end not in rows:
                raise ValueError(
                    f'a relation names region {end!r}, which is no rectangle'
                )
        pair = [rows[end] for end in ends]
        direction = relation.get('direction', 'right')
        pairs = {'right': [pair], 'left': [pair[::-1]]}
        pairs['bi'] = [pair, pair[::-1]]
        if direction not in pairs:
            raise ValueError(f'a relation with direction {direction!r}')
        labels = relation.get('labels')
        if not labels:
            raise ValueError(f'a relation of {ends} without a label')
        return [
            [*pair, self.label('predicates', [name])]
            for name in labels
            for pair in pairs[direction]
        ]


def _results(task: dict) -> list[dict]:
    """Take the results of the annotation that counts."""
    kept = [a for a in task['annotations'] if not a.get('was_cancelled')]
    if len(kept) > 1:
        kept = [a for a in kept if a.get('ground_truth')] or kept
    if len(kept) > 1:
        raise ValueError(
            f'{len(kept)} annotations: mark one as ground truth, or cancel '
            'the others'
        )
    return kept[0]['result'] if kept else []


def _labels_of(result: dict) -> list[str]:
    value = result.get('value') or {}
    return value.get('rectanglelabels') or value.get('labels') or []


def _corners(region: dict, size: list[int]) -> np.ndarray:
    """Turn percent of the image into corners (4,), pixels."""
    value = region['value']
    if value.get('rotation'):
        raise ValueError(f'a rectangle that is turned by {value["rotation"]}')
    origin = np.array([value['x'], value['y']], dtype=np.float64)
    extent = np.array([value['width'], value['height']], dtype=np.float64)
    corners = np.concatenate([origin, origin + extent])
    # rounding to float32 undoes the rounding of percents
    return (corners / 100 * np.tile(size, 2)).astype(np.float32)


def _values(root: ElementTree.Element, tag: str) -> list[str]:
    return [one.attrib['value'] for one in root.iter(tag)]


def _file_name(url: str) -> str:
    """Tell the name of an image from where Label Studio has it.

    Examples:
        >>> _file_name('/data/local-files/?d=street/1.jpg')
        'street/1.jpg'
        >>> _file_name('https://a.org/pictures/1.jpg?key=7')
        '1.jpg'
    """
    parts = urlsplit(url)
    local = parse_qs(parts.query).get('d')
    return local[0] if local else Path(parts.path).name
