"""Files that run code in the reader who unpickles whatever comes."""

import io
import pickle
import tarfile
from pathlib import Path

import torch


class Trap:
    """Makes a file where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def zip_format(path, content):
    torch.save(content, path)


def legacy_format(path, content):
    torch.save(content, path, _use_new_zipfile_serialization=False)


def raw_pickle(path, content):
    path.write_bytes(pickle.dumps(content))


def tar_format(path, content):
    """As torch wrote it up to 0.1.9; each part is a pickle."""
    pickled = pickle.dumps(content, protocol=2)
    with tarfile.open(path, 'w') as file:
        for name in ('sys_info', 'pickle', 'storages', 'tensors'):
            info = tarfile.TarInfo(name)
            info.size = len(pickled)
            file.addfile(info, io.BytesIO(pickled))


FORMATS = (zip_format, tar_format, legacy_format, raw_pickle)


def hostile(path, mark, write=zip_format, content=None):
    """Write a checkpoint that makes ``mark`` where its code runs.

    Args:
        path: The file to write.
        mark: The file that it makes.
        write: One of ``FORMATS``.
        content: What it holds beside.

    Returns:
        ``path``.
    """
    content = dict(meta=dict(), state_dict=dict()) | (content or {})
    write(path, content | dict(trap=Trap(mark)))
    return path
