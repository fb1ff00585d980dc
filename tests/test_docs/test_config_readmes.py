"""Each folder of configs says what is in it, and links that lead somewhere."""

import re

import pytest

from ..folders import ROOT
from .test_architecture import anchors, prose

FOLDERS = sorted(
    path
    for path in (ROOT / 'configs').iterdir()
    if path.is_dir() and path.name != '_base_'
)


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda path: path.name)
def test_a_folder_of_configs_has_a_readme(folder):
    page = folder / 'README.md'
    assert page.is_file()
    assert len(page.read_text().splitlines()) < 80
    text = prose(page)
    for link in re.findall(r'\]\(([^)\s]+)\)', text):
        path, _, anchor = link.partition('#')
        if '://' in link:
            continue
        target = folder / path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
    named = re.findall(r'`([\w*-]+(?:_[\w*-]+)*\.py)`', text)
    for name in named:
        pattern = name.replace('METHOD', '*')
        assert [*folder.glob(pattern)], name
