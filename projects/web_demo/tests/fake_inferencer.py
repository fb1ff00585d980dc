"""A model that needs no time and counts its calls."""

import io
from base64 import b64encode
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ('person', 'dog', 'traffic light', 'tree')
PREDICATES = ('beside', 'on')


class FakeInferencer:
    """Keeps to the contract of :class:`mmsgg.apis.SGGInferencer`.

    It finds four objects in a bright image and three in a dark one. Object i
    is related to object i + 1, the last one to the first; scores are 0.9,
    0.6, 0.4 and 0.2.
    """

    def __init__(self):
        self.calls = []
        self.error = None

    def __call__(self, inputs, task, boxes=None, labels=None):
        self.calls.append(
            dict(shape=inputs.shape, task=task, boxes=boxes, labels=labels)
        )
        if self.error is not None:
            raise self.error
        height, width = inputs.shape[:2]
        if task == 'sgdet':
            count = 4 if inputs.mean() > 127 else 3
            corners = np.array(
                [[0.1, 0.1], [0.5, 0.1], [0.5, 0.6], [0.1, 0.6]]
            )
            boxes = np.hstack([corners, corners + 0.35])[:count]
            boxes = boxes * [width, height, width, height]
        if labels is None:
            labels = np.arange(len(boxes))[::-1] % len(CLASSES)
        return dict(predictions=[fake_graph(boxes, labels, width, height)])


def fake_graph(boxes, labels, width=100, height=80):
    """The graph that :class:`FakeInferencer` finds."""
    count = len(boxes)
    return dict(
        id=None,
        file_name=None,
        width=width,
        height=height,
        objects=[
            dict(
                id=i,
                label=int(label),
                name=CLASSES[label],
                box=np.round(box, 2).tolist(),
                score=1.0,
            )
            for i, (box, label) in enumerate(zip(boxes, labels, strict=True))
        ],
        triplets=[
            dict(
                subject_id=i,
                object_id=(i + 1) % count,
                label=i % 2,
                name=PREDICATES[i % 2],
                score=(0.9, 0.6, 0.4, 0.2)[i],
            )
            for i in range(min(count, 4) if count > 1 else 0)
        ],
    )


def image_file(
    size=(120, 90), color='white', kind='PNG', mode='RGB', **options
):
    """The bytes of an image file."""
    file = io.BytesIO()
    Image.new(mode, size, color).save(file, kind, **options)
    return file.getvalue()


def as_upload(data, kind='image/png'):
    """What ``dcc.Upload`` makes of a file."""
    return f'data:{kind};base64,{b64encode(data).decode()}'


def write_images(folder: Path):
    """A bright and a dark image."""
    for name, color in (('bright.png', 'white'), ('dark.png', 'black')):
        (folder / name).write_bytes(image_file(color=color))
