"""What the page shows of a graph: which part, its names, colours and focus."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mmsgg.apis import filter_graph
from mmsgg.visualization.colors import color_classes, hex_color, text_color
from mmsgg.visualization.graph_dict import object_names as object_names
from mmsgg.visualization.graph_dict import related_ids

LOOSE_SCORE = 0.3
"""The least score of an object that is in no relation shown."""

Graph = Mapping[str, Any]

CssColors = tuple[str, str]
"""Of a ground, and of words upon it."""


class Focus(NamedTuple):
    """What the mouse or the list points to."""

    objects: frozenset[int] = frozenset()
    """Ids of objects."""
    triplets: frozenset[int] = frozenset()
    """Positions in the list of triplets."""


def shown_graph(
    graph: Graph | None, score_thr: float, topk: int, task: str = 'sgdet'
) -> dict[str, Any]:
    """Apply the sliders.

    Args:
        graph: From :func:`mmsgg.evaluation.graph_to_dict`; None is an empty
            graph.
        score_thr: The least score.
        topk: The most triplets.
        task: All objects stay where they are the user's, that is, in all
            tasks but sgdet.

    Returns:
        A graph with the best triplets, their objects, and objects in no
        triplet whose score is at least :data:`LOOSE_SCORE`.
    """
    if graph is None:
        return dict(width=1, height=1, objects=[], triplets=[])
    best = filter_graph(graph, score_thr=score_thr, topk=topk)
    related = related_ids(best)
    loose_score = max(score_thr, LOOSE_SCORE) if task == 'sgdet' else 0
    objects = [
        item
        for item in graph['objects']
        if item['id'] in related or item['score'] >= loose_score
    ]
    return dict(best, objects=objects)


def css_colors(labels: Iterable[int]) -> dict[int, CssColors]:
    """The colours of classes that appear together, and of words upon them.

    Examples:
        >>> css_colors([0])
        {0: ('#e65c00', '#ffffff')}
    """
    return {
        label: (hex_color(color), hex_color(text_color(color)))
        for label, color in color_classes(labels).items()
    }


def graph_colors(graph: Graph) -> dict[int, CssColors]:
    """The colours of the classes of a graph."""
    return css_colors(item['label'] for item in graph['objects'])


def focus_on_triplet(graph: Graph, number: int) -> Focus:
    """Point to a triplet and both its objects; none where it is gone."""
    if not 0 <= number < len(graph['triplets']):
        return Focus()
    item = graph['triplets'][number]
    ends = frozenset([item['subject_id'], item['object_id']])
    return Focus(ends, frozenset([number]))


def focus_on_object(graph: Graph, number: int) -> Focus:
    """Point to an object and to all its triplets."""
    triplets = frozenset(
        row
        for row, item in enumerate(graph['triplets'])
        if number in (item['subject_id'], item['object_id'])
    )
    return Focus(frozenset([number]), triplets)
