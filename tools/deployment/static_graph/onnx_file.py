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


def _survivors(boxes: Any, present: Any, iou_thr: float) -> Any:
    """ONNX's NMS, whose list of rows becomes a mask again."""
    num = boxes.shape[0]
    zero, one, last, end = (op.Constant(value_ints=[i]) for i in range(4))
    # any that fall; what is not present has none above the threshold
    scores = op.Where(
        present,
        op.Constant(value_floats=[float(num - i) for i in range(num)]),
        op.Constant(value_float=0.0),
    )
    found = op.NonMaxSuppression(
        op.Unsqueeze(boxes, zero),
        op.Unsqueeze(op.Unsqueeze(scores, zero), zero),
        op.Constant(value_ints=[num]),
        op.Constant(value_floats=[iou_thr]),
        op.Constant(value_floats=[0.0]),
    )  # (kept, 3): image, class and row
    rows = op.Squeeze(op.Slice(found, last, end, one), one)
    kept = op.ScatterElements(
        op.Constant(value_ints=[0] * num),
        rows,
        op.Expand(op.Constant(value_int=1), op.Shape(rows)),
    )
    return op.Cast(kept, to=9)  # bool


#: What an operation of torch is in ONNX, where torch knows none or another.
TRANSLATIONS = {
    torch.ops.aten.sort.stable: _stable_sort,
    torch.ops.mmsgg.roi_align.default: _roi_align,
    torch.ops.mmsgg.survivors.default: _survivors,
}


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
        custom_translation_table=TRANSLATIONS,
        verbose=False,
    )
    for name, value in about.items():
        onnx.model.metadata_props[name] = json.dumps(value)
    onnx.save(path)
