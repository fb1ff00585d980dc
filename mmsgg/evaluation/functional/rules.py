"""The rules in which evaluators of scene graphs differ."""

import difflib
from collections.abc import Collection, Mapping
from typing import (
    Any,
    Literal,
    NamedTuple,
    get_args,
    get_origin,
    get_type_hints,
)


def check_known(what: str, name: object, known: Collection[str]) -> None:
    """Raise a ValueError that says what comes near a name not known.

    Args:
        what: What it is the name of.
        name: A name that a user wrote.
        known: All there are.
    """
    if name not in known:
        [close] = difflib.get_close_matches(str(name), known, n=1, cutoff=0)
        raise ValueError(
            f'unknown {what} {name!r}; did you mean {close!r}? Known are '
            f'{", ".join(known)}.'
        )


class Rules(NamedTuple):
    """What counts as a hit and how hits are averaged; neural-motifs' rules.

    ``docs/metrics.md`` says which evaluator has which.
    """

    #: The least overlap of subject and of object.
    iou_thr: float = 0.5
    #: Whether the overlap must be more than ``iou_thr``, not only as much.
    strict: bool = False
    #: 1 where the last pixel belongs to a box (x2 - x1 + 1), else 0.
    last_pixel: int = 1
    #: Whether masks overlap, not boxes.
    masks: bool = False
    #: Which annotated objects a detection stands for: all of its class that
    #: it overlaps, the best of them, or that one if no other detection fits
    #: it better.
    assignment: Literal['all', 'best', 'one-to-one'] = 'all'
    #: Whether a relation that is annotated twice counts once.
    unique_relations: bool = False
    #: Whether the same predicate of the same detections counts once.
    unique_triplets: bool = False
    #: Whether detections of one object become one, see ``merge_nodes``.
    merge_nodes: bool = False
    #: Which predicates a pair keeps that is predicted several times, see
    #: ``merge_pairs``; 'all' leaves them.
    repeated_pairs: Literal['all', 'first', 'max', 'ng'] = 'all'
    #: What a candidate of ng- scores: subject * object * predicate, the
    #: predicate * (1 - background), or the predicate alone.
    candidate_score: Literal['product', 'foreground', 'probability'] = (
        'product'
    )
    #: How many predicates of a pair compete in pooled-R and AP.
    predicates_per_pair: int = 1
    #: Whether a triplet of pooled-R uses up the relation that it hits.
    exclusive: bool = True
    #: Triplets of pooled-R and AP that score no more are dropped.
    least_score: float = 0.0
    #: An image with relations but without a predicted pair counts 0 or is
    #: left out of all means over images; 'skip-mR': of mR alone, and only
    #: where no object is predicted.
    without_prediction: Literal['zero', 'skip', 'skip-mR'] = 'zero'
    #: What mR makes of a predicate that never occurs: 0, or nan as a whole.
    absent_predicate: Literal['zero', 'nan'] = 'zero'

    def changed(self, rules: Mapping[str, Any]) -> 'Rules':
        """The rules with some of them changed.

        Args:
            rules: Values under the names of the fields.

        Raises:
            ValueError: On an unknown name or value.

        Examples:
            >>> Rules().changed(dict(iou_thr=0.3)).iou_thr
            0.3
        """
        hints = get_type_hints(type(self))
        for name, value in rules.items():
            check_known('rule', name, self._fields)
            known = get_args(hints[name])
            if get_origin(hints[name]) is Literal and value not in known:
                raise ValueError(f'{name} must be one of {known}: {value!r}')
        new = self._replace(**rules)
        if new.predicates_per_pair < 1:
            raise ValueError(
                f'predicates_per_pair must be positive: '
                f'{new.predicates_per_pair}'
            )
        return new
