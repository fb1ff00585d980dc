"""Print the scene graph of an image, by an exported ONNX file.

It needs numpy, pillow and onnxruntime, and nothing of mmsgg.

Examples:
    python demo/onnx_demo.py demo.jpg work_dirs/export/egtr_sgdet.onnx
"""

import json
from argparse import ArgumentParser

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def prepare(
    image: Image.Image, scale: list[int], shape: list[int]
) -> tuple[np.ndarray, np.ndarray, float]:
    """Resize an image into the upper left corner of the input.

    Args:
        image: RGB, of any size.
        scale: The most pixels of its longer and of its shorter side.
        shape: Height and width of the input.

    Returns:
        The input (H, W, 3) uint8, height and width (2,) of the image in it,
        and by how much it was scaled.
    """
    sides = sorted(image.size, reverse=True)
    factor = min(most / side for most, side in zip(scale, sides, strict=True))
    width, height = (int(side * factor + 0.5) for side in image.size)
    canvas = np.zeros((*shape, 3), dtype=np.uint8)
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    canvas[:height, :width] = np.asarray(resized)
    return canvas, np.array([height, width]), factor


def main() -> None:
    """Print the relations, the best first."""
    parser = ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('image', help='an image file')
    parser.add_argument('model', help='an .onnx file of export.py')
    parser.add_argument(
        '--topk', type=int, default=10, help='how many relations (default: 10)'
    )
    args = parser.parse_args()
    session = onnxruntime.InferenceSession(args.model)
    about = session.get_modelmeta().custom_metadata_map
    about = {name: json.loads(value) for name, value in about.items()}
    # turned as its camera says, as the model was trained
    image = ImageOps.exif_transpose(Image.open(args.image)).convert('RGB')
    pixels, size, factor = prepare(image, about['scale'], about['shape'])
    names = [output.name for output in session.get_outputs()]
    graph = session.run(None, dict(image=pixels, size=size))
    graph = dict(zip(names, graph, strict=True))
    for pair, predicate, score in zip(
        *(graph[k] for k in ('pairs', 'predicates', 'triplet_scores')),
        strict=True,
    ):
        if score < 0 or args.topk == 0:  # the rest is empty
            break
        args.topk -= 1
        subject, object_ = (
            f'{about["classes"][graph["labels"][i]]} '
            f'{(graph["boxes"][i] / factor).round().astype(int).tolist()}'
            for i in pair
        )
        print(
            f'{score:.3f} {subject} {about["predicates"][predicate]} {object_}'
        )


if __name__ == '__main__':
    main()
