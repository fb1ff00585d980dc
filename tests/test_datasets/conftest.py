import pytest

from .vg_files import VGFiles


@pytest.fixture
def files():
    return VGFiles(num_images=24)


@pytest.fixture
def folder(files, tmp_path):
    return files.write(tmp_path)
