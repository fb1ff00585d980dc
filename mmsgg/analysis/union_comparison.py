"""What it saves to pool each union box once, and in pieces."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from mmdet.structures.bbox import bbox2roi
from torch import Tensor

from mmsgg.analysis.model_benchmark import ModelBenchmark
from mmsgg.analysis.stage_meter import StageMeter
from mmsgg.models import PairFeatures

WAYS = ('as it is', 'every pair', 'every pair at once')


def embed_every_pair(
    features: PairFeatures,
    x: tuple[Tensor, ...],
    bboxes: list[Tensor],
    pairs: Tensor,
) -> tuple[Tensor, Tensor]:
    """Make F pair by pair, (i, j) and (j, i) each; else as it is."""
    rois = bbox2roi(bboxes)
    unions = [
        features.union_head(features.union_roi_extractor(x, *rois[chunk.T]))
        for chunk in pairs.split(features.max_pairs)
    ]
    return torch.cat(unions), torch.arange(len(pairs), device=pairs.device)


@contextmanager
def union_branch(features: PairFeatures, way: str) -> Iterator[None]:
    """Switch how unions are pooled while the context lasts.

    Args:
        features: Of a relation head.
        way: One of ``WAYS``.
    """
    kept = features.embed_unions, features.max_pairs
    if way != 'as it is':
        features.embed_unions = partial(embed_every_pair, features)
    if way == 'every pair at once':
        features.max_pairs = torch.iinfo(torch.int64).max
    try:
        yield
    finally:
        features.embed_unions, features.max_pairs = kept


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
