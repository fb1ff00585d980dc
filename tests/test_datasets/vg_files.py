"""Small random files in the layout of VG150, whole or broken on purpose."""

import json

import cv2
import h5py
import numpy as np

CLASSES = ('cat', 'hat', 'mat', 'rat')
PREDICATES = ('on', 'under', 'eats')
CORRUPTED = (1592, 1722, 4616, 4617)


class VGFiles:
    """Arrays of a VG-SGG.h5 and entries of an image_data.json, to change.

    Sizes of images are 40 to 90 pixels; some images have no box, some boxes
    stick out, some relations repeat a pair or join a box to itself.
    """

    def __init__(self, seed=0, num_images=16, classes=CLASSES):
        rng = np.random.default_rng(seed)
        self.classes, self.predicates = list(classes), list(PREDICATES)
        self.corrupted = list(CORRUPTED)
        self.images = [
            dict(
                image_id=700 + 3 * i,
                width=int(rng.integers(40, 90)),
                height=int(rng.integers(40, 90)),
                url='',
            )
            for i in range(num_images)
        ]
        self.arrays = self._draw_rows(rng)
        self.arrays['split'] = rng.choice([0, 0, 2], num_images)

    def _draw_rows(self, rng):
        boxes, labels, pairs, predicates = [], [], [], []
        first_boxes, last_boxes, first_rows, last_rows = [], [], [], []
        for image in self.images:
            count = int(rng.choice([0, 1, 2, 4, 6]))
            rows = int(rng.integers(0, 9)) if count else 0
            first = len(boxes)
            first_boxes.append(first if count else -1)
            first_rows.append(len(pairs) if rows else -1)
            boxes += [_random_box(rng, image) for _ in range(count)]
            labels += rng.integers(1, len(self.classes) + 1, count).tolist()
            ends = rng.integers(0, max(count, 1), (rows, 2))
            pairs += (first + ends).tolist()
            predicates += rng.integers(1, 4, rows).tolist()
            last_boxes.append(len(boxes) - 1 if count else -1)
            last_rows.append(len(pairs) - 1 if rows else -1)
        boxes = np.array(boxes, dtype=float).reshape(-1, 4)
        return {
            'img_to_first_box': np.array(first_boxes, dtype=np.int32),
            'img_to_last_box': np.array(last_boxes, dtype=np.int32),
            'img_to_first_rel': np.array(first_rows, dtype=np.int32),
            'img_to_last_rel': np.array(last_rows, dtype=np.int32),
            'labels': np.array(labels, dtype=np.int64).reshape(-1, 1),
            'boxes_1024': np.rint(boxes * 1024).astype(np.int32),
            'boxes_512': np.rint(boxes * 512).astype(np.int32),
            'active_object_mask': np.ones((len(labels), 1), dtype=bool),
            'predicates': np.array(predicates, dtype=np.int64).reshape(-1, 1),
            'relationships': np.array(pairs, dtype=np.int32).reshape(-1, 2),
        }

    def write(self, folder):
        """Write everything; every other image goes to the second folder."""
        for name in ('VG_100K', 'VG_100K_2'):
            (folder / name).mkdir(parents=True, exist_ok=True)
        with h5py.File(folder / 'VG-SGG.h5', 'w') as file:
            for key, array in self.arrays.items():
                file[key] = array
        entries = list(self.images)
        for place, image_id in enumerate(self.corrupted):
            entry = dict(image_id=image_id, width=10, height=10)
            entries.insert(3 * place, entry)
        (folder / 'image_data.json').write_text(json.dumps(entries))
        vocabulary = {
            'label_to_idx': _numbered(self.classes),
            'predicate_to_idx': _numbered(self.predicates),
        }
        (folder / 'VG-SGG-dicts.json').write_text(json.dumps(vocabulary))
        for i, image in enumerate(self.images):
            path = folder / ('VG_100K', 'VG_100K_2')[i % 2]
            pixels = np.full((image['height'], image['width'], 3), i, np.uint8)
            cv2.imwrite(str(path / f'{image["image_id"]}.jpg'), pixels)
        return folder


def _numbered(names):
    return {name: idx for idx, name in enumerate(names, start=1)}


def _random_box(rng, image):
    """Centre and size relative to the longer side, centre inside."""
    longer = max(image['width'], image['height'])
    centre = rng.uniform(0.2, 0.8, 2) * (image['width'], image['height'])
    return [*(centre / longer), *(rng.uniform(8, 36, 2) / longer)]


def settings(folder, **kwargs):
    """Arguments that make VG150Dataset read a written folder."""
    return (
        dict(
            data_root=str(folder),
            num_val=2,
            metainfo=dict(classes=CLASSES, predicates=PREDICATES),
        )
        | kwargs
    )
