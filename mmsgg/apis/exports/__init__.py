"""Scene graphs for other programs, such as NetworkX and Graphviz."""

from .cypher import to_cypher
from .dot import to_dot, write_svg
from .export import FORMATS, check_export, export_graph, to_triples
from .fiftyone import read_fiftyone, write_fiftyone
from .label_studio import label_studio_results, write_label_studio
from .networkx_graph import (
    from_networkx,
    read_graphml,
    to_networkx,
    write_graphml,
)
from .turtle import to_turtle

__all__ = [
    'FORMATS',
    'check_export',
    'export_graph',
    'from_networkx',
    'label_studio_results',
    'read_fiftyone',
    'read_graphml',
    'to_cypher',
    'to_dot',
    'to_networkx',
    'to_triples',
    'to_turtle',
    'write_fiftyone',
    'write_graphml',
    'write_label_studio',
    'write_svg',
]
