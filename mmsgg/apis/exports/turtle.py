"""A scene graph as RDF, in the Turtle language."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mmsgg.visualization.graph_dict import name_of

from .networkx_graph import to_networkx

_PREFIXES = """\
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sgg: <urn:mmsgg:> .
"""


def to_turtle(graph: Mapping[str, Any]) -> str:
    r"""Write a graph in Turtle, for RDF stores and SPARQL.

    Each triplet is a statement, ``<#object0> <urn:mmsgg:predicate:wears>
    <#object4>``, and a ``rdf:Statement`` of that with its score and rank. Ids
    count from the address of the document, so that files do not mix. What is
    None is left out.

    Args:
        graph: From :func:`mmsgg.evaluation.graph_to_dict`.

    Examples:
        >>> text = to_turtle(dict(
        ...     id=None, file_name='a "b".jpg', width=40, height=None,
        ...     objects=[], triplets=[]))
        >>> print(text.splitlines()[-1])
        <#image> a sgg:Image ; sgg:file_name "a \"b\".jpg" ; sgg:width 40 .
    """
    nodes = to_networkx(graph)
    lines = [_PREFIXES, _statement('image', 'sgg:Image', nodes.graph)]
    for item in graph['objects']:
        lines.append(
            _statement(
                f'object{item["id"]}',
                'sgg:Object',
                nodes.nodes[item['id']],
                **{
                    'rdfs:label': _literal(name_of(item)),
                    'sgg:in': '<#image>',
                },
            )
        )
    for rank, item in enumerate(graph['triplets']):
        ends = item['subject_id'], item['object_id']
        subject, object_ = (f'<#object{end}>' for end in ends)
        predicate = f'<urn:mmsgg:predicate:{quote(name_of(item), safe="")}>'
        lines.append(f'{subject} {predicate} {object_} .')
        lines.append(
            _statement(
                f'relation{rank}',
                'rdf:Statement',
                nodes.get_edge_data(*ends, rank) | dict(rank=rank),
                **{
                    'rdf:subject': subject,
                    'rdf:predicate': predicate,
                    'rdf:object': object_,
                },
            )
        )
    return '\n'.join(lines) + '\n'


def _statement(
    name: str, kind: str, values: Mapping[str, Any], **more: str
) -> str:
    """Describe one thing: its type, literals, and what is written already."""
    pairs = {f'sgg:{key}': _literal(value) for key, value in values.items()}
    rest = ''.join(
        f' ; {key} {value}' for key, value in (pairs | more).items()
    )
    return f'<#{name}> a {kind}{rest} .'


def _literal(value: Any) -> str:
    """A number or a string; JSON's escapes are Turtle's."""
    return json.dumps(value, ensure_ascii=False)
