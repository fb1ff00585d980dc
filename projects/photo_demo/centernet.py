"""A COCO detector of 4 MB, from an npm package, run by torch.

MobileNetV3-CenterNet comes in `@vladmandic/human
<https://github.com/vladmandic/human>`_ (MIT) as a graph of
TensorFlow.js: a JSON file of nodes and a file of float16 weights. Its heat
maps need 15 kinds of operation, which are here.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmcv.ops import batched_nms
from mmdet.datasets import CocoDataset
from torch import Tensor

PACKAGE = '@vladmandic/human@3.3.6'
#: The digest that npm has of its archive.
SHA512 = (
    'Nr5mPfq1gQ+uKeXY5uM3Fj8UxvF5CEh2s6txM5wRThqaW0mF9huooOuZSrT8hhGho0h'
    'GaXLFdAwfD/2+teCv6A=='
)
FILES = ('centernet.json', 'centernet.bin')
SIZE, STRIDE = 512, 4  # pixels: of the square input, and of a cell


def fetch(folder: Path) -> Path:
    """Fetch the two files of the model by npm, unless they are there.

    Raises:
        RuntimeError: Where npm is missing or fails, or gives another file.
    """
    if all((folder / name).is_file() for name in FILES):
        return folder
    npm = shutil.which('npm')
    if npm is None:
        raise RuntimeError(
            f'the detector comes in the npm package {PACKAGE}, and npm is '
            'missing: install Node.js (apt install npm), or take a detector '
            'of mmdet (--detector mmdet:rtmdet-s)'
        )
    folder.mkdir(parents=True, exist_ok=True)
    print(f'fetching {PACKAGE} (28 MB)', flush=True)
    run = subprocess.run(
        [npm, 'pack', PACKAGE, '--silent'],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f'npm pack {PACKAGE} failed: {run.stderr.strip()}')
    archive = folder / run.stdout.split()[-1]
    unpack(archive, folder)
    archive.unlink()
    return folder


def unpack(archive: Path, folder: Path, sha512: str = SHA512) -> None:
    """Take the two files out of the package.

    Raises:
        RuntimeError: If its digest is another.
    """
    digest = hashlib.sha512(archive.read_bytes()).digest()
    if base64.b64encode(digest).decode() != sha512:
        raise RuntimeError(
            f'{archive} is not {PACKAGE}, as its SHA-512 differs; remove it '
            'and run the same command again'
        )
    with tarfile.open(archive) as tar:
        for name in FILES:
            member: Any = tar.extractfile(f'package/models/{name}')
            (folder / name).write_bytes(member.read())


def same_padding(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Pad as TensorFlow does: what is odd goes to the right and below."""
    pads: list[int] = []
    for size in (x.shape[3], x.shape[2]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


def resize_bilinear(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge twice; cell i of the result is at i / 2 of the input."""
    if size != (2 * x.shape[2], 2 * x.shape[3]):
        raise ValueError(f'{tuple(x.shape)} is to be enlarged to {size}')
    x = F.pad(x, (0, 1, 0, 1), mode='replicate')
    full = [2 * side - 1 for side in x.shape[2:]]
    x = F.interpolate(x, full, mode='bilinear', align_corners=True)
    return x[..., :-1, :-1]


def convolve(node: dict, x: Tensor, weight: Tensor, *bias: Tensor) -> Tensor:
    """Run a convolution of a graph, with what is fused into it.

    Args:
        node: Its name, strides and padding.
        x: (1, channels, H, W).
        weight: (kernel, kernel, in, out), or of a depthwise one
            (kernel, kernel, in, 1).
        bias: (out,), if it has one.
    """
    attributes = node['attr']
    strides = attributes['strides']['list']['i']
    depthwise = 'Depthwise' in node['op']
    weight = weight.permute((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
    stride = int(strides[1])
    if base64.b64decode(attributes['padding']['s']) == b'SAME':
        x = same_padding(x, weight.shape[2], stride)
    groups = len(weight) if depthwise else 1
    x = F.conv2d(x, weight, *bias, stride=stride, groups=groups)
    fused = attributes.get('fused_ops', {}).get('list', {}).get('s', [])
    return x.relu() if base64.b64encode(b'Relu').decode() in fused else x


#: Operations that need their inputs alone.
OPERATIONS: dict[str, Callable[..., Tensor]] = {
    'Add': torch.add,
    'ConcatV2': lambda *inputs: torch.cat(inputs[:-1], dim=1),
    'Identity': lambda x: x,
    'Mean': lambda x, _: x.mean(dim=(2, 3), keepdim=True),
    'Mul': torch.mul,
    'Relu': torch.relu,
    'Relu6': F.relu6,
    'ResizeBilinear': lambda x, size: resize_bilinear(x, tuple(size.tolist())),
    'Sigmoid': torch.sigmoid,
}


class CenterNet:
    """MobileNetV3-CenterNet.

    Args:
        folder: With the files of :func:`fetch`.

    Attributes:
        classes: The names of COCO's 80 classes.
    """

    classes: tuple[str, ...] = CocoDataset.METAINFO['classes']

    def __init__(self, folder: Path) -> None:
        graph = json.loads((folder / FILES[0]).read_text(encoding='utf-8'))
        nodes = graph['modelTopology']['node']
        self.nodes: dict[str, dict] = {node['name']: node for node in nodes}
        data = (folder / FILES[1]).read_bytes()
        self.weights: dict[str, Tensor] = {}
        offset = 0
        for entry in graph['weightsManifest'][0]['weights']:
            dtype = {'float32': np.float16, 'int32': np.int32}[entry['dtype']]
            count = int(np.prod(entry['shape']))
            array = np.frombuffer(data, dtype, count, offset)
            offset += array.nbytes
            weight = array.reshape(entry['shape']).astype(entry['dtype'])
            self.weights[entry['name']] = torch.from_numpy(weight)

    @torch.no_grad()
    def run(self, image: Tensor, *names: str) -> list[Tensor]:
        """Compute nodes of the graph from (1, 3, H, W) RGB, 0 to 255."""

        @cache
        def value(name: str) -> Tensor:
            node = self.nodes[name]
            if node['op'] == 'Placeholder':
                return image
            if node['op'] == 'Const':
                return self.weights[name]
            inputs = [value(source) for source in node['input']]
            if 'Conv' in node['op']:
                return convolve(node, *inputs)
            return OPERATIONS[node['op']](*inputs)

        return [value(name) for name in names]

    def __call__(
        self, image: np.ndarray, score_thr: float = 0.3
    ) -> dict[str, list]:
        """Detect the objects of an image.

        Args:
            image: (H, W, 3) BGR uint8.
            score_thr: The least score.

        Returns:
            ``boxes`` (N, 4), original-image pixels, ``labels``, names, and
            ``scores``, the best first.
        """
        square = cv2.resize(image[..., ::-1].copy(), (SIZE, SIZE))
        x = torch.from_numpy(square).permute(2, 0, 1)[None].float()
        heat, reach = self.run(x, 'tower_0/keypoints', 'tower_0/wh')
        boxes, scores, labels = peaks(heat[0], reach[0], score_thr)
        height, width = image.shape[:2]
        boxes = boxes.clamp(0, SIZE) * boxes.new_tensor([width, height] * 2)
        boxes /= SIZE
        wide = ((boxes[:, 2:] - boxes[:, :2]) >= 1).all(dim=1)
        boxes, scores, labels = boxes[wide], scores[wide], labels[wide]
        rows = scores.new_zeros(0, dtype=torch.long)
        if len(scores):
            nms = dict(type='nms', iou_threshold=0.5)
            _, rows = batched_nms(boxes, scores, labels, nms)
        return dict(
            boxes=boxes[rows].tolist(),
            labels=[self.classes[label] for label in labels[rows]],
            scores=scores[rows].tolist(),
        )


def peaks(
    heat: Tensor, reach: Tensor, score_thr: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Read boxes off the heat maps.

    Args:
        heat: (classes, H, W) how likely a centre is in a cell.
        reach: (4, H, W) pixels of the input from there to the left, the top,
            the right and the bottom.
        score_thr: The least score.

    Returns:
        (N, 4) boxes in pixels of the input, (N,) scores and (N,) classes.
    """
    highest = F.max_pool2d(heat[None], 3, stride=1, padding=1)[0]
    labels, rows, columns = ((heat == highest) & (heat >= score_thr)).nonzero(
        as_tuple=True
    )
    left, top, right, bottom = reach[:, rows, columns]
    x, y = columns * STRIDE, rows * STRIDE
    boxes = torch.stack([x - left, y - top, x + right, y + bottom], dim=1)
    return boxes, heat[labels, rows, columns], labels
