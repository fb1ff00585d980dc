"""Exports of CVAT, with relations in attributes of the boxes."""

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from mmsgg.registry import DATASETS

from .image_list_dataset import ImageEntry, ImageListDataset
from .scene_graph_arrays import LoadedGraphs
from .xml_file import read_xml

WHERE_FROM = (
    "export the task as 'CVAT for images 1.1', unpack it, and pass "
    'data_root=... and ann_file=... of its annotations.xml'
)
#: The corners of a box, as CVAT calls them.
CORNERS = ('xtl', 'ytl', 'xbr', 'ybr')


@DATASETS.register_module()
class CVATDataset(ImageListDataset):
    """Boxes and the relations in their attributes, from CVAT's XML.

    CVAT has no relations. Two text attributes of the labels hold them:
    ``object``, which names a box within its image, and ``relations`` of the
    subject, such as ``on: 2; in front of: 3``: each a predicate and the name
    of the object. Classes are the labels of the task, in its order.
    Predicates are the ``values`` of the attribute ``relations`` where it
    lists some, else those in use, sorted. Shapes other than boxes are not
    read, and the log counts them.

    Args:
        ann_file: ``annotations.xml`` of 'CVAT for images 1.1', relative to
            ``data_root``.
        **kwargs: Of :class:`NamesInFileDataset`.

    Raises:
        ValueError: If the export contradicts itself or the names.
        FileNotFoundError: If it is missing.
    """

    METAINFO = dict(dataset_type='CVAT')
    num_shapes: int

    def __init__(
        self, ann_file: str = 'annotations.xml', **kwargs: Any
    ) -> None:
        super().__init__(ann_file=ann_file, **kwargs)

    def read_images(self) -> Iterator[tuple[str, Any]]:
        """List the images."""
        root = read_xml(self.ann_file, 'annotation file', WHERE_FROM)
        self._set_names(root)
        for image in root.iter('image'):
            yield image.get('name', 'without a name'), image

    def _set_names(self, root: ElementTree.Element) -> None:
        classes: list[str] = []
        listed: list[str] = []
        for label in root.findall('./meta//labels/label'):
            classes.append(label.findtext('name', ''))
            for attribute in label.iter('attribute'):
                if attribute.findtext('name') == 'relations':
                    listed += attribute.findtext('values', '').splitlines()
        used = {
            name
            for box in root.iter('box')
            for name, _ in _relations(box, lenient=True)
        }
        # each label repeats the list
        predicates = [*dict.fromkeys(name for name in listed if name)]
        self.set_names(classes, predicates or sorted(used))

    def read_file(self) -> LoadedGraphs:
        """Read the file, and say how many shapes are no boxes."""
        self.num_shapes = 0
        loaded = super().read_file()
        note = f'{self.num_shapes} shapes that are no boxes are not read'
        return loaded._replace(note=note) if self.num_shapes else loaded

    def parse(self, entry: Any) -> ImageEntry:
        """Read one image."""
        boxes = entry.findall('box')
        self.num_shapes += len(entry) - len(boxes)
        for box in boxes:
            if float(box.get('rotation', 0)):
                raise ValueError(f'a box that is turned by {box.attrib}')
        names = [_attribute(box, 'object') for box in boxes]
        rows = {name: row for row, name in enumerate(names) if name}
        if len(rows) < sum(map(bool, names)):
            raise ValueError('two boxes with the same object attribute')
        triplets = []
        for row, box in enumerate(boxes):
            for predicate, name in _relations(box):
                if name not in rows:
                    raise ValueError(
                        f'a relation names object {name!r}, which is no box'
                    )
                label = self.label('predicates', [predicate])
                triplets.append([row, rows[name], label])
        return ImageEntry(
            img_id=int(entry.attrib['id']),
            file_name=entry.attrib['name'],
            size=[int(entry.attrib[key]) for key in ('width', 'height')],
            boxes=[[float(box.attrib[c]) for c in CORNERS] for box in boxes],
            labels=[
                self.label('classes', [box.attrib['label']]) for box in boxes
            ],
            triplets=triplets,
        )


def _attribute(box: ElementTree.Element, name: str) -> str:
    """Read a text attribute, empty where a box has none."""
    for attribute in box.findall('attribute'):
        if attribute.get('name') == name:
            return (attribute.text or '').strip()
    return ''


def _relations(
    box: ElementTree.Element, lenient: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield the predicate and the name of the object of each relation.

    Raises:
        ValueError: If one is not ``predicate: object``, unless lenient.
    """
    for text in _attribute(box, 'relations').split(';'):
        predicate, colon, name = text.rpartition(':')
        if colon:
            yield predicate.strip(), name.strip()
        elif text.strip() and not lenient:
            raise ValueError(
                f'relations {text.strip()!r} instead of predicate: object'
            )
