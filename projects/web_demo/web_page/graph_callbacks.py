"""What is shown of a graph: sliders, focus, download.

All of it works on the graph that lies in the browser; none calls the model.
"""

import tempfile
from functools import partialmethod
from pathlib import Path
from typing import Any

from dash import (
    ClientsideFunction,
    Dash,
    Input,
    Output,
    Patch,
    State,
    html,
)
from dash.exceptions import PreventUpdate

from mmsgg.apis.exports import export_graph
from mmsgg.visualization.graph_dict import counted, name_of

from .graph_view import (
    edge_id,
    graph_elements,
    graph_stylesheet,
    node_layout,
)
from .image_view import marks_layout, marks_of_boxes, marks_of_graph
from .shown_graph import (
    CssColors,
    Focus,
    Graph,
    focus_on_object,
    focus_on_triplet,
    graph_colors,
    object_names,
    shown_graph,
)
from .user_boxes import boxes_before_graph


class GraphCallbacks:
    """Fills the boxes on the image, the graph view and the list of triplets.

    Args:
        classes: Names of the object classes.
    """

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.classes = classes

    def register(self, app: Dash) -> None:
        """Connect the methods to the page."""
        shown = [
            ('graph', 'data'),
            ('score-thr', 'value'),
            ('topk', 'value'),
        ]
        app.callback(
            Output('graph-view', 'elements'),
            Output('triplets', 'options'),
            Output('triplets', 'value'),
            Output('summary', 'children'),
            Output('download', 'disabled'),
            Output('empty', 'children'),
            Output('graph-view', 'layout'),
            *(Input(*item) for item in shown),
            State('task', 'value'),
        )(self.show_graph)
        app.callback(
            Output('image-view', 'figure', allow_duplicate=True),
            Output('graph-view', 'stylesheet'),
            *(Input(*item) for item in shown),
            Input('task', 'value'),
            Input('source', 'data'),
            Input('boxes', 'value'),
            Input('graph-view', 'mouseoverEdgeData'),
            Input('graph-view', 'mouseoverNodeData'),
            Input('triplets', 'value'),
            prevent_initial_call=True,
        )(self.show_boxes)
        app.callback(
            Output('score-thr-value', 'children'),
            Output('topk-value', 'children'),
            *(Input(*item) for item in shown[1:]),
        )(self.show_limits)
        saved = [*(State(*item) for item in shown), State('task', 'value')]
        app.callback(
            Output('file', 'data'),
            Input('download', 'n_clicks'),
            *saved,
            prevent_initial_call=True,
        )(self.download)
        app.callback(
            Output('file', 'data', allow_duplicate=True),
            Input('download-graphml', 'n_clicks'),
            *saved,
            prevent_initial_call=True,
        )(self.download_graphml)
        app.clientside_callback(
            ClientsideFunction('mmsgg', 'drawGraph'),
            Output('graph-view', 'generateImage'),
            Input('download-png', 'n_clicks'),
            Input('download-svg', 'n_clicks'),
            State('source', 'data'),
            prevent_initial_call=True,
        )
        app.clientside_callback(
            'disabled => [disabled, disabled, disabled]',
            *(
                Output(f'download-{kind}', 'disabled')
                for kind in ('graphml', 'png', 'svg')
            ),
            Input('download', 'disabled'),
        )

    def show_graph(
        self, graph: Graph | None, score_thr: float, topk: int, task: str
    ) -> tuple:
        """Fill the right side of the page, and say how to lay out nodes."""
        shown = shown_graph(graph, score_thr, topk, task)
        names = object_names(graph or shown)
        colors = graph_colors(graph or shown)
        options = [
            dict(value=number, label=_triplet_row(item, shown, names, colors))
            for number, item in enumerate(shown['triplets'])
        ]
        summary = empty = ''
        if graph is None:
            empty = 'The graph will be here.'
        else:
            objects = counted(len(shown['objects']), 'object')
            relations = counted(len(graph['triplets']), 'relation')
            summary = f'{objects}, {len(options)} of {relations}'
            if graph['triplets'] and not options:
                summary += ': lower the least score'
            if not shown['objects']:
                empty = 'Nothing reaches the least score.'
        elements = graph_elements(shown, names, colors)
        layout = node_layout(elements)
        return elements, options, None, summary, graph is None, empty, layout

    def show_boxes(
        self,
        graph: Graph | None,
        score_thr: float,
        topk: int,
        task: str,
        source: dict | None,
        text: str | None,
        edge: dict | None,
        node: dict | None,
        triplet: int | None,
    ) -> tuple[Patch, list]:
        """Draw boxes on the image, and what is in focus in both views."""
        if source is None:
            raise PreventUpdate
        shown = shown_graph(graph, score_thr, topk, task)
        focus = find_focus(shown, edge, node, triplet)
        size, names = source['size'], object_names(graph or shown)
        boxes = boxes_before_graph(graph, task, text, size, self.classes)
        marks = [
            *marks_of_boxes(boxes, self.classes),
            *marks_of_graph(shown, names, focus, graph_colors(graph or shown)),
        ]
        figure = Patch()
        figure['layout'].update(
            dragmode=False if task == 'sgdet' else 'drawrect',
            **marks_layout(marks, size),
        )
        return figure, graph_stylesheet(focus)

    def show_limits(self, score_thr: float, topk: int) -> tuple[str, str]:
        """Where the sliders are, in numbers."""
        return f'{score_thr:.2f}', str(topk)

    def save(
        self,
        kind: str,
        mime: str,
        clicks: int | None,
        graph: Graph,
        score_thr: float,
        topk: int,
        task: str,
    ) -> dict[str, Any]:
        """The file of what is shown, in a format of result files."""
        shown = shown_graph(graph, score_thr, topk, task)
        return _file(shown, kind, mime)

    download = partialmethod(save, 'json', 'application/json')
    download_graphml = partialmethod(
        save, 'graphml', 'application/graphml+xml'
    )


def find_focus(
    graph: Graph, edge: dict | None, node: dict | None, triplet: int | None
) -> Focus:
    """What the mouse is on in the graph view, else what the list has chosen.

    An edge or a node that is not in the graph is left over from another one.
    """
    if edge is not None:
        number = edge['number']
        known = graph['triplets'][number : number + 1]
        if [edge_id(item) for item in known] == [edge['id']]:
            return focus_on_triplet(graph, number)
    if node is not None:
        if node['number'] in {item['id'] for item in graph['objects']}:
            return focus_on_object(graph, node['number'])
    return Focus() if triplet is None else focus_on_triplet(graph, triplet)


def _file(graph: Graph, ending: str, kind: str) -> dict[str, Any]:
    """A graph for ``dcc.Download``, named after its image."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f'graph.{ending}')
        export_graph(path, graph)
        content = path.read_text(encoding='utf-8')
    stem = Path(graph.get('file_name') or 'graph').stem
    return dict(content=content, filename=f'{stem}.{ending}', type=kind)


def _triplet_row(
    item: dict[str, Any],
    graph: Graph,
    names: dict[int, str],
    colors: dict[int, CssColors],
) -> html.Span:
    """A row of the list of triplets."""
    labels = {item['id']: item['label'] for item in graph['objects']}

    def chip(number: int) -> html.Span:
        background, color = colors[labels[number]]
        style = dict(background=background, color=color)
        return html.Span(names[number], className='chip', style=style)

    return html.Span(
        [
            chip(item['subject_id']),
            html.Span(name_of(item), className='predicate'),
            chip(item['object_id']),
            html.Span(f'{item["score"]:.3f}', className='score'),
        ],
        className='triplet',
    )
