"""Read an XML file, and say what to do where that does not work."""

from pathlib import Path
from xml.etree import ElementTree


def read_xml(path: str, what: str, where_from: str) -> ElementTree.Element:
    """Read a whole XML file that defines nothing of its own.

    Args:
        path: Its path.
        what: What the messages call it.
        where_from: What to do where there is no such file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not XML, or declares a document type, whose
            entities could fill the memory.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'{what} {path} not found; {where_from}')
    data = Path(path).read_bytes()
    if b'<!DOCTYPE' in data:
        raise ValueError(
            f'{what} {path} declares a document type, which is not read; '
            f'{where_from}'
        )
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise ValueError(
            f'{what} {path} is not XML ({error}); {where_from}'
        ) from error
