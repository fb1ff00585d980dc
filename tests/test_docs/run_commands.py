"""Run Python commands in turn, each in a fork of a process that is warm.

Importing torch and mmdet takes longer than the tiny trainings of the tests.
Called with the lines of the commands; stops at the first that fails.
"""

import os
import runpy
import shlex
import sys

import mmdet.models  # noqa: F401
import mmengine.runner  # noqa: F401

import mmsgg.datasets
import mmsgg.models
import mmsgg.visualization  # noqa: F401


def run(line: str) -> int:
    """Run one command and return its exit code."""
    child = os.fork()
    if child == 0:
        python, *sys.argv = shlex.split(line)
        assert python == 'python'
        code = 1
        try:
            runpy.run_path(sys.argv[0], run_name='__main__')
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == '__main__':
    for command in sys.argv[1:]:
        if run(command):
            raise SystemExit(f'failed: {command}')
