"""Reading the file that ``tools/test.py --out`` writes."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmsgg.fileio import read_records

from .functional import check_finite

PREDICTION = {
    'pred_instances': ('bboxes', 'labels', 'scores'),
    'pred_relations': ('pairs', 'predicate_scores'),
}
ANNOTATION = {
    'gt_instances': ('bboxes', 'labels'),
    'gt_relations': ('pairs', 'labels'),
}


def read_samples(path: str | Path, annotated: bool = True) -> list[dict]:
    """Read the samples of a result file and check what they hold.

    Args:
        path: A file of ``DumpSceneGraphs`` or ``DumpResults``.
        annotated: Whether the annotation must be in it.

    Returns:
        One dict an image, in the order of the data set.

    Raises:
        ValueError: Where the file is missing, broken or something else, or
            a score or a box is not finite; the message names it.
    """
    samples = read_records(path)
    if not isinstance(samples, list):
        raise ValueError(
            f"'{path}' holds {_kind(samples)}, not the list of "
            'samples that tools/test.py --out writes'
        )
    needed = PREDICTION | (ANNOTATION if annotated else {})
    for number, sample in enumerate(samples):
        _check(sample, needed, f"'{path}', image {number}")
        try:
            check_finite(sample)
        except ValueError as error:
            raise ValueError(f"'{path}', {error}") from None
    return samples


def largest_topk(samples: list[dict]) -> int | None:
    """The largest K that the pairs in the samples serve; None for any.

    Args:
        samples: From :func:`read_samples`.

    Returns:
        The smallest ``topk`` of ``DumpSceneGraphs``.

    Examples:
        >>> largest_topk([dict(topk=100), dict(topk=50), dict()])
        50
    """
    return min((s['topk'] for s in samples if 'topk' in s), default=None)


def check_topk(
    samples: list[dict], topk: Iterable[int], all_pairs: bool = False
) -> None:
    """See that the samples hold enough for some numbers K.

    Args:
        samples: From :func:`read_samples`.
        topk: The numbers K of triplets that an image may give.
        all_pairs: Whether all predicted pairs are needed, whatever K.

    Raises:
        ValueError: Where the largest K is more than they hold.
    """
    most = largest_topk(samples)
    if most is not None and all_pairs:
        raise ValueError(
            f'the samples hold the pairs of the best {most} triplets, but '
            'this protocol needs all pairs; write them with topk=None of '
            'DumpSceneGraphs'
        )
    if most is not None and max(topk) > most:
        raise ValueError(
            f'the samples hold the best {most} triplets, too few for K = '
            f'{max(topk)}; see topk of DumpSceneGraphs'
        )


def _check(sample: Any, needed: dict, where: str) -> None:
    """See that a sample has its fields."""
    if not isinstance(sample, Mapping):
        raise ValueError(f'{where} is {_kind(sample)}, not a dict')
    for field, names in needed.items():
        if field not in sample:
            hint = (
                '; was the test run without ground truth?'
                if field.startswith('gt_')
                else '; is it of a model without a relation head?'
            )
            raise ValueError(f"{where} has no '{field}'{hint}")
        for name in names:
            if name not in sample[field]:
                raise ValueError(f"{where} has no '{name}' in '{field}'")


def _kind(value: Any) -> str:
    return f'a {type(value).__name__}'
