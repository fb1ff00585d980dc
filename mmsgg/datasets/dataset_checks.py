"""What a data set of scene graphs refuses before anybody fetches an item."""

import re
from collections.abc import Collection, Iterator, Sequence

from mmcv.transforms import (
    LoadAnnotations,
    RandomChoiceResize,
    RandomFlip,
    RandomResize,
    Resize,
)
from mmdet.datasets.transforms import ResizeShortestEdge

from .transforms import LoadRelationAnnotations

#: The words that options take.
OPTIONS = {
    'bad_rows': ('error', 'drop'),
    'degenerate_boxes': ('error', 'drop', 'widen'),
}
#: A word of a name, also of left_of, to-the-left-of and leftOf.
_WORD = re.compile('[A-Z]?[a-z]+|[A-Z]+')
#: What ``filter_cfg`` may say, as in mmdet's data sets.
FILTER_KEYS = ('filter_empty_gt', 'min_size')
#: What changes the scale of an image, and of the boxes that are loaded.
_RESIZES = (Resize, RandomResize, RandomChoiceResize, ResizeShortestEdge)


def check_options(
    title: str, filter_cfg: Collection[str] | None, **words: str
) -> None:
    """Refuse what no option says, and name what there is.

    Args:
        title: What messages call the data set.
        filter_cfg: Its keys are checked.
        **words: Options of ``OPTIONS``.

    Raises:
        ValueError: If one is unknown.
    """
    for name, word in words.items():
        if word not in OPTIONS[name]:
            raise ValueError(
                f'{title}: {name}={word!r} is none of {OPTIONS[name]}'
            )
    unknown = [key for key in filter_cfg or () if key not in FILTER_KEYS]
    if unknown:
        raise ValueError(
            f'{title}: filter_cfg has {unknown[0]!r}, which nothing reads; '
            f'it may have {" and ".join(FILTER_KEYS)}'
        )


def check_names(title: str, path: str, field: str, names: Sequence) -> None:
    """Refuse names that come twice, and the background as a name.

    Args:
        title: What messages call the data set.
        path: Its file.
        field: 'classes' or 'predicates'.
        names: The names.

    Raises:
        ValueError: If there is such a name.
    """
    seen = set()
    for name in names:
        if name in seen:
            raise ValueError(
                f'{title}: {name!r} comes twice in the {field} of {path} or '
                'of metainfo; rename or remove one'
            )
        seen.add(name)
    if '__background__' in seen:
        raise ValueError(
            f"{title}: '__background__' is among the {field} of {path} or of "
            'metainfo; remove it, as the models add a background themselves, '
            'after the last name'
        )


def sided_predicates(predicates: Sequence[str]) -> list[str]:
    """Those that say left or right, which are wrong of a flipped image."""
    return [
        name
        for name in predicates
        if {'left', 'right'} & {word.lower() for word in _WORD.findall(name)}
    ]


def check_pipeline(
    title: str, pipeline: object, predicates: Sequence[str], test_mode: bool
) -> None:
    """Refuse a pipeline that makes the annotation wrong.

    Args:
        title: What messages call the data set.
        pipeline: Its transforms.
        predicates: Names.
        test_mode: Whether predictions are held against what is loaded.

    Raises:
        ValueError: If it flips images of which relations say left or right,
            or scales the boxes of a test.
    """
    _check_flips(title, pipeline, predicates)
    if test_mode:
        _check_order(title, pipeline)


def _check_flips(
    title: str, pipeline: object, predicates: Sequence[str]
) -> None:
    """Refuse to flip images of which relations say left or right."""
    steps = [*_steps_of(pipeline)]
    flips = any(isinstance(step, RandomFlip) for step in steps)
    reads = any(isinstance(step, LoadRelationAnnotations) for step in steps)
    sided = sided_predicates(predicates)
    if flips and reads and sided:
        raise ValueError(
            f'{title}: RandomFlip in its pipeline would make {sided[0]!r} '
            'wrong of a flipped image; leave it out of the train pipeline'
        )


def _check_order(title: str, pipeline: object) -> None:
    """Refuse to load annotations before a Resize, which scales them."""
    loaded = None
    for step in _steps_of(pipeline):
        if isinstance(step, LoadAnnotations):
            loaded = loaded or type(step).__name__
        elif loaded and isinstance(step, _RESIZES):
            raise ValueError(
                f'{title}: {loaded} comes before {type(step).__name__} in its '
                'pipeline, so that the boxes of the annotation would be '
                'scaled; in a test they are held against predictions in '
                f'pixels of the original image: move {loaded} behind it'
            )


def _steps_of(step: object) -> Iterator[object]:
    """Yield a transform and those inside it, as in ProposalBroadcaster."""
    yield step
    for inner in getattr(step, 'transforms', ()):
        yield from _steps_of(inner)
