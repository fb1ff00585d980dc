"""The loader of the detector, on small graphs of the same format."""

import base64
import hashlib
import io
import json
import tarfile

import cv2
import numpy as np
import pytest
import torch

import centernet
from centernet import CenterNet, fetch, unpack
from tests.folders import DATA, ROOT

RNG = np.random.default_rng(0)


def text(value):
    return base64.b64encode(value.encode()).decode()


def node(name, op, *sources, stride=1, padding='SAME', fused=()):
    return dict(
        name=name,
        op=op,
        input=list(sources),
        attr=dict(
            strides=dict(list=dict(i=['1', str(stride), str(stride), '1'])),
            padding=dict(s=text(padding)),
            fused_ops=dict(list=dict(s=[text(f) for f in fused])),
        ),
    )


def write_graph(folder, nodes, **weights):
    """Write nodes, and arrays by name, as TensorFlow.js does."""
    nodes = [
        node('image', 'Placeholder'),
        *(node(name, 'Const') for name in weights),
        *nodes,
    ]
    entries, data = [], b''
    for name, array in weights.items():
        dtype = 'int32' if array.dtype.kind == 'i' else 'float32'
        entries.append(dict(name=name, shape=array.shape, dtype=dtype))
        stored = np.int32 if dtype == 'int32' else np.float16
        data += array.astype(stored).tobytes()
    graph = dict(
        modelTopology=dict(node=nodes), weightsManifest=[dict(weights=entries)]
    )
    (folder / 'centernet.json').write_text(json.dumps(graph))
    (folder / 'centernet.bin').write_bytes(data)
    return CenterNet(folder)


def convolution(image, weight, bias, stride, depthwise):
    """By loops, on (H, W, channels); TensorFlow's padding SAME."""
    size, kernel = image.shape[0], weight.shape[0]
    out = -(-size // stride)
    before = max((out - 1) * stride + kernel - size, 0) // 2
    padded = np.zeros((size + 9, size + 9, image.shape[2]))
    padded[before : before + size, before : before + size] = image
    rows = []
    for i in range(out):
        for j in range(out):
            y, x = i * stride, j * stride
            patch = padded[y : y + kernel, x : x + kernel]
            if depthwise:
                rows.append((patch[..., None] * weight).sum((0, 1))[:, 0])
            else:
                rows.append(np.einsum('yxi,yxio->o', patch, weight))
    return np.maximum(np.array(rows).reshape(out, out, -1) + bias, 0)


@pytest.mark.parametrize('depthwise', [False, True])
@pytest.mark.parametrize(
    ('size', 'stride', 'kernel'), [(6, 2, 3), (7, 2, 3), (6, 1, 3), (6, 2, 5)]
)
def test_convolutions(tmp_path, size, stride, kernel, depthwise):
    kinds = {False: '_FusedConv2D', True: 'FusedDepthwiseConv2dNative'}
    image = RNG.normal(size=(size, size, 3))
    shape = (kernel, kernel, 3, 1 if depthwise else 4)
    weight = RNG.normal(size=shape).astype(np.float16)
    bias = RNG.normal(size=3 if depthwise else 4).astype(np.float16)
    convolve = node(
        'out',
        kinds[depthwise],
        *('image', 'w', 'b'),
        stride=stride,
        fused=('BiasAdd', 'Relu'),
    )
    model = write_graph(tmp_path, [convolve], w=weight, b=bias)
    x = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    [found] = model.run(x, 'out')
    expected = convolution(image, weight, bias, stride, depthwise)
    assert (expected == 0).any() and (expected > 0).any()
    assert found[0].permute(1, 2, 0).numpy() == pytest.approx(
        expected, abs=1e-4
    )


def test_other_operations(tmp_path):
    model = write_graph(
        tmp_path,
        [
            node('big', 'ResizeBilinear', 'image', 'size'),
            node('six', 'Relu6', 'big'),
            node('both', 'ConcatV2', 'six', 'big', 'axis'),
            node('mean', 'Mean', 'both', 'axes'),
            node('half', 'Mul', 'mean', 'by'),
            node('sum', 'Add', 'both', 'half'),
        ],
        size=np.array([4, 4]),
        axis=np.array(3),
        axes=np.array([1, 2]),
        by=np.array(0.5),
    )
    image = torch.tensor([[0.0, 2], [8, 4]])[None, None]
    big, total = model.run(image, 'big', 'sum')
    rows = [[0, 1, 2, 2], [4, 3.5, 3, 3], [8, 6, 4, 4], [8, 6, 4, 4]]
    assert big[0, 0].tolist() == rows
    six = np.minimum(rows, 6)
    assert total[0, 0].numpy() == pytest.approx(six + six.mean() / 2)
    assert total[0, 1].numpy() == pytest.approx(rows + np.mean(rows) / 2)


def test_boxes_out_of_maps(tmp_path):
    """Peaks become boxes of the image; doubles of a class go."""
    heat = np.zeros((1, 80, 128, 128), np.float16)
    reach = np.zeros((1, 4, 128, 128), np.float16)
    heat[0, 0, 64, 32], reach[0, :, 64, 32] = 0.75, [64, 128, 32, 300]
    heat[0, 0, 64, 33], reach[0, :, 64, 33] = 0.5, 8  # beside a peak
    heat[0, 0, 64, 36], reach[0, :, 64, 36] = 0.625, [80, 128, 16, 256]
    heat[0, 15, 64, 36] = 0.5  # the same box, of a cat
    heat[0, 2, 9, 9] = 0.25  # too little
    heat[0, 2, 99, 99] = 0.5  # without a width
    model = write_graph(
        tmp_path,
        [
            node('tower_0/keypoints', 'Identity', 'heat'),
            node('tower_0/wh', 'Identity', 'reach'),
        ],
        heat=heat,
        reach=reach,
    )
    found = model(np.zeros((256, 1024, 3), np.uint8), score_thr=0.3)
    assert found == dict(
        boxes=[[128, 64, 320, 256], [128, 64, 320, 256]],
        labels=['person', 'cat'],
        scores=[0.75, 0.5],
    )
    none = model(np.zeros((256, 1024, 3), np.uint8), score_thr=0.9)
    assert none == dict(boxes=[], labels=[], scores=[])


def test_colours_arrive_as_rgb(tmp_path):
    seen = []
    model = write_graph(tmp_path, [])
    model.run = lambda x, *names: (
        seen.append(x),
        (torch.zeros(1, 80, 128, 128), torch.zeros(1, 4, 128, 128)),
    )[1]
    model(np.full((9, 30, 3), [1, 2, 250], np.uint8))
    assert seen[0].shape == (1, 3, 512, 512)
    assert seen[0][0, :, 0, 0].tolist() == [250, 2, 1]


def test_the_package_is_unpacked_and_compared(tmp_path):
    archive = tmp_path / 'package.tgz'
    with tarfile.open(archive, 'w:gz') as tar:
        for name in (*centernet.FILES, 'other.bin'):
            info = tarfile.TarInfo(f'package/models/{name}')
            info.size = len(name)
            tar.addfile(info, io.BytesIO(name.encode()))
    with pytest.raises(RuntimeError, match='its SHA-512 differs; remove it'):
        unpack(archive, tmp_path)
    assert not (tmp_path / 'centernet.bin').exists()
    digest = hashlib.sha512(archive.read_bytes()).digest()
    unpack(archive, tmp_path, base64.b64encode(digest).decode())
    assert (tmp_path / 'centernet.json').read_text() == 'centernet.json'
    assert not (tmp_path / 'other.bin').exists()
    assert fetch(tmp_path) == tmp_path  # it is there


def test_without_npm(tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', '')
    with pytest.raises(RuntimeError, match='npm is missing: install Node'):
        fetch(tmp_path)


def test_real_photographs():
    """Against what another program found with the same weights."""
    folder = ROOT / 'work_dirs' / 'photo_demo'
    file = DATA / 'vrd' / 'detections_coco.json'
    if not file.is_file() or not (folder / centernet.FILES[1]).is_file():
        pytest.skip('the detector (make photo) or real photographs are absent')
    known = json.loads(file.read_text())
    model = CenterNet(folder)
    for name in list(known)[:2]:
        found = model(cv2.imread(str(DATA / 'vrd' / 'images' / name)), 0.3)
        rows = [row for row in known[name] if row['score'] >= 0.3]
        assert found['labels'] == [row['name'] for row in rows]
        boxes = [row['bbox'] for row in rows]
        assert np.array(found['boxes']) == pytest.approx(
            np.array(boxes), abs=0.06
        )
