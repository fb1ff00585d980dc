"""A function or a command in a process of its own, which a test may kill.

It is a fork of the process that runs the tests, as importing torch and mmdet
takes longer than what is tested.
"""

import os
import runpy
import shlex
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import torch


def start(function: Callable, *args, **kwargs) -> int:
    """Call a function in a fork of this process.

    Returns:
        The process id. The exit code is 0, that of a SystemExit, or 1.
    """
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        torch.set_num_threads(1)  # those of the parent are not there
        function(*args, **kwargs)
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def end(pid: int) -> int:
    """Wait for a process; its exit code, or minus the signal it died of."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run(line: str, cwd: Path, log: Path) -> int:
    """Run a line as of a terminal, 'python SCRIPT ...'; its exit code."""
    python, *command = shlex.split(line)
    assert python == 'python'
    return end(start(script, command, cwd, log))


def processes(num: int) -> list[dict[str, str]]:
    """What torchrun would set in the environments of its processes."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        port = str(server.getsockname()[1])
    return [
        dict(
            RANK=str(rank),
            LOCAL_RANK=str(rank),
            WORLD_SIZE=str(num),
            MASTER_ADDR='127.0.0.1',
            MASTER_PORT=port,
        )
        for rank in range(num)
    ]


def script(
    command: Sequence[object],
    cwd: Path,
    log: Path,
    env: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Become the process of a script; for :func:`start`.

    Args:
        command: The script and its arguments.
        cwd: Folder to run it in; modules are found there.
        log: File to which what it prints is appended.
        env: Variables of the environment to set.
    """
    with log.open('a') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout = sys.stderr = open(1, 'w', buffering=1, closefd=False)
    os.chdir(cwd)
    os.environ.update(env)
    sys.argv = [str(argument) for argument in command]
    sys.path[:0] = [str(cwd), str(Path(sys.argv[0]).parent)]
    try:
        runpy.run_path(sys.argv[0], run_name='__main__')
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code)
            raise SystemExit(1) from None
        raise
