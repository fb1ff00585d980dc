"""Memory of this process, as Linux tells it."""

from pathlib import Path


def process_memory(field: str, file: str = 'status') -> float:
    """Read a field in MB.

    Args:
        field: Such as ``VmRSS`` (what is resident now) or ``VmHWM`` (the most
            that ever was).
        file: Where in ``/proc/self`` it stands.

    Raises:
        OSError: Where the system has no ``/proc``.
        KeyError: Where the file has no such field.
    """
    for line in Path('/proc/self', file).read_text().splitlines():
        name, _, value = line.partition(':')
        if name == field:
            return int(value.split()[0]) / 1024
    raise KeyError(field)
