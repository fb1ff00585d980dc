"""A scene graph as a statement of Cypher, the language of Neo4j."""

import json
from collections.abc import Mapping
from typing import Any

from .networkx_graph import to_networkx


def to_cypher(graph: Mapping[str, Any]) -> str:
    r"""Write the statement that creates a graph, for Neo4j and its kin.

    Nodes are ``Image`` and ``Object``, relationships ``HAS`` and, for
    triplets, ``RELATION``; names are properties, never part of the statement.
    What is None is left out.

    Args:
        graph: From :func:`mmsgg.evaluation.graph_to_dict`.

    Examples:
        >>> print(to_cypher(dict(
        ...     id=None, file_name='a "b".jpg', width=40, height=None,
        ...     objects=[], triplets=[])).rstrip())
        CREATE
          (image:Image {file_name: "a \"b\".jpg", width: 40});
    """
    nodes = to_networkx(graph)
    parts = [f'(image:Image {_properties(nodes.graph)})']
    for node, values in nodes.nodes(data=True):
        properties = _properties(dict(id=node) | values)
        parts.append(f'(image)-[:HAS]->(o{node}:Object {properties})')
    edges = sorted(nodes.edges(keys=True, data=True), key=lambda e: e[2])
    parts += [
        f'(o{s})-[:RELATION {_properties(dict(rank=rank) | values)}]->(o{o})'
        for s, o, rank, values in edges
    ]
    return 'CREATE\n  ' + ',\n  '.join(parts) + ';\n'


def _properties(values: Mapping[str, Any]) -> str:
    """A map of properties; JSON's escapes of strings are Cypher's."""
    pairs = (
        f'{key}: {json.dumps(value, ensure_ascii=False)}'
        for key, value in values.items()
    )
    return f'{{{", ".join(pairs)}}}'
