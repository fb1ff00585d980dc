"""GQA-200: 200 object classes and 100 predicates with a long tail."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mmsgg.registry import DATASETS

from .bad_rows import BadRows
from .json_file import compare_names, read_json, whole_numbers
from .scene_graph_arrays import SceneGraphArrays, offsets_from_counts
from .scene_graph_dataset import LoadedGraphs, SceneGraphDataset

#: Names in the order of ``GQA_200_ID_Info.json`` (0-based), most frequent
#: first, background left out.
# fmt: off
GQA200_CLASSES = (
    'window', 'tree', 'man', 'shirt', 'wall', 'building', 'person', 'ground',
    'sky', 'leg', 'sign', 'hand', 'head', 'pole', 'grass', 'hair', 'car',
    'ear', 'eye', 'woman', 'clouds', 'shoe', 'table', 'leaves', 'wheel',
    'door', 'pants', 'letter', 'people', 'flower', 'water', 'glass', 'chair',
    'fence', 'arm', 'nose', 'number', 'floor', 'rock', 'jacket', 'hat',
    'plate', 'tail', 'leaf', 'face', 'bush', 'shorts', 'road', 'bag',
    'sidewalk', 'tire', 'helmet', 'snow', 'boy', 'umbrella', 'logo', 'roof',
    'boat', 'bottle', 'street', 'plant', 'foot', 'branch', 'post', 'jeans',
    'mouth', 'cap', 'girl', 'bird', 'banana', 'box', 'bench', 'mirror',
    'picture', 'pillow', 'book', 'field', 'glove', 'clock', 'dirt', 'bowl',
    'bus', 'neck', 'trunk', 'wing', 'horse', 'food', 'train', 'kite', 'paper',
    'shelf', 'airplane', 'sock', 'house', 'elephant', 'lamp', 'coat', 'cup',
    'cabinet', 'street light', 'cow', 'word', 'dog', 'finger', 'giraffe',
    'mountain', 'wire', 'flag', 'seat', 'sheep', 'counter', 'skis', 'zebra',
    'hill', 'truck', 'bike', 'racket', 'ball', 'skateboard', 'ceiling',
    'motorcycle', 'player', 'surfboard', 'sand', 'towel', 'frame', 'container',
    'paw', 'feet', 'curtain', 'windshield', 'traffic light', 'horn', 'cat',
    'child', 'bed', 'sink', 'animal', 'donut', 'stone', 'tie', 'pizza',
    'orange', 'sticker', 'apple', 'backpack', 'vase', 'basket', 'drawer',
    'collar', 'lid', 'cord', 'phone', 'pot', 'vehicle', 'fruit', 'laptop',
    'fork', 'uniform', 'bear', 'fur', 'license plate', 'lady', 'tomato', 'tag',
    'mane', 'beach', 'tower', 'cone', 'cheese', 'wrist', 'napkin', 'toilet',
    'desk', 'dress', 'cell phone', 'faucet', 'blanket', 'screen', 'watch',
    'keyboard', 'arrow', 'sneakers', 'broccoli', 'bicycle', 'guy', 'knife',
    'ocean', 't-shirt', 'bread', 'spots', 'cake', 'air', 'sweater', 'room',
    'couch', 'camera', 'frisbee', 'trash can', 'paint',
)

GQA200_PREDICATES = (
    'on', 'wearing', 'of', 'near', 'in', 'behind', 'in front of', 'holding',
    'next to', 'above', 'on top of', 'below', 'by', 'with', 'sitting on',
    'on the side of', 'under', 'riding', 'standing on', 'beside', 'carrying',
    'walking on', 'standing in', 'lying on', 'eating', 'covered by',
    'looking at', 'hanging on', 'at', 'covering', 'on the front of', 'around',
    'sitting in', 'parked on', 'watching', 'flying in', 'hanging from',
    'using', 'sitting at', 'covered in', 'crossing', 'standing next to',
    'playing with', 'walking in', 'on the back of', 'reflected in', 'flying',
    'touching', 'surrounded by', 'covered with', 'standing by', 'driving on',
    'leaning on', 'lying in', 'swinging', 'full of', 'talking on',
    'walking down', 'throwing', 'surrounding', 'standing near',
    'standing behind', 'hitting', 'printed on', 'filled with', 'catching',
    'growing on', 'grazing on', 'mounted on', 'facing', 'leaning against',
    'cutting', 'growing in', 'floating in', 'driving', 'beneath', 'contain',
    'resting on', 'worn on', 'walking with', 'driving down',
    'on the bottom of', 'playing on', 'playing in', 'feeding',
    'standing in front of', 'waiting for', 'running on', 'close to',
    'sitting next to', 'swimming in', 'talking to', 'grazing in', 'pulling',
    'pulled by', 'reaching for', 'attached to', 'skiing on', 'parked along',
    'hang on',
)
# fmt: on

#: The file of each split; 'val' is a part of the file of 'test'.
FILES = dict(
    train='GQA_200_Train.json',
    val='GQA_200_Test.json',
    test='GQA_200_Test.json',
)
#: The parallel lists of a file, an entry an image.
LISTS = (
    'filenames_all',
    'img_info_all',
    'gt_boxes_all',
    'gt_classes_all',
    'relationships_all',
)
WHERE_FROM = (
    'the files are GQA_200_Train.json, GQA_200_Test.json and '
    'GQA_200_ID_Info.json of GQA-200; put them into data_root, or pass '
    'data_root=... of a folder that holds them'
)


@DATASETS.register_module()
class GQA200Dataset(SceneGraphDataset):
    """GQA-200 of Dong et al. (CVPR 2022), read from its own JSON.

    ::

        data_root/
          GQA_200_Train.json  GQA_200_Test.json  GQA_200_ID_Info.json
          images/*.jpg

    The test set is the whole of its file; the validation set is the first
    ``num_val`` images of the same file. Boxes are cut off at the borders. An
    image whose boxes are all zero has lost its annotation and is left out.
    Everything that is cut, dropped or repeated is counted in the log.

    Args:
        ann_file: The file of annotations, relative to ``data_root``; that of
            the split by default.
        vocabulary_file: The JSON file of names; it must agree with the
            metainfo.
        data_root: Folder of the files above.
        split: 'train', 'val' or 'test'.
        num_val: How many images of the test file the validation set is.
        image_folders: As in :class:`SceneGraphDataset`.
        degenerate_boxes: As in :class:`SceneGraphDataset`. The test file has
            22 such boxes beside those of an image that are all zero.
        **kwargs: Of :class:`SceneGraphDataset`, such as the filters. Another
            vocabulary comes as
            ``metainfo=dict(classes=[...], predicates=[...])``.

    Raises:
        ValueError: If ``split`` is unknown or a file contradicts itself or
            the metainfo.
        FileNotFoundError: If a file is missing.
    """

    METAINFO = dict(
        dataset_type='GQA200',
        classes=GQA200_CLASSES,
        predicates=GQA200_PREDICATES,
    )
    PATHS = ('vocabulary_file',)

    def __init__(
        self,
        ann_file: str = '',
        vocabulary_file: str = 'GQA_200_ID_Info.json',
        data_root: str = 'data/gqa',
        split: str = 'train',
        num_val: int = 5000,
        image_folders: Sequence[str] = ('images',),
        degenerate_boxes: Literal['error', 'drop', 'widen'] = 'widen',
        **kwargs: Any,
    ) -> None:
        if split not in FILES:
            raise ValueError(f'split={split!r} is none of {(*FILES,)}')
        self.vocabulary_file = vocabulary_file
        self.split = split
        self.num_val = num_val
        super().__init__(
            ann_file=ann_file or FILES[split],
            data_root=data_root,
            image_folders=image_folders,
            degenerate_boxes=degenerate_boxes,
            **kwargs,
        )

    @property
    def title(self) -> str:
        """What the log calls the data set."""
        return f'{type(self).__name__} {self.split}'

    def load_graphs(self) -> LoadedGraphs:
        """Read the split."""
        vocabulary = read_json(
            self.vocabulary_file, 'vocabulary file', WHERE_FROM
        )
        sizes = []
        for field in ('classes', 'predicates'):
            key, names = f'ind_to_{field}', self._metainfo[field]
            # the first name is the background
            listed = dict(enumerate(vocabulary.get(key, ())))
            listed.pop(0, None)
            where = f'{self.vocabulary_file}: {key}'
            compare_names(where, listed, names, field, first=1)
            sizes.append(len(names))
        graphs = _read_graphs(self.ann_file, self.bad_rows, *sizes)
        if self.split == 'val':
            graphs = graphs.take(np.arange(min(self.num_val, len(graphs))))
        graphs, num_lost = _drop_lost(graphs)
        clipped, degenerate, num_clipped = graphs.clip_boxes()
        if self.degenerate_boxes == 'error':
            self._add_degenerate(graphs, degenerate)
        return LoadedGraphs(
            clipped,
            num_clipped,
            degenerate,
            dropped={'images whose boxes are all zero': num_lost},
            note=_describe_repeats(graphs),
        )

    def _add_degenerate(
        self, graphs: SceneGraphArrays, degenerate: np.ndarray
    ) -> None:
        """Hand boxes without an area inside their image to the bad rows."""
        image_of_boxes = graphs.image_of_boxes()

        def describe(box: int) -> str:
            image = image_of_boxes[box]
            return (
                f'{self.ann_file}: box {graphs.boxes[box].tolist()} of image '
                f'{graphs.file_name(image)!r} has no area inside its '
                f'{graphs.widths[image]} x {graphs.heights[image]} pixels; '
                "correct the file, or pass degenerate_boxes='drop' or 'widen'"
            )

        self.bad_rows.add('boxes without an area', degenerate, describe)


def _drop_lost(graphs: SceneGraphArrays) -> tuple[SceneGraphArrays, int]:
    """Drop images whose boxes are all zero, and say how many there were."""
    zero = (graphs.boxes == 0).all(axis=1)
    num_zero = np.bincount(
        graphs.image_of_boxes(), zero, minlength=len(graphs)
    )
    lost = (num_zero == graphs.box_counts) & (graphs.box_counts > 0)
    return graphs.take(np.flatnonzero(~lost)), int(lost.sum())


def _describe_repeats(graphs: SceneGraphArrays) -> str:
    """Say how many relations share their pair with another one."""
    relations = np.column_stack([graphs.global_pairs(), graphs.predicates])
    on_pair, same = (
        len(relations) - len(np.unique(relations[:, :columns], axis=0))
        for columns in (2, 3)
    )
    return (
        f'{on_pair} relations on a pair that has another, {same} of them '
        'the same again'
    )


def _read_graphs(
    path: str, bad_rows: BadRows, num_classes: int, num_predicates: int
) -> SceneGraphArrays:
    """Read a file; labels become 0-based.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is of another layout, or names what does not exist.
    """
    names, columns = _read_columns(path, bad_rows)
    sizes, boxes, labels, pairs, predicates = columns
    box_counts, relation_counts = (
        np.array([len(array) for array in column], dtype=np.int64)
        for column in (boxes, pairs)
    )
    widths, heights = np.array(sizes, dtype=np.int64).reshape(-1, 2).T
    graphs = SceneGraphArrays(
        img_ids=np.array([Path(name).stem for name in names], dtype=str),
        heights=heights,
        widths=widths,
        boxes=np.concatenate([np.zeros((0, 4)), *boxes]),
        labels=np.concatenate([np.zeros(0, dtype=np.int64), *labels]),
        box_starts=offsets_from_counts(box_counts),
        pairs=np.concatenate([np.zeros((0, 2), dtype=np.int64), *pairs]),
        predicates=np.concatenate([np.zeros(0, dtype=np.int64), *predicates]),
        relation_starts=offsets_from_counts(relation_counts),
        file_names=np.array(names, dtype=str),
    )
    return _check_ranges(path, bad_rows, graphs, num_classes, num_predicates)


def _read_columns(
    path: str, bad_rows: BadRows
) -> tuple[list[str], list[list[np.ndarray]]]:
    """Read the images that have the right layout.

    Returns:
        Their names, and what :func:`_image_arrays` makes of each, by column.
    """
    lists = _read_lists(path)
    columns: list[list[np.ndarray]] = [[] for _ in LISTS]
    names: list[str] = []
    problems: dict[int, str] = {}
    entries = zip(*(lists[key] for key in LISTS), strict=True)
    for index, (name, *image) in enumerate(entries):
        try:
            arrays = _image_arrays(image)
        except (KeyError, TypeError, ValueError) as error:
            problems[index] = _wrong_entry(path, name, error)
            continue
        names.append(name)
        for column, array in zip(columns, arrays, strict=True):
            column.append(array)
    bad_rows.add('bad images', [*problems], problems.__getitem__)
    return names, columns


def _wrong_entry(path: str, name: str, what: object) -> str:
    return (
        f'{path}: image {name!r} has a wrong entry: {what}; correct or remove '
        'it'
    )


def _check_ranges(
    path: str,
    bad_rows: BadRows,
    graphs: SceneGraphArrays,
    num_classes: int,
    num_predicates: int,
) -> SceneGraphArrays:
    """Leave out boxes and relations with a number out of its range."""
    of_box = graphs.image_of_boxes()
    of_relation = np.repeat(np.arange(len(graphs)), graphs.relation_counts)
    num_boxes = graphs.box_counts[of_relation]
    labels, pairs = graphs.labels, graphs.pairs
    known = (labels >= 0) & (labels < num_classes)
    inside = ((pairs >= 0) & (pairs < num_boxes[:, None])).all(axis=1)
    named = (graphs.predicates >= 0) & (graphs.predicates < num_predicates)
    for what, kind, good, of_image, ends in (
        ('classes', 'boxes', known, of_box, np.full(len(known), num_classes)),
        ('box rows', 'relations', inside, of_relation, num_boxes),
        (
            'predicates',
            'relations',
            named | ~inside,  # counted before
            of_relation,
            np.full(len(named), num_predicates),
        ),
    ):

        def describe(
            row: int,
            what: str = what,
            of_image: np.ndarray = of_image,
            ends: np.ndarray = ends,
        ) -> str:
            return _wrong_entry(
                path,
                graphs.file_name(of_image[row]),
                f'{what} that are none of the {ends[row]} there are',
            )

        bad_rows.add(f'bad {kind}', np.flatnonzero(~good), describe)
    return bad_rows.leave_out(graphs, known, named & inside)


def _read_lists(path: str) -> dict[str, list]:
    """Read the parallel lists of a file, an entry an image."""
    lists = read_json(path, 'annotation file', WHERE_FROM)
    if not isinstance(lists, dict) or any(key not in lists for key in LISTS):
        raise ValueError(
            f'{path} lacks one of the lists {", ".join(LISTS)}; pass '
            'ann_file=... of a file in the layout of GQA_200_Test.json'
        )
    lengths = {key: len(lists[key]) for key in LISTS}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f'{path}: its lists must have an entry an image, but have '
            f'{lengths}; fetch the file again'
        )
    return lists


def _image_arrays(entries: Sequence) -> tuple[np.ndarray, ...]:
    """Turn the entries of one image into arrays.

    Args:
        entries: Those of ``LISTS``, without its name.

    Returns:
        [width, height], boxes (N, 4), 0-based labels (N,), pairs (R, 2) and
        0-based predicates (R,).

    Raises:
        ValueError: If something is of another shape.
    """
    image, bboxes, classes, relations = entries
    size = whole_numbers([image['width'], image['height']])
    boxes = np.array(bboxes, dtype=np.float64).reshape(len(bboxes), 4)
    labels = whole_numbers(classes) - 1
    triplets = whole_numbers(relations).reshape(len(relations), 3)
    if len(labels) != len(boxes):
        raise ValueError(f'{len(boxes)} boxes, but {len(labels)} classes')
    if (size <= 0).any():
        raise ValueError(f'a size of {size.tolist()} pixels')
    return size, boxes, labels, triplets[:, :2], triplets[:, 2] - 1
