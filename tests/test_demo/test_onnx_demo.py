"""demo/onnx_demo.py, with a program that stands for an exported one."""

import json
import runpy
import sys
from types import SimpleNamespace

import numpy as np
from PIL import Image

from ..folders import ROOT

ABOUT = dict(
    scale=[64, 64], shape=[64, 64], classes=['cat', 'mat'], predicates=['on']
)


class Session:
    """One relation of two boxes; what it was fed is kept."""

    fed = {}

    def __init__(self, path):
        self.values = dict(
            boxes=np.array([[0, 0, 8, 8], [8, 8, 16, 64]], np.float32),
            labels=np.array([0, 1]),
            pairs=np.array([[0, 1], [1, 0]]),
            predicates=np.array([0, 0]),
            triplet_scores=np.array([0.5, -1.0]),
        )

    def get_modelmeta(self):
        about = {name: json.dumps(value) for name, value in ABOUT.items()}
        return SimpleNamespace(custom_metadata_map=about)

    def get_outputs(self):
        return [SimpleNamespace(name=name) for name in self.values]

    def run(self, names, feed):
        self.fed.update(feed)
        return [*self.values.values()]


def test_a_photo_is_turned_as_its_camera_says(tmp_path, monkeypatch, capsys):
    path = tmp_path / 'photo.jpg'
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.new('RGB', (128, 64), 'white').save(path, exif=exif)
    monkeypatch.setitem(
        sys.modules, 'onnxruntime', SimpleNamespace(InferenceSession=Session)
    )
    demo = ROOT / 'demo' / 'onnx_demo.py'
    monkeypatch.setattr(sys, 'argv', [str(demo), str(path), 'model.onnx'])
    runpy.run_path(str(demo), run_name='__main__')
    assert Session.fed['size'].tolist() == [64, 32]
    assert capsys.readouterr().out.splitlines() == [
        '0.500 cat [0, 0, 16, 16] on mat [16, 16, 32, 128]'
    ]
