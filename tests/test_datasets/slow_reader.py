"""Another reader of VG150: one image after the other, in plain loops."""

import json
from pathlib import Path

import h5py


def slow_items(folder, split, num_val, need_relations=False, overlap=False):
    """List the items that the data set must give, without sample_idx."""
    folder = Path(folder)
    images = [
        image
        for image in json.loads((folder / 'image_data.json').read_text())
        if str(image['image_id']) not in ('1592', '1722', '4616', '4617')
    ]
    with h5py.File(folder / 'VG-SGG.h5') as file:
        rows = []
        for row, image in enumerate(images):
            wanted = 2 if split == 'test' else 0
            if int(file['split'][row]) != wanted:
                continue
            if file['img_to_first_box'][row] < 0:
                continue
            if need_relations and file['img_to_first_rel'][row] < 0:
                continue
            rows.append((row, image))
        if split == 'val':
            rows = rows[:num_val]
        elif split == 'train':
            rows = rows[num_val:]
        items = [_item(file, folder, row, image) for row, image in rows]
    for item in items:
        item['relations'] = [
            relation
            for relation in item['relations']
            if relation['pair'][0] != relation['pair'][1]
            and not (overlap and not _overlap(item, relation['pair']))
        ]
    return [item for item in items if item['relations'] or not need_relations]


def _item(file, folder, row, image):
    size = 1024 if 'boxes_1024' in file else 512
    scale = max(image['width'], image['height']) / size
    first, last = (
        int(file[f'img_to_{k}_box'][row]) for k in ('first', 'last')
    )
    instances = []
    for box_row in range(first, last + 1):
        x, y, w, h = (float(v) * scale for v in file[f'boxes_{size}'][box_row])
        corners = [
            max(x - w / 2, 0),
            max(y - h / 2, 0),
            min(x + w / 2, image['width']),
            min(y + h / 2, image['height']),
        ]
        label = int(file['labels'][box_row].item()) - 1
        instances.append(dict(bbox=corners, bbox_label=label, ignore_flag=0))
    relations = []
    first_rel = int(file['img_to_first_rel'][row])
    if first_rel >= 0:
        for k in range(first_rel, int(file['img_to_last_rel'][row]) + 1):
            pair = [int(v) - first for v in file['relationships'][k]]
            label = int(file['predicates'][k].item()) - 1
            relations.append(dict(pair=pair, predicate_label=label))
    name = f'{image["image_id"]}.jpg'
    (path,) = folder.glob(f'VG_100K*/{name}')
    return dict(
        img_path=str(path),
        img_id=image['image_id'],
        height=image['height'],
        width=image['width'],
        instances=instances,
        relations=relations,
    )


def _overlap(item, pair):
    a, b = (item['instances'][i]['bbox'] for i in pair)
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(
        a[1], b[1]
    )
