"""GQA-200: 200 object classes and 100 predicates with a long tail."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mmsgg.registry import DATASETS

from .image_list_dataset import ImageEntry, ImageListDataset
from .json_file import compare_names, read_json, whole_numbers
from .scene_graph_arrays import LoadedGraphs, SceneGraphArrays

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
class GQA200Dataset(ImageListDataset):
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
        **kwargs: Of :class:`NamesInFileDataset`, such as the filters. Another
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

    def read_images(self) -> Iterator[tuple[str, Any]]:
        """List the images of the file; the names must be those expected."""
        vocabulary = read_json(
            self.vocabulary_file, 'vocabulary file', WHERE_FROM
        )
        for field in ('classes', 'predicates'):
            key, names = f'ind_to_{field}', self._metainfo[field]
            # the first name is the background
            listed = dict(enumerate(vocabulary.get(key, ())))
            listed.pop(0, None)
            where = f'{self.vocabulary_file}: {key}'
            compare_names(where, listed, names, field, first=1)
        lists = _read_lists(self.ann_file)
        for entry in zip(*(lists[key] for key in LISTS), strict=True):
            yield entry[0], entry

    def parse(self, entry: Any) -> ImageEntry:
        """Read one entry of the parallel lists; labels become 0-based."""
        name, image, boxes, classes, relations = entry
        shift = np.array([0, 0, 1])
        triplets = whole_numbers(relations).reshape(len(relations), 3)
        return ImageEntry(
            img_id=Path(name).stem,
            file_name=name,
            size=[image['width'], image['height']],
            boxes=boxes,
            labels=whole_numbers(classes) - 1,
            triplets=triplets - shift,
        )

    def read_file(self) -> LoadedGraphs:
        """Read the split."""
        graphs = self.read_graphs()
        if self.split == 'val':
            graphs = graphs.take(np.arange(min(self.num_val, len(graphs))))
        graphs, num_lost = _drop_lost(graphs)
        return self.finish(graphs)._replace(
            dropped={'images whose boxes are all zero': num_lost},
            note=_describe_repeats(graphs),
        )


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
