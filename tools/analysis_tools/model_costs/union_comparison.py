"""What it saves to pool each union box once, and in chunks."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from mmdet.structures.bbox import bbox2roi
from torch import Tensor, nn

from .model_benchmark import ModelBenchmark
from .stage_meter import StageMeter

WAYS = ('as it is', 'every pair', 'every pair at once')


def embed_every_pair(
    head: nn.Module, x: tuple[Tensor, ...], bboxes: list[Tensor], rows: Tensor
) -> tuple[Tensor, Tensor]:
    """Make F pair by pair, (i, j) and (j, i) each; else as the head does."""
    rois = bbox2roi(bboxes)
    unions = [
        head.union_head(head.union_roi_extractor.pool(x, *rois[piece.T]))
        for piece in head.pieces(rows)
    ]
    return torch.cat(unions), torch.arange(len(rows), device=rows.device)


def union_branch(head: nn.Module, way: str) -> AbstractContextManager:
    """Switch the union branch of a head while the context lasts.

    Args:
        head: A relation head with a union branch, such as LinkNet's.
        way: One of ``WAYS``.
    """
    if way == 'as it is':
        return nullcontext()
    changes: dict[str, Any] = dict(
        embed_unions=partial(embed_every_pair, head)
    )
    if way == 'every pair at once':
        changes['max_pairs'] = torch.iinfo(torch.int64).max
    return patch.multiple(head, **changes)


def compare_unions(bench: ModelBenchmark, steps: int) -> dict[str, dict]:
    """Measure inference each way, in turn, so that all bear the same load.

    Args:
        bench: Of a model whose relation head has a union branch.
        steps: How often.

    Returns:
        For each of ``WAYS`` what :meth:`ModelBenchmark.summary` says.

    Raises:
        ValueError: If the model has no such head.
        AssertionError: If the ways differ in what they predict.
    """
    head = getattr(bench.model, 'relation_head', None)
    if not hasattr(head, 'embed_unions'):
        raise ValueError(
            'the model has no union branch to compare; leave '
            '--compare-unions out'
        )
    meter = StageMeter(bench.model)
    step = bench.inference()
    expected = [sample.pred_relations.scores for sample in step()]
    samples = []
    costs = {way: [] for way in WAYS}
    for _ in range(steps):
        for way in WAYS:
            with union_branch(head, way):
                costs[way].append(
                    meter.measure(lambda: samples.extend(step()))
                )
            got = [sample.pred_relations.scores for sample in samples]
            torch.testing.assert_close(got, expected)
            samples.clear()
    return {way: bench.summary(rows) for way, rows in costs.items()}
