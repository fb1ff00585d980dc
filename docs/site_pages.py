"""What MkDocs does to the pages, which are written to be read on GitHub.

README.md becomes the first page. A link out of docs/ leads to the repository,
where REPOSITORY_URL says which, else it becomes the path that it names.
"""

import os
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / 'docs'
LINK = re.compile(r'(?<!!)\[([^\]]*)\]\(([^)\s]+)\)')
CODE = re.compile(r'^ *```.*?^ *```$', re.S | re.M)
REFERENCE = (
    'mmsgg.apis.SGGInferencer',
    'mmsgg.apis.filter_graph',
    'mmsgg.apis.exports',
    'mmsgg.datasets',
    'mmsgg.datasets.transforms',
    'mmsgg.models.detectors',
    'mmsgg.models.object_sources',
    'mmsgg.models.relation_heads',
    'mmsgg.models.losses',
    'mmsgg.evaluation.metrics',
    'mmsgg.evaluation.functional',
    'mmsgg.structures',
    'mmsgg.engine.hooks',
    'mmsgg.visualization',
)


def site_link(text: str, link: str, folder: Path) -> str:
    """A link as it is on the site.

    Args:
        text: What is shown.
        link: An address, or a path from ``folder``.
        folder: Of the page, as it lies in the repository.
    """
    path, mark, anchor = link.partition('#')
    if '://' in link or not path:
        return f'[{text}]({link})'
    target = Path(os.path.normpath(folder / path))
    if target.suffix == '.md' and target.parent == PAGES:
        return f'[{text}]({target.name}{mark}{anchor})'
    if target == ROOT / 'README.md':
        return f'[{text}](index.md{mark}{anchor})'
    if not target.exists():
        raise ValueError(f'{folder} links to {link}, which is not there')
    repository = os.environ.get('REPOSITORY_URL')
    name = target.relative_to(ROOT).as_posix()
    if repository:
        return f'[{text}]({repository}/blob/main/{name}{mark}{anchor})'
    return text if text.strip('`') == name else f'{text} (`{name}`)'


def site_page(markdown: str, folder: Path) -> str:
    """A page with the links of the site; blocks of code stay as they are."""
    parts, end = [], 0
    for block in [*CODE.finditer(markdown), None]:
        start = len(markdown) if block is None else block.start()
        parts.append(
            LINK.sub(
                lambda m: site_link(m[1], m[2], folder), markdown[end:start]
            )
        )
        if block is not None:
            parts.append(block[0])
            end = block.end()
    return ''.join(parts)


def on_files(files: Any, config: Any) -> Any:
    """Add the first page and the reference."""
    from mkdocs.structure.files import File

    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    readme = readme.replace('](docs/images/', '](images/')
    reference = '# Reference\n\nFrom the docstrings.\n\n' + ''.join(
        f'::: {name}\n\n' for name in REFERENCE
    )
    for name, content in (('index.md', readme), ('reference.md', reference)):
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn the links of a page, by where it lies in the repository."""
    first = page.file.src_uri == 'index.md'
    return site_page(markdown, ROOT if first else PAGES)
