"""The warmed parent: imports what notebooks use, then forks a kernel for each request.

It starts no thread and opens no connection. It reads requests on its standard input, one JSON
object a line; when that closes, the run is gone, and it ends its children and itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import shutil
import signal
import sys
import traceback

import segkit
from segkit.workflow.kernels.jupyter_internals import name_parent

KERNEL = ("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell")
# What is imported late; segkit's own modules import the rest.
LIBRARIES = (
    "statsmodels.stats.weightstats",
    "statsmodels.stats.multitest",
    "pyarrow.parquet",
    "matplotlib.backends.backend_agg",
    "PIL.PngImagePlugin",
    "ibis.backends.duckdb",
    "sklearn.decomposition",
    "sklearn.feature_extraction.text",
    "py3langid.langid",
    "simplemma",
)


# When garbage is collected: expressions of queries are many small objects that few cycles keep.
SELDOM = (50_000, 20, 20)
SET_PARENT_DEATH_SIGNAL = 1  # of prctl(2)


def preload_modules(*, preload: bool) -> None:
    """Import what kernels need and, with ``preload``, what segkit's notebooks use as well."""
    names = [*KERNEL]
    if preload:
        names += LIBRARIES
        names += [room.name for room in pkgutil.walk_packages(segkit.__path__, "segkit.")]
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    sys.modules.pop("matplotlib_inline.backend_inline", None)  # it greets the shell when imported


def end_with_parent(number: int, parent: int) -> bool:
    """Have the system send this process a signal when its parent ends; False if it has ended.

    Only Linux can; elsewhere the answer is True.
    """
    if sys.platform != "linux":
        return True
    with contextlib.suppress(OSError, AttributeError):  # of a C library without it
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, number)
    return os.getppid() == parent


def serve_forks(folder: str, held: list[int], *, parent: int, preload: bool) -> None:
    """Import, then fork a kernel for each request until the run is gone; then remove ``folder``.

    ``held`` are file descriptors to hold as long as a kernel lives, such as the run's lock;
    ``parent`` is the run's process; ``preload`` is as in `preload_modules`.
    """
    children: set[int] = set()

    def end(*_: object) -> None:
        while children:  # emptied as it goes, for it may interrupt itself
            os.killpg(pid := children.pop(), signal.SIGKILL)
            os.waitpid(pid, 0)  # else it might still write where we remove
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)  # nothing to tidy up; libraries would only complain

    signal.signal(signal.SIGTERM, end)
    if not end_with_parent(signal.SIGTERM, parent):
        os._exit(0)
    os.makedirs(folder, 0o700, exist_ok=True)
    requests = os.dup(0)
    replies = os.dup(1)
    os.dup2(2, 1)
    for descriptor in held:
        os.set_inheritable(descriptor, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    preload_modules(preload=preload)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    with open(requests, "rb") as lines:
        for line in lines:
            request = json.loads(line)
            answer = -1
            if request["do"] == "fork":
                server = os.getpid()
                answer = os.fork()
                if answer == 0:
                    os.close(requests)
                    os.close(replies)
                    _become_kernel(request["file"], server)
                os.setpgid(answer, answer)  # so that a kill reaches what the kernel started, too
                children.add(answer)
            elif request["pid"] in children and request["do"] == "signal":
                os.killpg(request["pid"], request["signal"])
            elif request["pid"] in children:
                pid, status = os.waitpid(request["pid"], os.WNOHANG)
                children.discard(pid)
                answer = os.waitstatus_to_exitcode(status) if pid else None
            with contextlib.suppress(BrokenPipeError):  # the run was killed while it waited
                os.write(replies, json.dumps(answer).encode() + b"\n")
    end()


def _become_kernel(file: str, server: int) -> None:
    """Turn this process into an ipykernel with this connection file; never returns."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the parent's would end other kernels
        if not end_with_parent(signal.SIGKILL, server):
            os._exit(0)
        from ipykernel.kernelapp import IPKernelApp

        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if "numpy" in sys.modules:  # else every kernel would draw the same "random" numbers
            sys.modules["numpy"].random.seed()
        options = ["--HistoryManager.hist_file=:memory:", "-f", file]
        app = IPKernelApp.instance()
        app.initialize([*options, name_parent(os.getppid())])
        app.start()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)
