"""Scene graphs for other programs: NetworkX, GraphML, Graphviz, text."""

from .dot import to_dot, write_svg
from .export import FORMATS, check_export, export_graph, to_triples
from .networkx_graph import (
    from_networkx,
    read_graphml,
    to_networkx,
    write_graphml,
)

__all__ = [
    'FORMATS',
    'check_export',
    'export_graph',
    'from_networkx',
    'read_graphml',
    'to_dot',
    'to_networkx',
    'to_triples',
    'write_graphml',
    'write_svg',
]
