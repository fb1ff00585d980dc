"""Write all splits of a data set in any of the formats."""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

import numpy as np
from mmengine.utils import track_iter_progress

from format_readers import OPEN_IMAGES, DataSplits
from mmsgg.apis.exports import label_studio_results
from mmsgg.datasets import (
    SceneGraphArrays,
    write_scene_graph_json,
    write_vg150,
)


class ImageRows:
    """One image, in lists that JSON takes."""

    def __init__(self, graphs: SceneGraphArrays, image: int) -> None:
        boxes = slice(*graphs.box_starts[image : image + 2])
        rows = slice(*graphs.relation_starts[image : image + 2])
        self.img_id = graphs.img_ids[image].item()
        self.file_name = graphs.file_name(image)
        self.width = graphs.widths[image].item()
        self.height = graphs.heights[image].item()
        self.boxes = graphs.boxes[boxes].tolist()
        self.labels = graphs.labels[boxes].tolist()
        self.triplets = np.column_stack(
            [graphs.pairs[rows], graphs.predicates[rows]]
        ).tolist()
        has_masks = graphs.mask_ids is not None
        self.mask_file = graphs.mask_files[image].item() if has_masks else ''
        self.mask_ids = (
            graphs.mask_ids[boxes].tolist()
            if has_masks
            else [*range(1, len(self.boxes) + 1)]
        )

    @property
    def stem(self) -> str:
        """The name of the image without .jpg."""
        return _stem(self.file_name)


def _stem(file_name: str) -> str:
    if PurePosixPath(file_name).suffix != '.jpg':
        raise ValueError(
            f'image {file_name} is no .jpg, which the format asks for; '
            'convert the images first'
        )
    return file_name[: -len('.jpg')]


def _images(graphs: SceneGraphArrays) -> Iterator[ImageRows]:
    images = range(len(graphs))
    for image in track_iter_progress(images, file=sys.stderr):
        yield ImageRows(graphs, image)


def _dump(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def _write_json(folder: Path, data: DataSplits) -> None:
    for split, graphs in data.graphs.items():
        path = folder / f'{split}.json'
        write_scene_graph_json(path, graphs, data.classes, data.predicates)


def _write_coco_rel(folder: Path, data: DataSplits) -> None:
    """As our JSON, under SGG-Benchmark's keys and with ids of relations."""
    _write_json(folder, data)
    for split in data.graphs:
        path = folder / f'{split}.json'
        lists = json.loads(path.read_text())
        lists['rel_categories'] = lists.pop('predicates')
        lists['rel_annotations'] = [
            dict(id=k, **relation)
            for k, relation in enumerate(lists.pop('relations'), start=1)
        ]
        _dump(path, lists)


def _write_reltr(folder: Path, data: DataSplits) -> None:
    """As our JSON, with the relations in a file of their own."""
    _write_json(folder, data)
    names = ['__background__', *data.predicates]
    relations: dict[str, Any] = dict(rel_categories=names)
    for split, graphs in data.graphs.items():
        path = folder / f'{split}.json'
        lists = json.loads(path.read_text())
        del lists['predicates'], lists['relations']
        _dump(path, lists)
        relations[split] = {
            str(image.img_id): [[s, o, p + 1] for s, o, p in image.triplets]
            for image in _images(graphs)
        }
    _dump(folder / 'rel.json', relations)


def _write_psg(folder: Path, data: DataSplits) -> None:
    num_things = data.num_things
    if num_things is None:
        num_things = len(data.classes)
    content: dict[str, Any] = dict(
        data=[],
        thing_classes=[*data.classes[:num_things]],
        stuff_classes=[*data.classes[num_things:]],
        predicate_classes=[*data.predicates],
        test_image_ids=[],
    )
    for split, graphs in data.graphs.items():
        for image in _images(graphs):
            if split == 'test':
                content['test_image_ids'].append(image.img_id)
            content['data'].append(_psg_image(image, num_things))
    _dump(folder / 'psg.json', content)


def _psg_image(image: ImageRows, num_things: int) -> dict:
    rows = list(zip(image.boxes, image.labels, image.mask_ids, strict=True))
    return dict(
        image_id=image.img_id,
        file_name=image.file_name,
        pan_seg_file_name=image.mask_file,
        width=image.width,
        height=image.height,
        annotations=[
            dict(bbox=box, bbox_mode=0, category_id=label)
            for box, label, _ in rows
        ],
        segments_info=[
            dict(
                id=number,
                category_id=label,
                isthing=int(label < num_things),
                iscrowd=0,
                area=(box[2] - box[0]) * (box[3] - box[1]),
            )
            for box, label, number in rows
        ],
        relations=image.triplets,
    )


def _write_open_images(folder: Path, data: DataSplits) -> None:
    for split, graphs in data.graphs.items():
        images = [
            dict(
                img_fn=image.stem,
                img_size=[image.width, image.height],
                bbox=image.boxes,
                det_labels=image.labels,
                rel=image.triplets,
            )
            for image in _images(graphs)
        ]
        _dump(folder / OPEN_IMAGES[split], images)
    names = dict(obj=[*data.classes], rel=[*data.predicates])
    _dump(folder / 'annotations' / 'categories_dict.json', names)


def _write_vg(folder: Path, data: DataSplits) -> None:
    splits = _with_vg_ids(data.graphs)
    num_val = write_vg150(folder, splits, data.classes, data.predicates)
    print(f'{folder}: to be read with num_val={num_val}')


def _with_vg_ids(
    splits: Mapping[str, SceneGraphArrays],
) -> dict[str, SceneGraphArrays]:
    """Make ids of the names of images, numbers where all are numbers.

    VG150Dataset looks for <image id>.jpg; what ids there were is lost.
    """
    ids = {
        split: [
            PurePosixPath(_stem(graphs.file_name(i))).name
            for i in range(len(graphs))
        ]
        for split, graphs in splits.items()
    }
    numeric = all(
        name.isdecimal() and str(int(name)) == name
        for names in ids.values()
        for name in names
    )
    return {
        split: dataclasses.replace(
            graphs, img_ids=np.array(ids[split], dtype=int if numeric else str)
        )
        for split, graphs in splits.items()
    }


def _write_vrd(folder: Path, data: DataSplits) -> None:
    """With whole pixels counted from 1, and sizes in a file beside."""
    sizes = {}
    for split, graphs in data.graphs.items():
        images = {}
        for image in _images(graphs):
            sizes[image.file_name] = [image.width, image.height]
            corners = np.rint(image.boxes).astype(int).reshape(-1, 4) + 1
            ends = [
                dict(category=label, bbox=[y1, y2, x1, x2])
                for label, (x1, y1, x2, y2) in zip(
                    image.labels, corners.tolist(), strict=True
                )
            ]
            images[image.file_name] = [
                dict(predicate=p, subject=ends[s], object=ends[o])
                for s, o, p in image.triplets
            ]
        _dump(folder / f'annotations_{split}.json', images)
    _dump(folder / 'sizes.json', sizes)
    _dump(folder / 'objects.json', [*data.classes])
    _dump(folder / 'predicates.json', [*data.predicates])


def _write_gqa(folder: Path, data: DataSplits) -> None:
    for split, graphs in data.graphs.items():
        images = [*_images(graphs)]
        lists = dict(
            filenames_all=[image.file_name for image in images],
            img_info_all=[
                dict(width=image.width, height=image.height)
                for image in images
            ],
            gt_boxes_all=[image.boxes for image in images],
            gt_classes_all=[[k + 1 for k in i.labels] for i in images],
            relationships_all=[
                [[s, o, p + 1] for s, o, p in image.triplets]
                for image in images
            ],
        )
        _dump(folder / f'GQA_200_{split.capitalize()}.json', lists)
    names = {
        f'ind_to_{field}': ['__background__', *getattr(data, field)]
        for field in ('classes', 'predicates')
    }
    _dump(folder / 'GQA_200_ID_Info.json', names)


def _write_cvat(folder: Path, data: DataSplits) -> None:
    for name in data.predicates:
        if ';' in name or ':' in name:
            raise ValueError(
                f'predicate {name!r} has a colon or a semicolon, which '
                'separate relations in CVAT; rename it'
            )
    for split, graphs in data.graphs.items():
        root = ElementTree.Element('annotations')
        ElementTree.SubElement(root, 'version').text = '1.1'
        task = ElementTree.SubElement(
            ElementTree.SubElement(root, 'meta'), 'task'
        )
        labels = ElementTree.SubElement(task, 'labels')
        for name in data.classes:
            _add_cvat_label(labels, name, data.predicates)
        for number, image in enumerate(_images(graphs)):
            _add_cvat_image(root, number, image, data)
        folder.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(root).write(
            folder / f'{split}.xml', encoding='utf-8', xml_declaration=True
        )


def _add_cvat_label(
    labels: ElementTree.Element, name: str, predicates: Any
) -> None:
    label = ElementTree.SubElement(labels, 'label')
    ElementTree.SubElement(label, 'name').text = name
    attributes = ElementTree.SubElement(label, 'attributes')
    for key, values in (('object', ()), ('relations', predicates)):
        attribute = ElementTree.SubElement(attributes, 'attribute')
        for tag, text in (
            ('name', key),
            ('mutable', 'False'),
            ('input_type', 'text'),
            ('default_value', ''),
            ('values', '\n'.join(values)),
        ):
            ElementTree.SubElement(attribute, tag).text = text


def _add_cvat_image(
    root: ElementTree.Element, number: int, image: ImageRows, data: DataSplits
) -> None:
    img_id = image.img_id if isinstance(image.img_id, int) else number
    one = ElementTree.SubElement(
        root,
        'image',
        id=str(img_id),
        name=image.file_name,
        width=str(image.width),
        height=str(image.height),
    )
    rows = zip(image.boxes, image.labels, strict=True)
    for row, (box, label) in enumerate(rows):
        corners = zip(('xtl', 'ytl', 'xbr', 'ybr'), box, strict=True)
        element = ElementTree.SubElement(
            one,
            'box',
            label=data.classes[label],
            source='manual',
            occluded='0',
            **{key: repr(value) for key, value in corners},
            z_order='0',
        )
        relations = '; '.join(
            f'{data.predicates[p]}: {o + 1}'
            for s, o, p in image.triplets
            if s == row
        )
        for key, text in (('object', str(row + 1)), ('relations', relations)):
            attribute = ElementTree.SubElement(element, 'attribute', name=key)
            attribute.text = text


def _write_label_studio(folder: Path, data: DataSplits) -> None:
    view = ElementTree.Element('View')
    ElementTree.SubElement(view, 'Image', name='image', value='$image')
    rectangles = ElementTree.SubElement(
        view, 'RectangleLabels', name='label', toName='image'
    )
    relations = ElementTree.SubElement(view, 'Relations')
    for parent, tag, names in (
        (rectangles, 'Label', data.classes),
        (relations, 'Relation', data.predicates),
    ):
        for name in names:
            ElementTree.SubElement(parent, tag, value=name)
    folder.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(view).write(folder / 'labels.xml')
    for split, graphs in data.graphs.items():
        tasks = [
            _label_studio_task(number, image, data)
            for number, image in enumerate(_images(graphs), start=1)
        ]
        _dump(folder / f'{split}.json', tasks)


def _label_studio_task(
    number: int, image: ImageRows, data: DataSplits
) -> dict:
    graph = dict(
        id=image.img_id,
        file_name=image.file_name,
        width=image.width,
        height=image.height,
        objects=[
            dict(id=row, label=label, name=data.classes[label], box=box)
            for row, (box, label) in enumerate(
                zip(image.boxes, image.labels, strict=True)
            )
        ],
        triplets=[
            dict(subject_id=s, object_id=o, label=p, name=data.predicates[p])
            for s, o, p in image.triplets
        ],
    )
    return dict(
        id=number,
        data=dict(
            image=f'/data/local-files/?d={image.file_name}',
            img_id=image.img_id,
            width=image.width,
            height=image.height,
        ),
        annotations=[
            dict(
                id=number,
                was_cancelled=False,
                result=label_studio_results(graph),
            )
        ],
    )


#: By the names of the formats.
WRITERS: dict[str, Callable[[Path, DataSplits], None]] = {
    'json': _write_json,
    'coco-rel': _write_coco_rel,
    'reltr': _write_reltr,
    'psg': _write_psg,
    'open-images': _write_open_images,
    'vg-h5': _write_vg,
    'vrd': _write_vrd,
    'gqa': _write_gqa,
    'cvat': _write_cvat,
    'label-studio': _write_label_studio,
}
#: The formats that have no validation set of their own.
WITHOUT_VAL = ('psg', 'vrd', 'gqa')
