"""METAINFO of VG150 against the vocabulary that everybody uses."""

import pytest

from mmsgg.datasets import VG150Dataset
from mmsgg.datasets.vg150_file import check_vocabulary

from ..folders import DATA


@pytest.mark.parametrize(
    'name', ['VG-SGG-dicts.json', 'VG-SGG-dicts-with-attri.json']
)
def test_metainfo_is_the_vocabulary_of_vg150(name):
    path = DATA / 'vg' / name
    if not path.is_file():
        pytest.skip(f'no file {path}')
    metainfo = VG150Dataset.METAINFO
    assert len(metainfo['classes']) == 150
    assert len(metainfo['predicates']) == 50
    check_vocabulary(path, metainfo['classes'], metainfo['predicates'])
