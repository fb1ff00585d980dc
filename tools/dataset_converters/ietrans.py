"""Write a training file in which rare predicates have more relations.

IETrans (Zhang et al., ECCV 2022): a model that was trained on the file says
which relations of frequent predicates, and which pairs without a relation,
are likely to show a rarer one. A model that is trained on the new file learns
these. The file is that of SceneGraphJsonDataset.

Examples:
    python tools/dataset_converters/ietrans.py configs/motifs/sgcls.py \
        work_dirs/motifs/sgcls/epoch_20.pth data/vg/ietrans.json
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.utils import track_iter_progress
from terminaltables import AsciiTable

from mmsgg.datasets import SceneGraphArrays, write_scene_graph_json
from mmsgg.datasets.data_transfer import (
    Candidates,
    add_relations,
    external_candidates,
    transfer_externally,
    transfer_internally,
)
from mmsgg.datasets.relation_statistics import count_triplets
from mmsgg.engine import (
    add_cfg_options,
    add_trust,
    check_weights,
    checkpoint_file,
    config_file,
    read_checkpoint,
)
from mmsgg.registry import DATASETS, MODELS


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('config', type=config_file, help='of the model')
    parser.add_argument('checkpoint', type=checkpoint_file, help='its weights')
    parser.add_argument('out', type=Path, help='the JSON file to write')
    parser.add_argument(
        '--internal',
        type=float,
        default=0.7,
        help='share of the relations that a predicate may draw on',
    )
    parser.add_argument(
        '--external',
        type=float,
        default=1.0,
        help='share of the pairs without a relation that may get one',
    )
    parser.add_argument(
        '--num-frequent',
        type=int,
        default=15,
        help='the most frequent predicates, which get no pair of those',
    )
    add_trust(parser)
    add_cfg_options(parser)
    return parser.parse_args(argv)


def training_loader(cfg: Config) -> Any:
    """Load the training images one after another, as a test does."""
    dataset = cfg.train_dataloader.dataset
    while 'dataset' in dataset:  # a wrapper
        dataset = dataset.dataset
    dataset = ConfigDict(
        dataset, pipeline=cfg.test_dataloader.dataset.pipeline
    )
    # all predicates of a pair stay, and no image stands for another
    for name in ('filter_duplicate_relations', 'skip_broken_images'):
        dataset.pop(name, None)
    loader = ConfigDict(cfg.test_dataloader, dataset=DATASETS.build(dataset))
    return Runner.build_dataloader(loader)


def build_model(cfg: Config, checkpoint: str, trust: bool) -> Any:
    """Build the model with its weights."""
    content = read_checkpoint(checkpoint, trust=trust)
    model = MODELS.build(cfg.model)
    check_weights(model, content)
    model.load_state_dict(content.get('state_dict', content), strict=False)
    return model.to(get_device()).eval()


@torch.no_grad()
def judged(model: Any, loader: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Judge the pairs of given boxes and classes, image by image.

    Args:
        model: The model.
        loader: Loads the images.

    Yields:
        Pairs (K, 2) and probabilities (K, P) of their predicates.
    """
    for batch in track_iter_progress((loader, len(loader))):
        data = model.data_preprocessor(batch, False)
        samples = model.predict(
            data.get('inputs'), data['data_samples'], task='predcls'
        )
        for sample in samples:
            relations = sample.pred_relations
            yield (
                relations.pairs.cpu().numpy(),
                relations.predicate_scores.cpu().numpy(),
            )


def judge(
    graphs: SceneGraphArrays,
    images: Iterator[tuple[np.ndarray, np.ndarray]],
    known: np.ndarray,
) -> tuple[np.ndarray, Candidates]:
    """Collect what both transfers need.

    Args:
        graphs: The training set.
        images: What :func:`judged` says of its images.
        known: (C, C, P) of :func:`count_triplets`.

    Returns:
        (R, P) probabilities of the predicates of each relation, without
        background, and the candidates of all images.
    """
    probabilities = np.zeros((len(graphs.pairs), known.shape[2]), np.float32)
    candidates = []
    for image, (pairs, scores) in enumerate(images):
        rows = np.arange(*graphs.relation_starts[image : image + 2])
        size = graphs.box_counts[image]
        place = np.full((size, size), -1)
        place[tuple(pairs.T)] = np.arange(len(pairs))
        found = place[tuple(graphs.pairs[rows].T)]
        rows, found = rows[found >= 0], found[found >= 0]
        probabilities[rows] = scores[found]
        candidates.append(
            external_candidates(graphs, image, pairs, scores, known)
        )
    total = probabilities.sum(axis=1, keepdims=True)
    probabilities /= np.maximum(total, np.finfo(np.float32).tiny)
    columns = zip(*candidates, strict=True)
    return probabilities, Candidates(*map(np.concatenate, columns))


def report(
    names: Sequence[str],
    before: np.ndarray,
    inside: np.ndarray,
    after: np.ndarray,
) -> str:
    """Tabulate the relations of each predicate, the most frequent first.

    Args:
        names: P names.
        before: (R,) predicates before the transfers.
        inside: (R,) after the internal one.
        after: (R',) after both.
    """
    counts = [
        np.bincount(labels, minlength=len(names))
        for labels in (
            before,
            inside[inside != before],
            before[inside != before],
            after,
        )
    ]
    was, gained, lost, now = counts
    rows = np.stack([was, gained, -lost, now - was - gained + lost, now], 1)
    head = ['predicate', 'before', 'gained', 'lost', 'added', 'after']
    lines = [['all', *rows.sum(axis=0).tolist()]]
    for k in np.argsort(-was, kind='stable'):
        lines.append([names[k], *rows[k].tolist()])
    return AsciiTable([head, *lines]).table


def main(argv: Sequence[str] | None = None) -> None:
    """Judge the training set, transfer and write."""
    args = parse_args(argv)
    # before the judging, which takes long
    args.out.parent.mkdir(parents=True, exist_ok=True)
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmsgg'))
    loader = training_loader(cfg)
    graphs, meta = loader.dataset.scene_graphs, loader.dataset.metainfo
    classes, predicates = meta['classes'], meta['predicates']
    known = count_triplets(graphs, len(classes), len(predicates))
    model = build_model(cfg, args.checkpoint, args.trust)
    probabilities, candidates = judge(graphs, judged(model, loader), known)
    inside = transfer_internally(graphs, probabilities, args.internal)
    rows = transfer_externally(
        graphs, candidates, len(predicates), args.external, args.num_frequent
    )
    images, pairs, added, _ = (column[rows] for column in candidates)
    changed = replace(graphs, predicates=inside)
    result = add_relations(changed, images, pairs, added)
    write_scene_graph_json(args.out, result, classes, predicates)
    print(report(predicates, graphs.predicates, inside, result.predicates))
    print(f'{args.out}: {len(result)} images, {len(result.pairs)} relations')


if __name__ == '__main__':
    main()
