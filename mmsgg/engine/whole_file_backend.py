"""Files that are written whole or not at all."""

import os
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

#: What the name of a file ends in while it is written.
UNFINISHED = '.tmp'


class WholeFileBackend(LocalBackend):
    """Writes a file of this machine whole, or leaves it as it was."""

    def put(self, obj: bytes | memoryview, filepath: str | Path) -> None:
        """Write bytes beside the file, then put them in its place.

        Args:
            obj: What to write.
            filepath: The file.
        """
        path = Path(filepath)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + UNFINISHED)
        try:
            with unfinished.open('wb') as file:
                file.write(obj)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        if os.name == 'posix':  # the new name is on the disk, too
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


register_backend('whole_file', WholeFileBackend, force=True)
