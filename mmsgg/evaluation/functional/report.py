"""By which rules, and on what, a result was measured."""

import hashlib
from collections.abc import Sequence
from typing import Any

from .protocols import PROTOCOLS
from .rules import Rules


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
