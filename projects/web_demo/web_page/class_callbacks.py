"""Another class for a box: a click on it, then a choice from the list.

The boxes that are shown become boxes of the user with their classes, of which
the model can predict the relations anew.
"""

from collections.abc import Sequence
from typing import Any

from dash import Dash, Input, Output, State, ctx
from dash.exceptions import PreventUpdate

from .limits import MAX_BOXES
from .shown_graph import Graph, shown_graph
from .user_boxes import UserBox, boxes_before_graph, format_box


class ClassCallbacks:
    """Finds the box that was clicked, and gives it another class.

    Args:
        classes: Names of the object classes.
    """

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.classes = classes

    def register(self, app: Dash) -> None:
        """Connect the methods to the page."""
        page = [
            State('score-thr', 'value'),
            State('topk', 'value'),
            State('task', 'value'),
            State('source', 'data'),
            State('boxes', 'value'),
        ]
        app.callback(
            Output('new-class', 'hidden'),
            Output('chosen-name', 'children'),
            Output('new-class-choice', 'value'),
            Output('chosen', 'data'),
            Input('clicked', 'data'),
            Input('graph', 'data'),
            *page,
            prevent_initial_call=True,
        )(self.choose_box)
        app.callback(
            Output('boxes', 'value', allow_duplicate=True),
            Output('task', 'value', allow_duplicate=True),
            Input('new-class-choice', 'value'),
            State('chosen', 'data'),
            State('graph', 'data'),
            *page,
            prevent_initial_call=True,
        )(self.give_class)

    def choose_box(
        self,
        clicked: dict[str, float] | None,
        graph: Graph | None,
        *page: Any,
    ) -> tuple[bool, str, None, int | None]:
        """Offer classes for the box under the mouse; hide them elsewhere."""
        boxes = self._boxes(graph, *page)
        number = None
        if ctx.triggered_id == 'clicked' and clicked is not None:
            number = box_at(boxes, clicked['x'], clicked['y'])
        if number is None:
            return True, '', None, None
        label = boxes[number].label
        name = f'Box {number + 1}' if label is None else self.classes[label]
        return False, f'{name} is', None, number

    def give_class(
        self,
        name: str | None,
        chosen: int | None,
        graph: Graph | None,
        *page: Any,
    ) -> tuple[str, str]:
        """The boxes as text with the new class, and the task that takes it."""
        boxes = self._boxes(graph, *page)
        if name not in self.classes or chosen is None:
            raise PreventUpdate
        if not 0 <= chosen < len(boxes):
            raise PreventUpdate
        boxes[chosen] = boxes[chosen]._replace(label=self.classes.index(name))
        # no more than are taken, and this one among them
        first = max(0, chosen - MAX_BOXES + 1)
        lines = [
            format_box(
                box.corners,
                None if box.label is None else self.classes[box.label],
            )
            for box in boxes[first : first + MAX_BOXES]
        ]
        return '\n'.join(lines), 'predcls'

    def _boxes(
        self,
        graph: Graph | None,
        score_thr: float,
        topk: int,
        task: str,
        source: dict | None,
        text: str | None,
    ) -> list[UserBox]:
        """The boxes that the page shows."""
        if source is None:
            return []
        size, shown = source['size'], shown_graph(graph, score_thr, topk, task)
        return [
            *boxes_before_graph(graph, task, text, size, self.classes),
            *(UserBox(tuple(o['box']), o['label']) for o in shown['objects']),
        ]


def box_at(boxes: Sequence[UserBox], x: float, y: float) -> int | None:
    """The number of the smallest box around a point; None where none is.

    Examples:
        >>> large, small = (0, 0, 90, 90), (10, 10, 30, 30)
        >>> boxes = [UserBox(large, None), UserBox(small, None)]
        >>> box_at(boxes, 20, 20), box_at(boxes, 50, 20), box_at(boxes, 99, 0)
        (1, 0, None)
    """
    areas = {
        (x2 - x1) * (y2 - y1): number
        for number, ((x1, y1, x2, y2), _) in enumerate(boxes)
        if x1 <= x <= x2 and y1 <= y <= y2
    }
    return areas[min(areas)] if areas else None
