"""VG150 and Open Images in the JSON of RelTR and EGTR."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Literal

from mmsgg.registry import DATASETS

from .coco_relations import SceneGraphJsonDataset
from .json_file import name_lists, read_json, whole_number

SPLITS = ('train', 'val', 'test')
#: How the files call the first of the predicates, which is none.
BACKGROUND = ('__background__', 'no_relation')
WHERE_FROM = (
    'docs/datasets.md says where the files of RelTR are to be had; pass '
    'data_root=... of a folder that holds them'
)


@DATASETS.register_module()
class RelTRDataset(SceneGraphJsonDataset):
    """COCO JSON of boxes beside one file of relations, as RelTR reads them.

    ::

        data_root/
          train.json  val.json  test.json  rel.json
          images/*.jpg

    ``rel.json`` has for each split ``{image id: [[subject, object,
    predicate], ...]}``, where subject and object are places among the
    annotations of the image, in the order of their file, and the predicate is
    a place in ``rel_categories``. A background that stands first there is
    none of the predicates.

    A box that is left out takes its own relations with it and leaves those
    of the others as they are.

    Args:
        ann_file: The file of boxes, relative to ``data_root``; that of the
            split by default.
        relations_file: The file of relations.
        data_root: Folder of the files above.
        data_prefix: As in :class:`SceneGraphDataset`.
        split: 'train', 'val' or 'test'.
        degenerate_boxes: As in :class:`SceneGraphDataset`.
        **kwargs: Of :class:`NamesInFileDataset`; RelTR and EGTR train with
            ``merge_duplicate_relations=True``.

    Raises:
        ValueError: If ``split`` is unknown or a file contradicts itself.
        FileNotFoundError: If a file is missing.
    """

    METAINFO = dict(dataset_type='RelTR')
    PATHS = ('relations_file',)

    def __init__(
        self,
        ann_file: str = '',
        relations_file: str = 'rel.json',
        data_root: str = 'data/vg_coco',
        data_prefix: dict = dict(img='images'),  # noqa: B006
        split: str = 'train',
        degenerate_boxes: Literal['error', 'drop', 'widen'] = 'drop',
        **kwargs: Any,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f'split={split!r} is none of {SPLITS}')
        self.relations_file = relations_file
        self.split = split
        super().__init__(
            ann_file=ann_file or f'{split}.json',
            data_root=data_root,
            data_prefix=data_prefix,
            degenerate_boxes=degenerate_boxes,
            **kwargs,
        )

    def read_lists(self) -> dict[str, list]:
        """Make the lists of :class:`SceneGraphJsonDataset` of both files."""
        content = read_json(self.ann_file, 'annotation file', WHERE_FROM)
        relations = read_json(
            self.relations_file, 'file of relations', WHERE_FROM
        )
        (names,) = name_lists(
            self.relations_file,
            relations,
            'rel_categories',
            where_from=WHERE_FROM,
        )
        first = int(names[:1] != () and names[0] in BACKGROUND)
        rows_of = relations.get(self.split)
        if not isinstance(content, dict) or not isinstance(rows_of, dict):
            raise ValueError(
                f'{self.ann_file} or the {self.split!r} of '
                f'{self.relations_file} is no object; {WHERE_FROM}'
            )
        lists: dict[str, list] = dict(content)
        lists['predicates'] = [
            dict(id=k, name=names[k]) for k in range(first, len(names))
        ]
        lists['relations'] = list(
            self._relations(content, rows_of, range(first, len(names)))
        )
        return lists

    def _relations(
        self, content: dict, rows_of: dict[str, list], predicates: range
    ) -> Iterator[dict]:
        """Name the ends of the relations by the ids of annotations."""
        annotations = defaultdict(list)
        for entry in content.get('annotations', ()):
            if isinstance(entry, dict):
                annotations[str(entry.get('image_id'))].append(entry.get('id'))
        image_ids = {
            str(image.get('id')): image.get('id')
            for image in content.get('images', ())
            if isinstance(image, dict)
        }
        problems = []
        for key, rows in rows_of.items():
            ids = annotations[key]
            for k, row in enumerate(rows):
                numbers = _row(row)
                where = f'{self.relations_file}: relation {k} of image {key!r}'
                if key not in image_ids:
                    what = f'is of an image that {self.ann_file} has not'
                elif numbers is None:
                    what = 'is not [subject, object, predicate]'
                elif numbers[2] not in predicates:
                    what = 'has a predicate that is none'
                elif not {*numbers[:2]} <= {*range(len(ids))}:
                    what = f'names a box, of which the image has {len(ids)}'
                else:
                    yield dict(
                        image_id=image_ids[key],
                        subject_id=ids[numbers[0]],
                        object_id=ids[numbers[1]],
                        predicate_id=numbers[2],
                    )
                    continue
                problems.append(f'{where}, {row}, {what}; correct it')
        self.bad_rows.add(
            'bad relations', range(len(problems)), problems.__getitem__
        )


def _row(row: object) -> list[int] | None:
    """Return three whole numbers, None for anything else."""
    if not isinstance(row, list) or len(row) != 3:
        return None
    numbers = [whole_number(value) for value in row]
    return (
        [n for n in numbers if n is not None] if None not in numbers else None
    )
