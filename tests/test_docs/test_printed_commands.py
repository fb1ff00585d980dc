"""Every command that a page prints is run by a test, or it is said why not.

Those that no test runs are at least taken by their program: files are there,
and options are known.
"""

import argparse
import os
import re
import runpy
import shlex
import subprocess
import sys
from unittest import mock

import pytest

from mmsgg.registry import MODELS

from ..folders import ROOT

#: Pages whose commands a test runs word for word.
RUN = {
    'docs/add_a_head.md': 'test_add_a_head.py',
    'docs/custom_dataset.md': 'test_custom_dataset.py',
    'docs/inference.md': 'test_inference.py',
}
FULL_SIZE = 'trains or tests at full size on Visual Genome'
MEASURES = 'measures for minutes to hours'
#: Why no test runs the commands of the other pages as they stand.
NOT_RUN = {
    'CONTRIBUTING.md': 'starts the tests',
    'README.md': f'starts the demo and the tests; {FULL_SIZE}',
    'configs/detection/README.md': FULL_SIZE,
    'configs/egtr/README.md': FULL_SIZE,
    'docs/benchmarks.md': MEASURES,
    'docs/checkpoints.md': 'needs published weights; stand-ins are converted',
    'docs/datasets.md': 'downloads, or needs, Visual Genome',
    'docs/deployment.md': 'installs packages; test_deployment exports',
    'docs/detectors.md': 'trains on 2100 pictures',
    'docs/install.md': 'installs packages; test_setup_files reads it',
    'docs/long_tail.md': f'{FULL_SIZE}; {MEASURES}',
    'docs/model_zoo.md': MEASURES,
    'docs/reliability.md': f'{FULL_SIZE}; kills trainings for minutes',
    'docs/result_file.md': 'needs a result file of Visual Genome',
    'docs/scale.md': f'needs many GPUs or a cluster; {MEASURES}',
    'docs/visualization.md': FULL_SIZE,
    'docs/vrd.md': 'trains on Stanford VRD',
    'projects/photo_demo/README.md': 'downloads a detector',
    'projects/web_demo/README.md': 'serves until it is stopped',
}
#: What stands for something of the reader's own.
STAND_INS = {
    'TASK': 'sgdet',
    'CONFIG.py': 'configs/toy/sgdet.py',
    'CONFIG': 'configs/toy/sgdet.py',
}
#: Scripts that pass what follows so many arguments of their own on.
LAUNCHED = {
    'tools/dist_train.sh': ('tools/train.py', [0]),
    'tools/dist_test.sh': ('tools/test.py', [0, 1]),
    'tools/slurm_train.sh': ('tools/train.py', [2]),
    'tools/slurm_test.sh': ('tools/test.py', [2, 3]),
}
#: Programs of others.
FOREIGN = ('pip', 'tensorboard', 'export')


def printed_commands(page):
    """The commands in the blocks of a page, each as its words."""
    blocks = re.findall(r'^```(\w*)\n(.*?)^```', page.read_text(), re.M | re.S)
    for language, block in blocks:
        if language != 'bash':
            continue
        for line in block.replace('\\\n', ' ').splitlines():
            line = re.sub(r"^(\w+=('[^']*'|\S*)(\s+|$))+", '', line.strip())
            if '{' in line:  # what a shell makes of it
                printed = ['bash', '-c', f"printf '%s\\n' {line}"]
                words = subprocess.check_output(printed, text=True).split('\n')
                yield [word for word in words if word]
            elif line and not line.startswith('#'):
                yield shlex.split(line, comments=True)


PAGES = [
    page
    for page in sorted(ROOT.rglob('*.md'))
    if not page.relative_to(ROOT).parts[0].startswith('.')
    and next(printed_commands(page), None)
]
COMMANDS = [
    pytest.param(command, id=f'{page.stem}: {" ".join(command)[:60]}')
    for page in PAGES
    if page.relative_to(ROOT).as_posix() in NOT_RUN
    for command in printed_commands(page)
]


#: Files and folders of the reader's own, which are not here.
OWN = r'data/.*|.*\.(pth|tar|ckpt|npz|jpg|onnx)|CHECKPOINT|FOLDER|photos'


class Parsed(BaseException):
    """The program took its arguments."""


def parse(script, arguments, monkeypatch):
    """Start a program, and stop it when it has read its arguments."""
    real = argparse.ArgumentParser.parse_args

    def parse_args(self, args=None, namespace=None):
        real(self, args, namespace)
        raise Parsed

    real_value = argparse.ArgumentParser._get_value

    def get_value(self, action, text):
        try:
            return real_value(self, action, text)
        except argparse.ArgumentError:
            if re.fullmatch(OWN, text):
                return text
            raise

    monkeypatch.setattr(argparse.ArgumentParser, '_get_value', get_value)
    # a script may register a class, and be imported by another test
    own = {
        name: part
        for name, part in MODELS.module_dict.items()
        if part.__module__.startswith('mmsgg')
    }
    monkeypatch.setattr(MODELS, '_module_dict', own)
    monkeypatch.setattr(sys, 'argv', [script, *arguments])
    monkeypatch.setattr(sys, 'path', [*sys.path])
    sys.path.insert(0, str((ROOT / script).parent))
    with (
        mock.patch.object(argparse.ArgumentParser, 'parse_args', parse_args),
        pytest.raises(Parsed),
    ):
        runpy.run_path(script, run_name='__main__')


def test_each_page_is_run_or_says_why_not():
    printed = {page.relative_to(ROOT).as_posix() for page in PAGES}
    assert printed == RUN.keys() | NOT_RUN.keys()
    assert not RUN.keys() & NOT_RUN.keys()
    for page, name in RUN.items():
        test = ROOT / 'tests' / 'test_docs' / name
        assert page.removeprefix('docs/') in test.read_text()


@pytest.mark.parametrize('command', COMMANDS)
def test_its_program_takes_a_command(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    program, *arguments = command
    for word, meant in STAND_INS.items():
        arguments = [re.sub(rf'\b{word}\b', meant, a) for a in arguments]
        arguments = [a.replace(f'_{word}', f'_{meant}') for a in arguments]
    for path in arguments:
        if path.startswith('configs/') and path.endswith('.py'):
            assert os.path.exists(path), path
    if program == 'make':
        [target] = [a for a in arguments if '=' not in a]
        makefile = (ROOT / 'Makefile').read_text()
        assert re.search(rf'^{target}:', makefile, re.M)
        names = [a.partition('=')[0] for a in arguments if '=' in a]
        assert [name for name in names if name not in makefile] == []
    elif program in LAUNCHED:
        script, kept = LAUNCHED[program]
        assert os.access(program, os.X_OK)
        # dist_*.sh end with the number of processes
        own = kept[-1] + 1 + program.startswith('tools/dist')
        passed = [arguments[place] for place in kept]
        parse(script, passed + arguments[own:], monkeypatch)
    elif program == 'python':
        script, *arguments = arguments
        if 'onnx' in script:
            pytest.importorskip('onnxruntime')
        parse(script, arguments, monkeypatch)
    else:
        assert program in FOREIGN
