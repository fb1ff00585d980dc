"""A program as an ONNX file, with what ONNX calls otherwise."""

import json
from pathlib import Path
from typing import Any

import torch
from onnxscript import opset18 as op

from .program import OUTPUTS


def _stable_sort(
    self: Any, stable: bool = True, dim: int = -1, descending: bool = False
) -> Any:
    """TopK of all: of equals it takes the first one first, too."""
    length = op.Constant(value_ints=[self.shape[dim]])
    return op.TopK(self, length, axis=dim, largest=int(descending), sorted=1)


def _roi_align(
    x: Any,
    rois: Any,
    size: int,
    scale: float,
    sampling_ratio: int,
    aligned: bool,
) -> Any:
    """ONNX's RoIAlign, which wants images and boxes apart."""
    zero, one, end = (op.Constant(value_ints=[i]) for i in (0, 1, 5))
    images = op.Squeeze(op.Slice(rois, zero, one, one), one)
    return op.RoiAlign(
        x,
        op.Slice(rois, one, end, one),
        op.Cast(images, to=7),  # int64
        output_height=size,
        output_width=size,
        sampling_ratio=sampling_ratio,
        spatial_scale=scale,
        mode='avg',
        coordinate_transformation_mode=(
            'half_pixel' if aligned else 'output_half_pixel'
        ),
    )


def write_onnx(
    path: Path, program: torch.export.ExportedProgram, about: dict
) -> None:
    """Write an ONNX file, weights included.

    Args:
        path: To write.
        program: Of a :class:`SceneGraphProgram`.
        about: What a user of the file must know; its values go into the
            metadata as JSON.
    """
    onnx = torch.onnx.export(
        program,
        dynamo=True,
        optimize=False,  # onnxruntime does that when it loads the file
        input_names=['image', 'size'],
        output_names=[*OUTPUTS],
        custom_translation_table={
            torch.ops.aten.sort.stable: _stable_sort,
            torch.ops.mmsgg.roi_align.default: _roi_align,
        },
        verbose=False,
    )
    for name, value in about.items():
        onnx.model.metadata_props[name] = json.dumps(value)
    onnx.save(path)
