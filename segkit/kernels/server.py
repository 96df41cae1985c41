"""The warmed parent: imports what notebooks use, then forks a kernel for each request.

It starts no thread and opens no connection. It reads requests on its standard input, one JSON
object a line; when that closes, the run is gone, and it ends its children and itself.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import shutil
import signal
import sys
import traceback
from collections.abc import Callable

import segkit

KERNEL = "ipykernel.kernelapp ipykernel.ipkernel ipykernel.zmqshell"
LIBRARIES = """
    numpy pandas pyarrow.parquet pyarrow.dataset matplotlib.pyplot
    matplotlib.backends.backend_agg PIL.PngImagePlugin seaborn scipy.stats sklearn.cluster
    sklearn.preprocessing sklearn.metrics sklearn.pipeline ibis duckdb ibis.backends.duckdb
"""


def preload_modules(stop: Callable[[], bool] = lambda: False) -> None:
    """Import what notebooks use; ``stop`` is asked between imports."""
    names = KERNEL.split()
    if os.environ.get("SEGKIT_PRELOAD") != "0":  # tests whose notebooks need nothing switch it off
        names += LIBRARIES.split()
        names += [room.name for room in pkgutil.walk_packages(segkit.__path__, "segkit.")]
    for name in names:
        if stop():
            return
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    sys.modules.pop("matplotlib_inline.backend_inline", None)  # it greets the shell when imported


def become_kernel(file: str, *options: str) -> None:
    """Turn this process into an ipykernel with this connection file, until it has ended."""
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize(["-f", file, "--HistoryManager.hist_file=:memory:", *options])
    app.start()


def serve_forks(folder: str, held: list[int]) -> None:
    """Import, then fork a kernel for each request until the run is gone; then remove ``folder``.

    ``held`` are file descriptors to hold as long as a kernel lives, such as the run's lock.
    """
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    for descriptor in held:
        os.set_inheritable(descriptor, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    poller = select.poll()  # a closed pipe reports POLLHUP, whether or not requests wait
    poller.register(requests, select.POLLHUP)
    preload_modules(lambda: bool(poller.poll(0)))
    gc.collect()
    gc.freeze()
    children: set[int] = set()
    with open(requests, "rb") as lines:
        for line in lines:
            request = json.loads(line)
            answer = {}
            if request["do"] == "fork":
                pid = answer["pid"] = os.fork()
                if pid == 0:
                    os.close(requests)
                    os.close(replies)
                    _run_child(request["file"])
                os.setpgid(pid, pid)  # so that a signal reaches what the kernel started, too
                children.add(pid)
            elif request["pid"] not in children:
                answer["code"] = -1
            elif request["do"] == "poll":
                pid, status = os.waitpid(request["pid"], os.WNOHANG)
                children.discard(pid)
                answer["code"] = os.waitstatus_to_exitcode(status) if pid else None
            else:
                _signal_group(request["pid"], request["signal"])
            with contextlib.suppress(BrokenPipeError):  # the run was killed while it waited
                os.write(replies, json.dumps(answer).encode() + b"\n")
    for pid in children:
        _signal_group(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)  # nothing to tidy up; libraries would only complain


def _run_child(file: str) -> None:
    """Be the kernel; never returns."""
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if "numpy" in sys.modules:  # else every kernel would draw the same "random" numbers
            sys.modules["numpy"].random.seed()
        become_kernel(file, f"--IPKernelApp.parent_handle={os.getppid()}")
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
