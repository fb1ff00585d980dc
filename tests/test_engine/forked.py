"""A function in a process of its own, which a test may kill."""

import os
import signal
import sys
import traceback
from collections.abc import Callable


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
