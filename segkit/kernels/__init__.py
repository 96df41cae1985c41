"""A fresh kernel for each notebook, without paying for its imports each time.

On Linux a warmed parent, started with the run, imports what notebooks use and forks a child for
each notebook; the child becomes an ordinary ipykernel. Elsewhere, or with ``SEGKIT_FORK=0``, the
next kernel boots and imports while the current notebook runs. Both look alike from outside: a
jupyter_client kernel manager.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait starve a busy machine
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYTHONHASHSEED": "0",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}


def use_fork() -> bool:
    """Tell whether kernels are forked; macOS libraries do not survive a fork, Windows has none."""
    wanted = os.environ.get("SEGKIT_FORK", "")
    return hasattr(os, "fork") and (wanted == "1" or (wanted != "0" and sys.platform == "linux"))


class Kernels(contextlib.AbstractContextManager):
    """The kernels of one run in ``folder``, as a context manager.

    ``log`` takes what they print outside of cells; ``held`` are file descriptors that stay open
    while a kernel lives.
    """

    def __init__(self, folder: Path, log: Path, *, held: Sequence[int] = ()):
        self._log = log.open("wb")
        self.folder, self.scratch = folder, Path(tempfile.mkdtemp(prefix="segkit-"))
        own = {"IPYTHONDIR": f"{self.scratch}/ipython", "SEGKIT_TABLES": "ready"}
        self.environment = {**os.environ, **ENVIRONMENT, **own}
        self.server: subprocess.Popen | None = None
        self._context: Any = None  # of all sockets
        self._next: Any = None
        self._count = 0
        if use_fork():
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._log}
            place = {"cwd": folder, "env": self.environment, "start_new_session": True}
            command = make_command(f"serve_forks({str(self.scratch)!r}, {held!r})")
            self.server = subprocess.Popen(command, pass_fds=held, **pipes, **place)

    def __exit__(self, *_: object) -> None:
        """End every kernel and the warmed parent."""
        if self._next is not None:
            with contextlib.suppress(Exception):
                asyncio.run(self._next.shutdown_kernel(now=True))
        if self.server is not None:
            try:
                self.server.communicate(timeout=10)  # closes its input, upon which it ends
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.communicate()
        if self._context is not None:
            self._context.destroy(linger=0)
        self._log.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def take(self, *, another: bool = False) -> Any:
        """Return a started kernel manager that nobody has used; perhaps start another for later."""
        manager = self._next or self._start()
        self._next = self._start() if another else None
        return manager

    def ask(self, **request: Any) -> dict:
        """Send one request to the warmed parent and return its answer."""
        try:
            self.server.stdin.write(json.dumps(request).encode() + b"\n")
            self.server.stdin.flush()
            return json.loads(self.server.stdout.readline())
        except (OSError, ValueError):  # it has ended
            return {"code": -1, "pid": None}

    def _start(self) -> Any:
        import zmq.asyncio

        from segkit.kernels.manager import Client, Forked, Manager

        self._count += 1
        folder = self.scratch / str(self._count)
        folder.mkdir()
        self._context = self._context or zmq.asyncio.Context()
        manager = Manager(connection_file=str(folder / "kernel.json"), context=self._context)
        manager.client_factory = Client
        if os.name == "posix" and len(str(folder)) < 80:  # sockets in a private folder, no ports
            manager.transport, manager.ip = "ipc", str(folder / "k")
        if self.server is not None:
            manager.provisioner = Forked(kernel_spec=manager.kernel_spec, parent=manager)
            manager.provisioner.ask = self.ask
        output = {"stdout": self._log, "stderr": self._log}
        asyncio.run(manager.start_kernel(cwd=str(self.folder), env=self.environment, **output))
        return manager


def make_command(code: str) -> list[str]:
    """Return the command of a process that runs ``code`` with the names of the server."""
    root = str(Path(__file__).parent.parent)
    prelude = f"import sys; {root!r} in sys.path or sys.path.insert(0, {root!r}); "
    return [sys.executable, "-P", "-c", f"{prelude}from segkit.kernels.server import *; {code}"]
