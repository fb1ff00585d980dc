"""The named protocols of the evaluators in the field."""

import difflib
from collections.abc import Mapping
from typing import Any, NamedTuple

from .rules import Rules


class Protocol(NamedTuple):
    """What an evaluator measures, at which K, and by which rules."""

    metrics: tuple[str, ...]
    topk: tuple[int | str, ...]
    rules: Rules

    def changed_rules(self, rules: Mapping[str, Any]) -> Rules:
        """The rules with some changed; detections as boxes are not merged.

        Args:
            rules: Values by name.

        Returns:
            The rules to follow.

        Raises:
            ValueError: On an unknown name or value.
        """
        new = self.rules.changed(rules)
        if self.rules.masks and not new.masks and 'merge_nodes' not in rules:
            return new._replace(merge_nodes=False)
        return new


_USUAL = ('R', 'ng-R', 'mR', 'ng-mR')

PROTOCOLS = {
    'motifs': Protocol(_USUAL, (20, 50, 100), Rules()),
    'sgb': Protocol(_USUAL, (20, 50, 100), Rules(without_prediction='skip')),
    'vrd-lu': Protocol(('pooled-R', 'pooled-phr-R'), (50, 100), Rules()),
    'openimages': Protocol(
        (
            'pooled-R', 'R', 'mR', 'mAP_rel', 'wmAP_rel', 'mAP_phr',
            'wmAP_phr', 'score', 'score_wtd',
        ),
        (20, 50, 100),
        Rules(
            predicates_per_pair=2, exclusive=False, least_score=1e-5,
            without_prediction='skip',
        ),
    ),
    'psg': Protocol(
        ('R', 'mR'),
        (20, 50, 100),
        Rules(
            last_pixel=0, masks=True, unique_relations=True,
            without_prediction='skip',
        ),
    ),
    'psg-fair': Protocol(
        _USUAL,
        (20, 50, 100, 'gt'),
        Rules(
            strict=True, last_pixel=0, masks=True, assignment='one-to-one',
            merge_nodes=True, repeated_pairs='first',
            candidate_score='foreground', absent_predicate='nan',
        ),
    ),
    'sgbench': Protocol(
        (*_USUAL, 'PairR', 'InstR', 'PRank'),
        (20, 50, 100),
        Rules(
            last_pixel=0, assignment='best', unique_relations=True,
            unique_triplets=True, without_prediction='skip-mR',
            absent_predicate='nan',
        ),
    ),
}  # fmt: skip
"""Where each rule comes from stands in ``docs/metrics.md``."""


def find_protocol(name: str) -> Protocol:
    """The protocol of a name.

    Args:
        name: A key of :data:`PROTOCOLS`.

    Returns:
        The protocol.

    Raises:
        ValueError: On an unknown name; the message has the nearest known one.

    Examples:
        >>> find_protocol('vrd-lu').metrics
        ('pooled-R', 'pooled-phr-R')
    """
    if name not in PROTOCOLS:
        [close] = difflib.get_close_matches(str(name), PROTOCOLS, 1, 0)
        raise ValueError(
            f'unknown protocol {name!r}; did you mean {close!r}? Known are '
            f'{", ".join(PROTOCOLS)}.'
        )
    return PROTOCOLS[name]
