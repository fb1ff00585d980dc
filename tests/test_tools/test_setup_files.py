"""The files that install, test and start mmsgg."""

import os
import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from mmsgg import __version__
from mmsgg.compatibility import ONEDL, TRIED, UPSTREAM

ROOT = Path(__file__).parents[2]
WEB_DEMO = 'projects/web_demo'
SCRIPTS = [
    '.ci/run',
    *(
        f'tools/{kind}_{x}.sh'
        for kind in ('dist', 'slurm')
        for x in ('launch', 'test', 'train')
    ),
]


STACKS = ('upstream', 'onedl')
# distributions of modules that two lines of OpenMMLab install
MODULES = dict(
    mmengine=('mmengine', 'onedl-mmengine'),
    mmcv=('mmcv', 'onedl-mmcv'),
    mmdet=('mmdet', 'onedl-mmdetection'),
)


def requirements_of(lines: str) -> list[Requirement]:
    rows = (row.partition('#')[0].strip() for row in lines.splitlines())
    return [Requirement(row) for row in rows if row]


def ranges(extras: bool = True) -> dict[str, SpecifierSet]:
    """The ranges of setup.cfg, by distribution."""
    parser = ConfigParser()
    parser.read(ROOT / 'setup.cfg')
    lines = parser['options']['install_requires']
    if extras:
        for extra in parser['options.extras_require'].values():
            lines += extra
    return {row.name: row.specifier for row in requirements_of(lines)}


def pins(*names: str) -> dict[str, str]:
    """The tried versions of files in requirements/, by distribution."""
    found = {}
    for name in names:
        path = ROOT / 'requirements' / f'{name}.txt'
        if name == 'web_demo':
            path = ROOT / WEB_DEMO / 'requirements.txt'
        for row in requirements_of(path.read_text()):
            version = str(row.specifier).removeprefix('==')
            if version != str(row.specifier):
                found[row.name] = version
    return found


def run(
    *command: str, env: dict[str, str] | None = None, **kwargs
) -> subprocess.CompletedProcess:
    """Run a command that learns nothing of the make that runs the tests."""
    env = dict(os.environ if env is None else env)
    for name in ('MAKEFLAGS', 'MAKEOVERRIDES', 'STACK', 'WORKERS'):
        env.pop(name, None)
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=env, **kwargs
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what setting up needs, without .venv."""
    shutil.copytree(ROOT / 'requirements', tmp_path / 'requirements')
    shutil.copytree(ROOT / '.ci', tmp_path / '.ci')
    (tmp_path / WEB_DEMO).mkdir(parents=True)
    for name in ('Makefile', 'setup.cfg', f'{WEB_DEMO}/requirements.txt'):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize('stack', STACKS)
def test_tried_versions_lie_in_the_ranges(stack):
    tried = pins(stack, 'web_demo', 'tests')
    # these come with torch, mmengine and mmdet, in any version
    brought = {
        'networkx', 'matplotlib', 'pillow', 'rich', 'scipy', 'terminaltables'
    }  # fmt: skip
    for name, specifier in ranges().items():
        if name in brought:
            assert not specifier, name
        else:
            assert specifier.contains(tried[name]), name


@pytest.mark.parametrize('stack', STACKS)
def test_pip_changes_no_package_of_a_tried_stack(stack):
    required = ranges(extras=False)
    assert not any('mm' in name for name in required)
    tried = pins(stack)
    for name in ('torch', 'numpy'):
        assert required[name].contains(tried[name])
        for build in ('cpu', 'cu121'):
            assert required[name].contains(f'{tried[name]}+{build}')


@pytest.mark.parametrize('name', ['torch', 'numpy', *MODULES])
def test_bounds_are_the_versions_that_were_tried(name):
    upstream, onedl = MODULES.get(name, (name, name))
    bounds = pins('upstream')[upstream], pins('onedl')[onedl]
    assert name == 'numpy' or TRIED[name] == bounds
    if name in MODULES:
        [mim] = [
            row.specifier
            for row in requirements_of(
                (ROOT / 'requirements' / 'mminstall.txt').read_text()
            )
            if row.name == upstream
        ]
        assert f'>={bounds[0]}' in str(mim) and mim.contains(bounds[0])
    else:
        expected = SpecifierSet(f'>={bounds[0]},<={bounds[1]}')
        assert ranges()[name] == expected


def test_the_lines_are_told_apart_by_these_names():
    assert {upstream for upstream, _ in MODULES.values()} < set(UPSTREAM)
    assert [onedl for _, onedl in MODULES.values()] == list(ONEDL)


@pytest.mark.parametrize(
    'page', ['README.md', 'Makefile', f'{WEB_DEMO}/README.md']
)
def test_named_requirements_exist(page):
    text = (ROOT / page).read_text()
    names = re.findall(r'[\w/]*requirements[\w/]*\.txt', text)
    assert names and all((ROOT / name).is_file() for name in names)


@pytest.mark.parametrize('script', SCRIPTS)
def test_script_is_executable_bash(script):
    path = ROOT / script
    assert path.read_text().startswith('#!/usr/bin/env bash\n')
    assert os.access(path, os.X_OK)
    assert run('bash', '-n', str(path)).returncode == 0


def test_installed_version_comes_from_the_package():
    setup = (ROOT / 'setup.cfg').read_text()
    assert 'version = attr: mmsgg.version.__version__' in setup
    assert f'version: {__version__}' in (ROOT / 'CITATION.cff').read_text()


@pytest.mark.parametrize(
    ('script', 'usage'),
    [('train', 'CONFIG N'), ('test', 'CONFIG CHECKPOINT N')],
)
def test_dist_script_says_its_usage(script, usage):
    result = run(str(ROOT / f'tools/dist_{script}.sh'), 'one')
    assert result.returncode == 2
    assert usage in result.stderr


def test_dist_script_wants_a_number():
    result = run(str(ROOT / 'tools/dist_train.sh'), 'config.py', 'three')
    assert result.returncode == 2
    assert "not 'three'" in result.stderr


@pytest.mark.parametrize(
    ('script', 'argv', 'handed_on'),
    [
        ('train', ['c.py', '2'], ['train.py', 'c.py']),
        ('test', ['c.py', 'a b.pth', '2'], ['test.py', 'c.py', 'a b.pth']),
    ],
)
def test_dist_script_starts_torchrun(tmp_path, script, argv, handed_on):
    python = tmp_path / 'python'
    python.write_text('#!/usr/bin/env bash\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    env = dict(os.environ, PYTHON=str(python), PORT='29511', NNODES='2')
    command = [str(ROOT / f'tools/dist_{script}.sh'), *argv, '--work-dir', 'w']
    lines = run(*command, env=env, cwd=tmp_path).stdout.splitlines()
    assert lines[:2] == ['-m', 'torch.distributed.run']
    assert {'--nnodes=2', '--master_port=29511', '--nproc_per_node=2'} <= set(
        lines
    )
    start = lines.index(f'{ROOT}/tools/{handed_on[0]}')
    assert lines[start + 1 :] == [
        *handed_on[1:],
        '--work-dir',
        'w',
        '--launcher',
        'pytorch',
    ]


@pytest.mark.parametrize(
    ('script', 'argv', 'usage'),
    [
        ('train', ['c.py'], 'PARTITION JOB_NAME CONFIG'),
        ('test', ['c.py', 'a b.pth'], 'PARTITION JOB_NAME CONFIG CHECKPOINT'),
    ],
)
def test_slurm_script_starts_srun(tmp_path, script, argv, usage):
    srun = tmp_path / 'srun'
    srun.write_text('#!/usr/bin/env bash\nprintf "%s\\n" "$@"\n')
    srun.chmod(0o755)
    path = f'{tmp_path}:{os.environ["PATH"]}'
    env = dict(os.environ, PATH=path, GPUS='4', SRUN_ARGS='--time=9 --mem=1G')
    env.pop('PYTHON', None)  # of make PYTHON=...
    command = [str(ROOT / f'tools/slurm_{script}.sh'), 'part', 'name', *argv]
    lines = run(*command, '--amp', env=env, cwd=tmp_path).stdout.splitlines()
    start = lines.index('python')
    assert lines[start:] == [
        'python',
        '-u',
        f'{ROOT}/tools/{script}.py',
        *argv,
        '--amp',
        '--launcher',
        'slurm',
    ]
    assert {
        '--partition=part',
        '--job-name=name',
        '--gres=gpu:4',
        '--ntasks=4',
        '--ntasks-per-node=4',
        '--time=9',
        '--mem=1G',
    } <= set(lines[:start])
    result = run(*command[:3], env=env, cwd=tmp_path)
    assert result.returncode == 2
    assert usage in result.stderr


@pytest.mark.parametrize(
    ('stack', 'mmcv', 'venv'),
    [
        ('onedl', 'onedl-mmcv', '.venv'),
        ('upstream', 'mmcv', '.venv-upstream'),
    ],
)
def test_make_has_an_environment_for_each_stack(checkout, stack, mmcv, venv):
    commands = run('make', '-n', 'test', f'STACK={stack}', cwd=checkout).stdout
    assert f'-c requirements/{stack}.txt {mmcv}\n' in commands
    assert f'-r requirements/{stack}.txt ' in commands
    assert f' -m venv --clear {venv}' in commands
    assert f'{venv}/bin/python -m pytest -n 2 --dist loadfile' in commands
    # without optimisation RoIAlign and NMS take twice as long
    assert 'CFLAGS="${CFLAGS:--O3 -g0 -DNDEBUG -fwrapv}"' in commands


@pytest.mark.parametrize('target', ['demo', 'vrd', 'gqa', 'photo'])
def test_make_trains_with_threads_that_wait_asleep(checkout, target):
    commands = run('make', '-n', target, 'PHOTO=a.jpg', cwd=checkout).stdout
    assert 'OMP_WAIT_POLICY=PASSIVE .venv/bin/python ' in commands


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (['PYTHON=false'], 'needs Python 3.10 to 3.13'),
        (['PYTHON=false', 'STACK=upstream'], 'needs Python 3.10 to 3.11'),
        (['STACK=tests'], "no stack 'tests', only onedl and upstream"),
        (['CXX=no-such-compiler'], "no C++ compiler 'no-such-compiler'"),
    ],
)
def test_make_stops_early_and_says_why(checkout, settings, message):
    result = run('make', 'test', *settings, cwd=checkout)
    assert result.returncode != 0
    assert message in result.stderr
    assert not list(checkout.glob('.venv*'))


def run_ci(checkout: Path, **programs: str) -> subprocess.CompletedProcess:
    """Run .ci/run where these shell programs and a few basic ones exist."""
    folder = checkout / 'bin'
    folder.mkdir()
    for name in ('bash', 'dirname', 'env', 'grep', 'mktemp', 'rm', 'tail',
                 'tee'):  # fmt: skip
        (folder / name).symlink_to(shutil.which(name))
    for name, script in programs.items():
        (folder / name).write_text(f'#!/usr/bin/env bash\n{script}\n')
        (folder / name).chmod(0o755)
    env = dict(os.environ, PATH=str(folder))
    return run('bash', '.ci/run', cwd=checkout, env=env)


@pytest.mark.skipif(os.geteuid() != 0, reason='only root installs programs')
@pytest.mark.parametrize('status', [0, 100])
@pytest.mark.parametrize(
    ('found', 'wanted'),
    [
        ([], 'chromium graphviz'),
        (['chromium'], 'graphviz'),
        (['chromium-browser', 'dot'], None),
    ],
)
def test_ci_installs_missing_programs_where_it_may(
    checkout, found, wanted, status
):
    result = run_ci(
        checkout,
        make='echo 1 passed in 0.10s',
        **{'apt-get': f'echo "$@" >>calls\nexit {status}'},
        **dict.fromkeys(found, ''),
    )
    assert result.returncode == 0
    calls = checkout / 'calls'
    if wanted is None:
        assert not calls.exists()
    elif status == 0:
        update, install = calls.read_text().splitlines()
        assert update.endswith('update')
        assert install.endswith(f' {wanted}')
    else:
        assert f'could not install {wanted}' in result.stdout


@pytest.mark.parametrize(
    ('closing', 'make_status', 'status'),
    [
        ('12 passed, 1 skipped in 3.45s', 0, 0),
        ('= 1234 passed in 75.10s (0:01:15) =', 0, 0),
        ('3 skipped in 0.10s', 0, 1),
        ('1 failed, 2 passed in 0.10s', 2, 2),
        ('no tests ran in 0.01s', 2, 2),
        ('nothing that pytest says', 0, 1),
    ],
)
def test_ci_needs_a_passed_test(checkout, closing, make_status, status):
    result = run_ci(
        checkout,
        make=f"echo '{closing}'\nexit {make_status}",
        dot='',
        chromium='',
    )
    assert result.returncode == status
    expected = 'did not run' if 'nothing' in closing else closing
    assert expected in result.stdout.splitlines()[-1]


def test_the_dockerfile_takes_the_steps_of_the_page():
    text = (ROOT / 'docker' / 'Dockerfile').read_text()
    text = re.sub(r'^#.*\n', '', text, flags=re.M).replace('\\\n', ' ')
    steps = [line.split(maxsplit=1) for line in text.splitlines()]
    kinds = [kind for kind, _ in steps]
    assert kinds[:2] == ['ARG', 'FROM']
    assert set(kinds) <= {
        'ARG', 'FROM', 'RUN', 'ENV', 'WORKDIR', 'COPY', 'ENTRYPOINT', 'CMD'
    }  # fmt: skip
    for kind, rest in steps:
        if kind == 'COPY':
            assert (ROOT / rest.split()[0]).exists()
        if kind == 'RUN':
            assert run('bash', '-n', '-c', rest).returncode == 0
    commands = ' '.join(rest.replace('  ', ' ') for _, rest in steps)
    page = (ROOT / 'docs' / 'install.md').read_text()
    [block] = re.findall(r'```bash\n(.*?)```', page, re.S)
    stack = 'requirements/onedl.txt'
    block = block.replace('\\\n', ' ').replace('$stack', stack)
    words = {word for word in block.split() if not word.startswith('stack=')}
    words -= {'#', 'or', 'upstream.txt,', 'and', 'mmcv', 'below', '.'}
    assert words <= set(commands.split()), words - set(commands.split())
