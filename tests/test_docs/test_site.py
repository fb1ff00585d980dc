"""The site of docs/: its pages and links, without building it."""

import importlib.util
import re

import pytest
import yaml

from ..folders import ROOT
from .test_architecture import resolve

spec = importlib.util.spec_from_file_location(
    'site_pages', ROOT / 'docs' / 'site_pages.py'
)
SITE = importlib.util.module_from_spec(spec)
spec.loader.exec_module(SITE)
DOCS = ROOT / 'docs'


def test_the_menu_has_every_page():
    text = (ROOT / 'mkdocs.yml').read_text()
    text = re.sub(r'!!python/\S+', '', text)
    config = yaml.safe_load(text)
    named = []
    for entry in config['nav']:
        named += (
            [entry] if isinstance(entry, str) else next(iter(entry.values()))
        )
    made = {'index.md', 'reference.md'}
    assert len(named) == len(set(named))
    assert set(named) == made | {page.name for page in DOCS.glob('*.md')}
    assert config['strict'] is True


@pytest.mark.parametrize(
    ('link', 'expected'),
    [
        ('metrics.md#protocols', '[a](metrics.md#protocols)'),
        ('#here', '[a](#here)'),
        ('https://a.org/x.md', '[a](https://a.org/x.md)'),
        ('../README.md#two-commands', '[a](index.md#two-commands)'),
        ('../configs/linknet', 'a (`configs/linknet`)'),
        ('../tools/train.py', 'a (`tools/train.py`)'),
    ],
)
def test_links_of_a_page(monkeypatch, link, expected):
    monkeypatch.delenv('REPOSITORY_URL', raising=False)
    assert SITE.site_link('a', link, DOCS) == expected


def test_links_of_the_readme(monkeypatch):
    monkeypatch.setenv('REPOSITORY_URL', 'https://a.org/me/mmsgg')
    text = (
        '[a](docs/gqa.md) ![b](images/x.png)\n```\n[c](d)\n```\n'
        '[e\nf](LICENSE)'
    )
    assert SITE.site_page(text, ROOT) == (
        '[a](gqa.md) ![b](images/x.png)\n```\n[c](d)\n```\n'
        '[e\nf](https://a.org/me/mmsgg/blob/main/LICENSE)'
    )


def test_a_link_to_nothing_is_an_error():
    with pytest.raises(ValueError, match='not there'):
        SITE.site_link('a', '../nothing.py', DOCS)


def test_the_reference_names_what_is_there():
    for name in SITE.REFERENCE:
        assert resolve(name).__doc__, name
