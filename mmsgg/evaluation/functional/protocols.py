"""The named protocols of evaluators in the field, and what was measured."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .rules import Rules, check_known


class Protocol(NamedTuple):
    """What an evaluator measures, at which K, and by which rules."""

    metrics: tuple[str, ...]
    topk: tuple[int | str, ...]
    rules: Rules

    def changed_rules(self, rules: Mapping[str, Any]) -> Rules:
        """The rules with some changed; detections as boxes are not merged.

        Args:
            rules: Values by name.

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

    Raises:
        ValueError: On an unknown name; the message has the nearest known one.

    Examples:
        >>> find_protocol('vrd-lu').metrics
        ('pooled-R', 'pooled-phr-R')
    """
    check_known('protocol', name, PROTOCOLS)
    return PROTOCOLS[name]


def evaluation_report(
    protocol: str, rules: Rules, results: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """What stands beside the numbers of an evaluation.

    Args:
        protocol: A name of :data:`~.protocols.PROTOCOLS`.
        rules: The rules that were followed.
        results: One entry of ``SceneGraphMetric.process`` an image.

    Returns:
        ``protocol``; ``changed_rules``, those that differ from the
        protocol's; ``images``; ``images_with_relations``; ``image_ids``, see
        :func:`hash_ids`; ``relations`` that count; ``repeated_relations``
        that do not; ``merged_nodes``, detections that are no node of their
        own; ``skipped_images``, which have relations and are left out.
    """
    usual = PROTOCOLS[protocol].rules._asdict()
    changed = {k: v for k, v in rules._asdict().items() if v != usual[k]}
    sizes = [len(entry['triplets']) for entry in results]
    return dict(
        protocol=protocol,
        changed_rules=changed,
        images=len(results),
        images_with_relations=sum(size > 0 for size in sizes),
        image_ids=hash_ids([entry['img_id'] for entry in results]),
        relations=sum(sizes),
        repeated_relations=sum(entry['repeated'] for entry in results),
        merged_nodes=sum(entry['merged'] for entry in results),
        skipped_images=sum(
            entry['left_out'] and size > 0
            for entry, size in zip(results, sizes, strict=True)
        ),
    )


def hash_ids(image_ids: Sequence[Any]) -> str | None:
    """A hash of a set of images, whatever their order.

    Args:
        image_ids: Their ids.

    Returns:
        The first 16 hexadecimal digits of SHA-256 of the ids as text, sorted,
        one a line; None where an image has no id.

    Examples:
        >>> hash_ids([7, 12]) == hash_ids([12, 7])
        True
        >>> hash_ids([7, 12])
        '5f9614d6df862047'
    """
    if any(image is None for image in image_ids):
        return None
    lines = '\n'.join(sorted(map(str, image_ids)))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]
