"""Scene graphs as NetworkX graphs, and as GraphML files by way of these."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import networkx as nx

_CORNERS = ('x1', 'y1', 'x2', 'y2')
# GraphML has an id of the graph itself
_IMAGE = dict(
    image_id='id', file_name='file_name', width='width', height='height'
)


def to_networkx(graph: Mapping[str, Any]) -> nx.MultiDiGraph:
    """Make a directed graph with objects as nodes and triplets as edges.

    Args:
        graph: From :func:`mmsgg.evaluation.graph_to_dict`.

    Returns:
        Nodes are named by the ids of the objects and have ``label``,
        ``name``, ``score`` and the box ``x1, y1, x2, y2`` in original-image
        pixels; edges have ``label``, ``name`` and ``score``, and their key
        is the rank of the triplet, from 0; the graph has
        ``image_id``, ``file_name``, ``width`` and ``height``. What is None
        is left out.

    Examples:
        >>> graph = to_networkx(dict(
        ...     id=7, file_name='7.jpg', width=40, height=30,
        ...     objects=[
        ...         dict(id=0, label=1, name='man', box=[0.0, 0.0, 9.0, 9.0],
        ...              score=0.5),
        ...         dict(id=1, label=0, name='hat', box=[5.0, 5.0, 9.0, 9.5],
        ...              score=1.0)],
        ...     triplets=[dict(subject_id=0, object_id=1, label=1,
        ...                    name='wears', score=0.3)]))
        >>> [(graph.nodes[s]['name'], edge['name'])
        ...  for s, o, edge in graph.edges(data=True)]
        [('man', 'wears')]
    """
    image = {name: graph[key] for name, key in _IMAGE.items()}
    nodes = nx.MultiDiGraph(**_given(image))
    for item in graph['objects']:
        box = dict(zip(_CORNERS, item['box'], strict=True))
        rest = {k: v for k, v in item.items() if k not in ('id', 'box')}
        nodes.add_node(item['id'], **_given(rest), **box)
    for rank, item in enumerate(graph['triplets']):
        ends = item['subject_id'], item['object_id']
        if not nodes.has_node(ends[0]) or not nodes.has_node(ends[1]):
            raise ValueError(f'the triplet {item} points to no object')
        rest = {k: v for k, v in item.items() if not k.endswith('ject_id')}
        nodes.add_edge(*ends, key=rank, **_given(rest))
    return nodes


def from_networkx(nodes: nx.MultiDiGraph) -> dict[str, Any]:
    """Undo :func:`to_networkx`.

    Args:
        nodes: A graph of that form.

    Returns:
        Its dict, equal to the one it was made from.
    """
    objects = []
    for node, values in nodes.nodes(data=True):
        box = [values[corner] for corner in _CORNERS]
        rest = {k: v for k, v in values.items() if k not in _CORNERS}
        objects.append(dict(_item(rest), id=node, box=box))
    edges = sorted(nodes.edges(keys=True, data=True), key=lambda e: e[2])
    triplets = [
        dict(_item(values), subject_id=subject, object_id=object_)
        for subject, object_, _, values in edges
    ]
    image = {key: nodes.graph.get(name) for name, key in _IMAGE.items()}
    return dict(image, objects=objects, triplets=triplets)


def write_graphml(path: str | Path, graph: Mapping[str, Any]) -> None:
    """Write a GraphML file, for Gephi, Cytoscape, yEd, igraph and others.

    Args:
        path: The file to write.
        graph: From :func:`mmsgg.evaluation.graph_to_dict`.

    Raises:
        ValueError: Where a name has a control character, which XML lacks.
    """
    nodes = to_networkx(graph)
    values = [*nodes.graph.values()]
    for _, data in nodes.nodes(data=True):
        values += data.values()
    for *_, data in nodes.edges(data=True):
        values += data.values()
    for value in values:
        if isinstance(value, str) and not value.isprintable():
            raise ValueError(f'XML cannot hold the text {value!r}')
    nx.write_graphml_xml(nodes, path)


def read_graphml(path: str | Path) -> dict[str, Any]:
    """Read a file of :func:`write_graphml`.

    Args:
        path: The file.

    Returns:
        The graph, as :func:`from_networkx` gives it.

    Raises:
        ValueError: Where the file is missing or broken, or holds another
            kind of graph; the message names it.
    """
    try:
        nodes = nx.read_graphml(
            path, node_type=int, edge_key_type=int, force_multigraph=True
        )
        return from_networkx(nodes)
    except (OSError, ValueError, ParseError, nx.NetworkXError) as error:
        raise ValueError(
            f"cannot read a scene graph from '{path}': {error}"
        ) from error
    except KeyError as error:
        raise ValueError(f"a node in '{path}' has no {error}") from error


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: v for key, v in values.items() if v is not None}


def _item(values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(label=None, name=None, score=None) | dict(values)
