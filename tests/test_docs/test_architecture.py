"""The pages that say where things are stay true, and so do the layers."""

import ast
import re
from functools import cache, reduce
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from mmengine.config import Config

from ..folders import ROOT

ARCHITECTURE, CONTRIBUTING, CHANGELOG = (
    ROOT / name
    for name in ('docs/architecture.md', 'CONTRIBUTING.md', 'CHANGELOG.md')
)
PAGES = (ARCHITECTURE, CONTRIBUTING, CHANGELOG)
ALL_PAGES = sorted(
    page
    for pattern in ('*.md', 'docs/*.md', 'projects/*/*.md')
    for page in ROOT.glob(pattern)
)
MAKEFILE = ROOT / 'Makefile'
#: What runs make.
MADE = ('work_dirs/', '.venv')

#: From the top down; parts of one layer do not import each other.
LAYERS = (
    ('apis',),
    ('engine', 'testing'),
    ('visualization',),
    ('evaluation',),
    ('datasets', 'models'),
    ('structures', 'fileio', 'registry'),
    ('arguments', 'compatibility', 'version'),
)


def prose(page):
    """The text of a page without its blocks of code."""
    return re.sub(r'^ *```.*?^ *```$', '', page.read_text(), flags=re.S | re.M)


def backticked(text):
    return re.findall(r'`([^`\n]+)`', text)


def claims(page):
    """What a page says in backticks of the code as it is.

    In a table of the changelog, that is the last column.
    """
    text = prose(page)
    if page == CHANGELOG:
        rows = re.findall(r'^\|.*\|([^|\n]+)\|$', text, re.M)
        text = re.sub(r'^\|.*\|$', '', text, flags=re.M) + '\n'.join(rows)
    return [token for token in backticked(text) if not token.startswith(MADE)]


def is_path(token):
    return re.fullmatch(r'[\w.*/-]+', token) and (
        '/' in token or token.endswith('.md')
    )


def test_no_file_of_the_package_is_long():
    """As CONTRIBUTING.md says."""
    files = [*(ROOT / 'mmsgg').rglob('*.py')]
    long = [f for f in files if len(f.read_text().splitlines()) > 450]
    assert files and not long


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_paths_exist(page):
    paths = [token for token in claims(page) if is_path(token)]
    assert paths
    assert [path for path in paths if not [*ROOT.glob(path)]] == []


def anchors(page):
    """What the headings of a page are called in links, as GitHub has it."""
    for heading in re.findall(r'^#+ (.+)$', page.read_text(), re.M):
        heading = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading.lower())
        yield re.sub(r'[^\w\- ]', '', heading).replace(' ', '-')


@pytest.mark.parametrize(
    'page', ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT))
)
def test_links_lead_somewhere(page):
    links = re.findall(r'\]\(([^)\s]+)\)', prose(page))
    missing = []
    for link in (link for link in links if '://' not in link):
        path, _, anchor = link.partition('#')
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)
    assert missing == []


def test_the_readme_is_short():
    assert len((ROOT / 'README.md').read_text().splitlines()) <= 200


def test_make_tests_what_is_there():
    paths = re.findall(r'\b(?:tests|tools|demo)/\S+\.py', MAKEFILE.read_text())
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


@cache
def classes(package):
    """The classes of an installed package, each with its modules."""
    [folder] = find_spec(package).submodule_search_locations
    found = {}
    for path in Path(folder).rglob('*.py'):
        names = path.relative_to(Path(folder).parent).with_suffix('').parts
        module = '.'.join(names).removesuffix('.__init__')
        text = path.read_text(encoding='utf-8')
        for name in re.findall(r'^class (\w+)', text, re.M):
            found.setdefault(name, []).append(module)
    return found


def has_class(name):
    for module in classes('mmsgg').get(name, ()):
        return hasattr(import_module(module), name)
    return any(
        name in classes(package) for package in ('mmdet', 'mmengine', 'mmcv')
    )


@pytest.mark.parametrize(
    'page', (ARCHITECTURE, CHANGELOG), ids=lambda page: page.stem
)
def test_classes_exist(page):
    # also that of `SceneGraphDetector.loss`
    names = {token.split('.')[0] for token in claims(page)}
    camel = re.compile(r'[A-Z]\w*[a-z]\w*')
    names = {name for name in names if camel.fullmatch(name)}
    assert len(names) > 5
    assert [name for name in sorted(names) if not has_class(name)] == []


def resolve(name):
    """Import a module, or what it holds, by its dotted name."""
    parts = name.split('.')
    for end in range(len(parts), 0, -1):
        try:
            module = import_module('.'.join(parts[:end]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, parts[end:], module)
    raise ModuleNotFoundError(name)


def test_the_new_names_of_the_changelog_can_be_imported():
    names = [n for n in claims(CHANGELOG) if re.fullmatch(r'mmsgg[\w.]+', n)]
    assert len(names) > 30
    for name in names:
        resolve(name)


def test_the_new_options_of_the_changelog_are_in_the_config():
    cfg = Config.fromfile(ROOT / 'configs/linknet/sgdet.py')
    fpn = Config.fromfile(ROOT / 'configs/linknet/sgdet_r101_fpn.py')
    options = [
        token
        for token in claims(CHANGELOG)
        if re.fullmatch(r'(model|(train|test)_dataloader)\.[\w.]+', token)
    ]
    assert len(options) > 10
    for option in options:
        for config in (cfg, fpn):
            reduce(lambda node, key: node[key], option.split('.'), config)


def test_the_page_names_the_layers():
    lines = '\n'.join(', '.join(layer) for layer in LAYERS)
    assert f'```\n{lines}\n```' in ARCHITECTURE.read_text()


@cache
def modules():
    """All modules of the package, by name, with their paths."""
    found = {}
    for path in (ROOT / 'mmsgg').rglob('*.py'):
        names = path.relative_to(ROOT).with_suffix('').parts
        found['.'.join(names).removesuffix('.__init__')] = path
    return found


def imports_of(module):
    """Yield the modules of the package that one imports, wherever it does."""
    path = modules()[module]
    # the package that relative imports count from
    package = (
        module if path.name == '__init__.py' else module.rpartition('.')[0]
    )
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name in modules())
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ''
            if node.level:
                parts = package.split('.')
                parts = parts[: len(parts) - node.level + 1]
                source = '.'.join([*parts, source]).rstrip('.')
            for alias in node.names:
                inner = f'{source}.{alias.name}'
                if inner in modules():
                    yield inner
                elif source in modules():
                    yield source


@cache
def edges():
    """Which modules each module imports."""
    return {module: sorted({*imports_of(module)}) for module in modules()}


def layer_of(module):
    """How far from the top a module stands."""
    part = module.split('.')[1]
    [layer] = [i for i, parts in enumerate(LAYERS) if part in parts]
    return layer


def test_imports_run_downwards():
    wrong = []
    for module, targets in edges().items():
        if module == 'mmsgg':  # checks the environment at its import
            continue
        for target in targets:
            inside = module.split('.')[1] == target.split('.')[1]
            if not inside and layer_of(target) <= layer_of(module):
                wrong.append(f'{module} imports {target}')
    assert wrong == []


def test_models_know_no_data_and_no_metric():
    reached = [m for m in edges() if m.startswith('mmsgg.models')]
    for module in reached:  # grows
        reached += [m for m in edges()[module] if m not in reached]
    parts = {module.split('.')[1] for module in reached}
    assert parts == {'compatibility', 'models', 'registry', 'structures'}


def test_no_modules_import_each_other_in_a_circle():
    left = dict(edges())
    while True:
        # what imports nothing that is left is in no circle
        done = [m for m, to in left.items() if not left.keys() & set(to)]
        if not done:
            break
        for module in done:
            del left[module]
    assert left == {}


def test_the_imports_are_all_seen():
    """Relative, absolute, of a module, of a name: one of each."""
    metric = edges()['mmsgg.evaluation.metrics.scene_graph_metric']
    assert metric == [
        'mmsgg.evaluation.functional',
        'mmsgg.evaluation.functional.rules',
        'mmsgg.evaluation.metrics.relation_ranks',
        'mmsgg.registry',
    ]
    assert 'mmsgg.compatibility' in edges()['mmsgg']


def test_pre_commit_runs_the_ruff_of_the_tests():
    hooks = (ROOT / '.pre-commit-config.yaml').read_text()
    requirements = (ROOT / 'requirements/tests.txt').read_text()
    [version] = re.findall(r'^ruff==(\S+)', requirements, re.M)
    assert f'ruff-pre-commit\n    rev: v{version}' in hooks


def test_the_targets_of_make_exist():
    targets = set(re.findall(r'\bmake ([a-z-]+)', CONTRIBUTING.read_text()))
    makefile = MAKEFILE.read_text()
    assert {'test', 'coverage'} <= targets
    assert targets <= set(re.findall(r'^([a-z-]+):', makefile, re.M))
