"""Compare an exported ONNX file with its model, on the test set.

Both run in one process, image after image in turn, on one thread; time is
that of the core, without loading. ``--int8`` adds the file with its matrix
products in 8 bits, weights quantized once and inputs on the way.

Examples:
    python tools/deployment/compare_export.py configs/toy/egtr_sgdet.py \
        egtr.pth work_dirs/export/egtr_sgdet.onnx --int8
"""

import json
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmsgg.arguments import (
    add_cfg_options,
    add_trust,
    checkpoint_file,
    config_file,
)
from mmsgg.evaluation import SceneGraphMetric


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__.partition('\n')[0])
    add = parser.add_argument
    add('config', type=config_file, help='the config that was exported')
    add('checkpoint', type=checkpoint_file, help='its checkpoint')
    add('onnx', type=Path, help='what export.py wrote')
    add('--images', type=int, default=100, help='at most (default: 100)')
    add('--int8', action='store_true', help='compare a quantized file too')
    add_cfg_options(parser)
    add_trust(parser)
    return parser.parse_args(argv)


def onnx_program(path: Path, model: Any) -> Callable[[np.ndarray], dict]:
    """Open a file, and let the model have as many candidates.

    Returns:
        What makes of an image (h, w, 3) RGB, resized, its outputs by name.
    """
    import onnxruntime

    from static_graph.program import limit_candidates

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options)
    about = session.get_modelmeta().custom_metadata_map
    limit_candidates(model, json.loads(about['candidates']))
    names = [output.name for output in session.get_outputs()]

    def run(image: np.ndarray) -> dict:
        canvas = np.zeros((*json.loads(about['shape']), 3), dtype=np.uint8)
        canvas[: image.shape[0], : image.shape[1]] = image
        feed = dict(image=canvas, size=np.array(image.shape[:2]))
        return dict(zip(names, session.run(None, feed), strict=True))

    return run


def quantize(path: Path, out: Path) -> None:
    """Write a file whose matrix products are in 8 bits."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    quant_pre_process(str(path), str(out), skip_symbolic_shape=True)
    quantize_dynamic(
        str(out),
        str(out),
        op_types_to_quantize=['MatMul', 'Gemm'],
        weight_type=QuantType.QInt8,
    )


def as_prediction(graph: dict, scale: Sequence[float]) -> dict:
    """Bring outputs into the form and the pixels of the model's."""
    nodes, edges = graph['scores'] >= 0, graph['triplet_scores'] >= 0
    return dict(
        pred_instances=dict(
            bboxes=graph['boxes'][nodes] / np.array(scale * 2, np.float32),
            labels=graph['labels'][nodes],
            scores=graph['scores'][nodes],
        ),
        pred_relations=dict(
            pairs=graph['pairs'][edges],
            predicate_scores=graph['predicate_scores'][edges],
            scores=graph['triplet_scores'][edges],
        ),
    )


def compare(args: Namespace, files: dict[str, Path]) -> dict[str, dict]:
    """Run the model and the files on the images.

    Returns:
        For 'torch' and each file the ms an image, the largest difference of
        triplet scores from the model's, rank by rank, and the scores.
    """
    from mmsgg.apis import SGGInferencer

    inferencer = SGGInferencer(
        args.config, args.checkpoint, 'cpu', trust=args.trust
    )
    model = inferencer.model
    cfg = Config.fromfile(args.config)  # the inferencer's has no annotation
    cfg.merge_from_dict(args.cfg_options)
    programs = {
        name: onnx_program(path, model) for name, path in files.items()
    }
    results = {
        name: dict(seconds=[], difference=0.0, metric=SceneGraphMetric())
        for name in ('torch', *programs)
    }
    loader = Runner.build_dataloader(cfg.test_dataloader)
    for _, batch in zip(range(args.images), loader, strict=False):
        image = batch['inputs'][0].numpy()[::-1].transpose(1, 2, 0)
        data = model.data_preprocessor(batch, False)
        start = time.process_time()
        with torch.no_grad():
            [sample] = model.predict(
                data['inputs'], data['data_samples'], max_relations=100
            )
        results['torch']['seconds'].append(time.process_time() - start)
        truth = sample.to_dict()
        scores = sample.pred_relations.scores.numpy()
        results['torch']['metric'].process({}, [truth])
        for name, program in programs.items():
            start = time.process_time()
            graph = program(image)
            result = results[name]
            result['seconds'].append(time.process_time() - start)
            said = as_prediction(graph, sample.scale_factor)
            result['metric'].process({}, [{**truth, **said}])
            found = said['pred_relations']['scores']
            num = min(len(found), len(scores))
            worst = np.abs(found[:num] - scores[:num]).max(initial=0)
            result['difference'] = max(result['difference'], float(worst))
    return {name: summary(result) for name, result in results.items()}


def summary(result: dict) -> dict[str, Any]:
    """Sum up the images of one program."""
    values = result['metric'].evaluate(len(result['seconds']))
    return dict(
        ms=1000 * float(np.median(result['seconds'])),
        difference=result['difference'],
        **{name: values[name] for name in values if name.endswith('@50')},
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Compare and print."""
    args = parse_args(argv)
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        files = dict(onnx=args.onnx)
        if args.int8:
            files['int8'] = Path(folder) / 'int8.onnx'
            quantize(args.onnx, files['int8'])
        results = compare(args, files)
    baseline = results['torch']['ms']
    for name, result in results.items():
        ms = result.pop('ms')
        said = [f'{key} {value:.4g}' for key, value in result.items()]
        ratio = f'{baseline / ms:.2f} times as fast as torch'
        print(f'{name}: {ms:.1f} ms ({ratio})', *said, sep=', ')


if __name__ == '__main__':
    main()
