"""Train and test all of LinkNet on pictures made here, on a CPU, in minutes.

It goes the way of the real thing: an object detector, LinkNet on
ground-truth boxes from its weights (sgcls), LinkNet on detections from those
(sgdet). Then the three tasks are scored on held-out pictures, beside what
the frequency prior alone gets, and some results are drawn.

Example:
    python demo/toy_demo.py --work-dir work_dirs/demo
"""

import argparse
import json
import os
import shlex
import shutil
import sys
import time
from pathlib import Path

import mmcv
from mmengine.config import Config
from mmengine.runner import Runner
from terminaltables import GithubFlavoredMarkdownTable

from mmsgg.testing import write_toy_vg

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / 'configs' / 'toy'
TASKS = ('predcls', 'sgcls', 'sgdet')
RECALLS = ('R@20', 'R@50', 'R@100')
Scores = dict[str, float]


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        default='work_dirs/demo',
        help='folder for checkpoints and pictures',
    )
    parser.add_argument(
        '--data-root',
        type=Path,
        default='data/toy_vg',
        help='folder for the toy data set',
    )
    parser.add_argument(
        '--num-train', type=int, default=2100, help='training images'
    )
    parser.add_argument(
        '--num-test', type=int, default=200, help='test images'
    )
    parser.add_argument(
        '--num-pictures', type=int, default=8, help='to draw of each task'
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='of the data and the training'
    )
    return parser.parse_args()


def make_runner(
    args: argparse.Namespace,
    name: str,
    load_from: Path | None = None,
    log_level: str = 'WARNING',
) -> Runner:
    """Make the runner of a toy config, starting from a checkpoint."""
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    cfg.log_level = log_level
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = str(args.data_root)
    # the demo tests each stage itself, when all are trained
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint = dict(type='AtomicCheckpointHook')
    cfg.work_dir = str(args.work_dir / name)
    cfg.load_from = load_from and str(load_from)
    cfg.randomness = dict(seed=args.seed)
    # loggers and visualizers live as long as the process, by name
    cfg.experiment_name = cfg.visualizer.name = f'{name}_{time.time_ns()}'
    return Runner.from_cfg(cfg)


def train(
    args: argparse.Namespace, name: str, load_from: Path | None = None
) -> Path:
    """Train a stage and return its checkpoint."""
    runner = make_runner(args, name, load_from, log_level='INFO')
    runner.train()
    return Path(runner.work_dir, f'epoch_{runner.max_epochs}.pth')


def recalls(args: argparse.Namespace, name: str, checkpoint: Path) -> Scores:
    """Score a relation config on the test pictures."""
    scores = make_runner(args, name, checkpoint).test()
    scores = {key: scores[key] for key in RECALLS}
    print(name, *(f'{key} {value:.4f}' for key, value in scores.items()))
    return scores


def draw(args: argparse.Namespace, name: str, checkpoint: Path) -> None:
    """Draw ground truth and prediction of test pictures with relations.

    The pictures themselves are copied into ``examples``, for the web page.
    """
    examples = args.work_dir / 'examples'
    examples.mkdir(exist_ok=True)
    runner = make_runner(args, name, checkpoint)
    runner.load_or_resume()
    runner.model.eval()
    dataset = runner.test_dataloader.dataset
    runner.visualizer.dataset_meta = dataset.metainfo
    num_drawn = 0
    for item in dataset:
        if num_drawn == args.num_pictures:
            return
        if not len(item['data_samples'].gt_relations):
            continue
        [sample] = runner.model.test_step(
            {key: [value] for key, value in item.items()}
        )
        picture = args.work_dir / 'vis' / f'{name}_{sample.img_id}.png'
        runner.visualizer.add_datasample(
            name,
            mmcv.imread(sample.img_path, channel_order='rgb'),
            sample.cpu(),
            out_file=str(picture),
        )
        shutil.copy(sample.img_path, examples)
        num_drawn += 1


def web_command(args: argparse.Namespace, checkpoint: Path) -> str:
    """The command that serves a trained model as a web page."""
    paths = [
        sys.executable,
        ROOT / 'projects' / 'web_demo' / 'web_demo.py',
        CONFIGS / 'sgdet.py',
        checkpoint,
        '--examples',
        args.work_dir / 'examples',
    ]
    here = f'{Path.cwd()}{os.sep}'
    return shlex.join(str(path).removeprefix(here) for path in paths)


def table(summary: dict) -> str:
    """Format the scores as a Markdown table."""
    rows = [['task', *RECALLS, f'prior {RECALLS[0]}', *RECALLS[1:]]]
    for task in TASKS:
        both = summary[task], summary['prior'][task]
        recalls = [f'{scores[key]:.4f}' for scores in both for key in RECALLS]
        rows.append([task, *recalls])
    map50 = summary['detector']['mAP50']
    scores = GithubFlavoredMarkdownTable(rows).table
    return f'Detector: mAP50 {map50:.4f}\n\n{scores}'


def main() -> None:
    """Run all stages; print the table and write ``summary.json``."""
    args = parse_args()
    start = time.time()

    def say(text: str) -> None:
        print(f'\n== {time.time() - start:3.0f} s: {text}\n', flush=True)

    say(f'drawing {args.num_train + args.num_test} toy pictures')
    write_toy_vg(args.data_root, args.num_train, args.num_test, args.seed)
    say('stage 1 of 3: training the object detector')
    detector = train(args, 'faster-rcnn_r18')
    say('stage 2 of 3: training LinkNet on ground-truth boxes (sgcls)')
    sgcls = train(args, 'sgcls', load_from=detector)
    say('stage 3 of 3: refining LinkNet on detections (sgdet)')
    sgdet = train(args, 'sgdet', load_from=sgcls)

    say('testing on pictures that were held out')
    scores = make_runner(args, 'faster-rcnn_r18', detector).test()
    summary = dict(detector=dict(mAP50=scores['pascal_voc/mAP']))
    for task, checkpoint in zip(TASKS, (sgcls, sgcls, sgdet), strict=True):
        summary[task] = recalls(args, task, checkpoint)
    summary['prior'] = {
        task: recalls(args, f'frequency_{task}', detector) for task in TASKS
    }
    say('drawing results')
    draw(args, 'sgdet', sgdet)
    summary['seconds'] = round(time.time() - start, 1)
    path = args.work_dir / 'summary.json'
    path.write_text(json.dumps(summary, indent=2) + '\n')

    say('done')
    print(table(summary))
    print(f'\nScores: {path}\nPictures: {args.work_dir / "vis"}')
    print(f'Checkpoints: {detector}, {sgcls}, {sgdet}')
    print(f'\nTo see the model at work:\n{web_command(args, sgdet)}')


if __name__ == '__main__':
    main()
