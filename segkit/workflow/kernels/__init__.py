"""A fresh kernel for each notebook, without paying for its imports each time.

On Linux a warmed parent, started with the run, imports what notebooks use and forks a child for
each notebook; the child becomes an ordinary ipykernel. Elsewhere, or where the user's environment
says ``SEGKIT_FORK=0``, each kernel is started as Jupyter starts it. Both look alike from outside: a
jupyter_client kernel manager.
"""

from __future__ import annotations

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

from segkit.core.errors import NotebookError
from segkit.core.leftovers import name_folder
from segkit.workflow.kernels.loop import run_coroutine

ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait starve a busy machine
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYTHONHASHSEED": "0",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}

LONGEST_SOCKET_FOLDER = 100  # characters; a socket's whole path may have 107


def use_fork(fork: bool | None = None) -> bool:
    """Tell whether kernels are forked; macOS libraries do not survive a fork, Windows has none.

    ``fork`` is what is asked for; without it the user's ``SEGKIT_FORK`` decides.
    """
    is_wanted = os.environ.get("SEGKIT_FORK") != "0" if fork is None else fork
    return sys.platform == "linux" and is_wanted


class Kernels(contextlib.AbstractContextManager):
    """The kernels of one run in ``folder``, as a context manager.

    ``log`` takes what they print outside of cells; ``held`` are file descriptors that stay open
    while a forked kernel lives; ``fork`` is as in `use_fork`. With ``preload`` the warmed parent
    imports what segkit's notebooks use, without it only what a kernel needs.
    """

    def __init__(
        self,
        folder: Path,
        log: Path,
        *,
        held: Sequence[int] = (),
        fork: bool | None = None,
        preload: bool = True,
    ):
        self._log = log.open("wb")
        self.folder = folder
        self._booted: list[Any] = []
        self._kernel_count = 0
        # Only named here: whoever makes it must live to remove it if this process is killed.
        self.scratch = Path(tempfile.gettempdir(), name_folder())
        own = {"IPYTHONDIR": f"{self.scratch}/ipython", "TMPDIR": str(self.scratch)}
        self.environment = {**os.environ, **ENVIRONMENT, **own}
        self.server = self._start_server(held, preload=preload) if use_fork(fork) else None

    def _start_server(self, held: Sequence[int], *, preload: bool) -> subprocess.Popen:
        """Start the warmed parent, in a process group of its own."""
        root = str(Path(__file__).parents[3])
        code = f"import sys; sys.path.append({root!r})\n"
        code += "from segkit.workflow.kernels import server\n"
        arguments = f"{str(self.scratch)!r}, {list(held)!r}"
        code += f"server.serve_forks({arguments}, parent={os.getpid()}, preload={preload!r})"
        return subprocess.Popen(
            [sys.executable, "-P", "-c", code],
            pass_fds=held,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=self.folder,
            env=self.environment,
            start_new_session=True,
        )

    def __exit__(self, *_: object) -> None:
        """End the warmed parent, which ends its kernels and removes what they shared."""
        if self.server is not None:
            self.server.terminate()
            self.server.communicate()
        else:
            self._end_booted()
        self._log.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _end_booted(self) -> None:
        """End the kernels that no warmed parent ends; an interruption may have left one."""
        for manager in self._booted:
            process = getattr(manager.provisioner, "process", None)
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()

    def ask(self, **request: Any) -> int | None:
        """Send one request to the warmed parent and return its answer; -1 if it has ended."""
        try:
            self.server.stdin.write(json.dumps(request).encode() + b"\n")
            self.server.stdin.flush()
            return json.loads(self.server.stdout.readline())
        except (OSError, ValueError):
            return -1

    def start(self) -> Any:
        """Return the kernel manager of a new kernel.

        Raises
        ------
        NotebookError
            If none can be started.
        """
        from segkit.workflow.kernels.manager import Client, Forked, Manager

        self.scratch.mkdir(0o700, exist_ok=True)
        self._kernel_count += 1
        folder = self.scratch / str(self._kernel_count)
        folder.mkdir(0o700)
        manager = Manager(connection_file=str(folder / "kernel.json"), client_factory=Client)
        if self.server is not None:
            if len(str(folder)) < LONGEST_SOCKET_FOLDER:  # sockets in a private folder, no ports
                manager.transport = "ipc"
                manager.ip = str(folder / "k")
            manager.provisioner = Forked(kernel_spec=manager.kernel_spec, parent=manager)
            manager.provisioner.ask = self.ask
        else:
            self._booted.append(manager)
        started = manager.start_kernel(
            cwd=str(self.folder), env=self.environment, stdout=self._log, stderr=self._log
        )
        try:
            run_coroutine(started)
        except RuntimeError as error:
            fix = "Run again; mind the machine's memory."
            raise NotebookError(str(error), where="the notebook's kernel", fix=fix) from None
        return manager
