"""Measure the models of all configs and write the table of them.

Each config is measured by benchmark_model.py in a process of its own. Scores
stand in the table only where they were measured: those of the toy configs,
by demo/toy_demo.py.

Examples:
    python demo/toy_demo.py
    python tools/analysis_tools/model_zoo.py --out docs/model_zoo.md
"""

import os
import re
import shlex
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from mmengine.config import Config
from mmengine.fileio import load

from report_tables import markdown_table

ROOT = Path(__file__).resolve().parents[2]
BENCHMARK = Path(__file__).with_name('benchmark_model.py')
HEADS = (
    'config', 'task', 'backbone', 'relation head', 'parameters (trained), M',
    'input', 'pairs', 'GFLOPs', 'inference, s', 'MB', 'training step, s', 'MB',
)  # fmt: skip
RECALLS = ('R@20', 'R@50', 'R@100')
INTRODUCTION = """\
# Model zoo

There are no trained weights to download yet: nothing here has been trained on
Visual Genome. This is what the models of the configs cost, measured with
random weights by

```bash
{command}
```

Machine: {machine}; torch {torch}.
Where others shared it, times are rough.

- An inference and a training step are of one random image of {shape}
  pixels, which goes through the pipeline of the config, with {objects} boxes
  (in sgdet as many detections at most); each is the median of {steps} run(s).
- Of configs that differ by the task alone, sgdet's stands for all.
- *MB* is the peak of memory beyond the weights, in training with gradients
  and momentum; on a CPU, of resident memory.
- *GFLOPs* are those of the matrix products and convolutions of inference, a
  multiplication and an addition being two. RoI pooling, NMS and torch's LSTM
  do not count.
- *pairs* are those that inference scored; a config with `overlap_only` leaves
  distant ones out.
- An untrained detector finds little, so the last NMS of a detection config
  has little to do here; sgdet runs with a score threshold of 0 instead.
- *score* stands where it was measured, by `demo/toy_demo.py`: mAP50, or
  R@20 / R@50 / R@100.
"""


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description='Write the table of all models.')
    add = parser.add_argument
    add(
        'configs',
        nargs='*',
        type=Path,
        help='config files or folders of them (default: configs)',
    )
    add('--out', type=Path, help='Markdown file to write (default: print)')
    add(
        '--results',
        type=Path,
        default='work_dirs/model_zoo',
        help='folder for the figures of each config (default: '
        'work_dirs/model_zoo)',
    )
    add(
        '--resume',
        action='store_true',
        help='keep the figures that are in that folder',
    )
    add(
        '--demo-scores',
        type=Path,
        default='work_dirs/demo/summary.json',
        help='what demo/toy_demo.py wrote (default: '
        'work_dirs/demo/summary.json, if it is there)',
    )
    add('--objects', default='32', help='boxes of an image (default: 32)')
    add('--steps', default='3', help='steps to measure (default: 3)')
    add('--device', help='cpu or cuda[:N] (default: a GPU if there is one)')
    return parser.parse_args(argv)


def find_configs(paths: Sequence[Path]) -> list[Path]:
    """List the config files, those that are only inherited left out.

    Of a folder's configs that differ by the task alone, sgdet's stands for
    all: it does what the others do, and detects.
    """
    found = []
    for path in paths or [ROOT / 'configs']:
        if not path.exists():
            raise SystemExit(f"there is no config or folder '{path}'")
        files = [path] if path.is_file() else _of_most_work(path.rglob('*.py'))
        found += [
            file.resolve()
            for file in files
            if '_base_' not in file.resolve().parts
        ]
    return sorted(found, key=lambda file: (file.parent, file.name))


def _of_most_work(configs: Iterable[Path]) -> list[Path]:
    """Leave out the predcls and sgcls of what has an sgdet."""
    files = {*configs}
    for file in [*files]:
        sgdet = file.with_name(re.sub('predcls|sgcls', 'sgdet', file.name))
        if sgdet != file and sgdet in files:
            files.remove(file)
    return sorted(files)


def name_of(config: Path) -> str:
    """Name a config by its place under ``configs``, without suffix."""
    root = ROOT / 'configs'
    inside = config.relative_to(root) if root in config.parents else config
    return str(inside.with_suffix(''))


def measure(config: Path, args: Namespace) -> dict:
    """Run the benchmark of a config, unless its figures are to be kept.

    Returns:
        What benchmark_model.py wrote, or ``error``, its last word.
    """
    out = args.results / f'{name_of(config).replace("/", "_")}.json'
    if not (args.resume and out.is_file()):
        command = [sys.executable, str(BENCHMARK), str(config)]
        command += ['--out', str(out), '--objects', args.objects]
        command += ['--steps', args.steps]
        if args.device is not None:
            command += ['--device', args.device]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            last_words = done.stderr.strip().splitlines() or ['killed']
            return dict(error=last_words[-1].removeprefix(f'{config}: '))
    return load(out)


def backbone_of(model: Config) -> str:
    """Name the backbone of a model, and its neck."""
    model = model.get('detector', model)
    backbone = model.get('backbone')
    if backbone is None:
        return 'none'
    name = backbone.type.rpartition('.')[2]
    parts = [f'{name}-{backbone.depth}' if 'depth' in backbone else name]
    if 'groups' in backbone:
        parts.append(f'{backbone.groups}x{backbone.get("base_width", 4)}d')
    if model.get('neck'):
        parts.append(model.neck.type.rpartition('.')[2])
    if model.get('roi_head') and 'shared_head' in model.roi_head:
        parts.append('C4')
    return '-'.join(parts)


def row_of(config: Path, result: dict, folder: Path) -> list[str]:
    """Lay out the figures of a config."""
    model = Config.fromfile(config).model
    head = model.get('relation_head', {}).get('type', '')
    parameters, workload = result['parameters'], result['workload']
    link = Path(os.path.relpath(config, folder)).as_posix()
    return [
        f'[{config.stem}]({link})',
        result['task'],
        backbone_of(model),
        head.removesuffix('RelHead'),
        f'{parameters["all"] / 1e6:.1f} ({parameters["trained"] / 1e6:.1f})',
        ' x '.join(map(str, workload['input_shape'] or ['no image'])),
        str(workload['num_pairs']),
        f'{workload["flops"] / 1e9:.1f}',
        *(
            text
            for cost in (result['inference'], result['training'])
            for text in (
                f'{cost["seconds"]:.3g}',
                '' if cost['peak_mb'] is None else f'{cost["peak_mb"]:.0f}',
            )
        ),
    ]


def score_of(config: Path, scores: dict) -> str:
    """Find what the demo measured with a config."""
    if config.parent.name != 'toy':
        return ''
    if config.stem == 'faster-rcnn_r18':
        found = scores.get('detector', {})
        return f'mAP50 {found["mAP50"]:.3f}' if found else ''
    task = config.stem.removeprefix('frequency_')
    if task != config.stem:
        scores = scores.get('prior', {})
    found = scores.get(task, {})
    return ' / '.join(f'{found[key]:.3f}' for key in RECALLS if key in found)


def write_page(
    measured: list[tuple[Path, dict]], scores: dict, args: Namespace
) -> str:
    """Write the whole page."""
    folder = args.out.parent if args.out else Path()
    good = [pair for pair in measured if 'error' not in pair[1]]
    parts = []
    if good:
        first = good[0][1]
        parts.append(
            INTRODUCTION.format(
                command=shlex.join(['python', *sys.argv]),
                shape=' x '.join(map(str, reversed(first['shape']))),
                **{key: first[key] for key in ('machine', 'torch')},
                **{key: first[key] for key in ('objects', 'steps')},
            )
        )
    for place, group in groupby(good, lambda pair: pair[0].parent):
        pairs = list(group)
        rows = [row_of(*pair, folder) for pair in pairs]
        found = [score_of(config, scores) for config, _ in pairs]
        heads = HEADS
        if any(found):
            heads = (*HEADS, 'score')
            rows = [[*row, x] for row, x in zip(rows, found, strict=True)]
        name = name_of(place / 'x').rpartition('/')[0]
        parts.append(f'## {name}\n\n{markdown_table(heads, rows)}\n')
    failed = [
        f'- `{name_of(config)}`: {result["error"]}'
        for config, result in measured
        if 'error' in result
    ]
    if failed:
        parts.append('## Not measured\n\n' + '\n'.join(failed) + '\n')
    return '\n'.join(parts)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure all, write the page, and fail if a config did."""
    args = parse_args(argv)
    configs = find_configs(args.configs)
    measured = []
    for number, config in enumerate(configs, start=1):
        print(f'[{number}/{len(configs)}] {name_of(config)}', file=sys.stderr)
        result = measure(config, args)
        if 'error' in result:
            print(f'  failed: {result["error"]}', file=sys.stderr)
        measured.append((config, result))
    scores = load(args.demo_scores) if args.demo_scores.is_file() else {}
    page = write_page(measured, scores, args)
    if args.out is None:
        print(page)
    else:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(page)
    if any('error' in result for _, result in measured):
        raise SystemExit(1)


if __name__ == '__main__':
    main()
