"""What it saves to pool each union box once, and in chunks."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from mmsgg.models import PairFeatures

from .model_benchmark import ModelBenchmark
from .stage_meter import StageMeter

WAYS = ('as it is', 'every pair', 'every pair at once')


def share_nothing(pairs: Tensor) -> tuple[Tensor, Tensor]:
    """Let (i, j) and (j, i) have a union each; else as it is."""
    return pairs, torch.arange(len(pairs), device=pairs.device)


def union_branch(features: PairFeatures, way: str) -> AbstractContextManager:
    """Switch how unions are pooled while the context lasts.

    Args:
        features: Of a relation head.
        way: One of ``WAYS``.
    """
    if way == 'as it is':
        return nullcontext()
    changes: dict[str, Any] = dict(share_unions=share_nothing)
    if way == 'every pair at once':
        changes['max_pairs'] = torch.iinfo(torch.int64).max
    return patch.multiple(features, **changes)


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
    features = getattr(head, 'features', None)
    if features is None or features.union_head is None:
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
            with union_branch(features, way):
                costs[way].append(
                    meter.measure(lambda: samples.extend(step()))
                )
            got = [sample.pred_relations.scores for sample in samples]
            torch.testing.assert_close(got, expected)
            samples.clear()
    return {way: bench.summary(rows) for way, rows in costs.items()}
