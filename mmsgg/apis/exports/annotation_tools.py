"""What exports for programs that correct annotation have in common."""

from collections.abc import Mapping
from typing import Any


def check_image(graph: Mapping[str, Any], program: str) -> None:
    """Refuse a graph that lacks the size of its image, or its name."""
    if not all(graph[key] for key in ('file_name', 'width', 'height')):
        raise ValueError(
            f'{program} needs the file and the size of image '
            f'{graph["id"]!r}, which its graph does not hold'
        )


def stored_name(item: Mapping[str, Any]) -> str:
    """The name as it is, which is to come back, or the number."""
    return item.get('name') or str(item['label'])
