"""A toy data set to try models on, in the files of VG150."""

from .toy_render import render
from .toy_scene import ToyObject, ToyScene, relations_of
from .toy_scene_sampler import ToySceneSampler
from .toy_vg_writer import write_toy_vg

__all__ = [
    'ToyObject',
    'ToyScene',
    'ToySceneSampler',
    'relations_of',
    'render',
    'write_toy_vg',
]
