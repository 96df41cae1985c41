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
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
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


class Kernels:
    """The kernels of one run; use as a context manager.

    Parameters
    ----------
    folder : Path
        Where notebooks run.
    log : Path
        File for what kernels print outside of cells.
    held : iterable of int
        File descriptors that must stay open while a kernel lives.
    """

    def __init__(self, folder: Path, log: Path, *, held: Iterable[int] = ()):
        self.folder = folder
        self.scratch = Path(tempfile.mkdtemp(prefix="segkit-"))
        # The run has prepared the tables; a notebook need not look whether they are current.
        self.environment = {**ENVIRONMENT, "SEGKIT_TABLES": "ready"}
        self.environment["IPYTHONDIR"] = str(self.scratch / "ipython")
        self.context: Any = None  # of all sockets; made when the first kernel starts
        self._log = log.open("wb")
        self._next: Any = None
        self._count = 0
        self._server: subprocess.Popen | None = None
        if use_fork():
            held = list(held)
            code = f"serve_forks({str(self.scratch)!r}, {held!r})"
            self._server = subprocess.Popen(
                _command(code),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env={**os.environ, **self.environment},
                cwd=folder,
                pass_fds=held,
                start_new_session=True,
            )

    def __enter__(self) -> Kernels:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self) -> Any:
        """Return a started kernel manager that nobody has used."""
        manager, self._next = self._next or self._start(), None
        return manager

    def prepare(self) -> None:
        """Start the kernel that the next ``take`` returns."""
        if self._next is None:
            self._next = self._start()

    def close(self) -> None:
        """End every kernel and the warmed parent."""
        if self._next is not None:
            with contextlib.suppress(Exception):
                asyncio.run(self._next.shutdown_kernel(now=True))
            self._next = None
        if self._server is not None:
            self._server.stdin.close()
            try:
                self._server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server.stdout.close()
            self._server = None
        if self.context is not None:
            self.context.destroy(linger=0)
        self._log.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def ask(self, **request: Any) -> dict:
        """Send one request to the warmed parent and return its answer."""
        try:
            self._server.stdin.write(json.dumps(request).encode() + b"\n")
            self._server.stdin.flush()
            line = self._server.stdout.readline()
        except (OSError, ValueError, AttributeError):
            line = b""
        return json.loads(line) if line else {"code": -1, "pid": None}

    def _start(self) -> Any:
        self._count += 1
        folder = self.scratch / str(self._count)
        folder.mkdir()
        manager = _make_manager(self, folder)
        cwd, env = str(self.folder), {**os.environ, **self.environment}
        asyncio.run(manager.start_kernel(cwd=cwd, env=env, stdout=self._log, stderr=self._log))
        return manager


def _command(code: str) -> list[str]:
    """Return the command of a process that runs ``code`` with the server's names."""
    root = str(Path(__file__).parent.parent)
    prelude = f"import sys; {root!r} in sys.path or sys.path.insert(0, {root!r}); "
    return [sys.executable, "-P", "-c", f"{prelude}from segkit.kernels.server import *; {code}"]


def _make_manager(kernels: Kernels, folder: Path) -> Any:
    """Return a kernel manager whose kernel is forked, or booted by this module."""
    import zmq.asyncio
    from jupyter_client.asynchronous import AsyncKernelClient
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.provisioning import LocalProvisioner

    options = ["-f", "{connection_file}", "--HistoryManager.hist_file=:memory:"]
    boot = _command("preload_modules(); become_kernel(sys.argv[1:])")

    class Manager(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:  # never the spec of somebody else's Python
            return KernelSpec(argv=[*boot, *options], language="python", display_name="Python 3")

    class Forked(LocalProvisioner):
        code: int | None = None

        @property
        def has_process(self) -> bool:
            return self.pid is not None

        async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
            request = {"arguments": cmd[len(boot) :], "cwd": kwargs["cwd"], "env": kwargs["env"]}
            self.pid = kernels.ask(do="fork", **request)["pid"]
            if self.pid is None:
                raise RuntimeError("the process that starts kernels has ended")
            return self.connection_info

        async def poll(self) -> int | None:
            if self.pid is not None and self.code is None:
                self.code = kernels.ask(do="poll", pid=self.pid)["code"]
            return self.code

        async def wait(self) -> int | None:
            while await self.poll() is None:
                await asyncio.sleep(0.002)
            self.pid = None
            return self.code

        async def send_signal(self, signum: int) -> None:
            if self.pid is not None:
                kernels.ask(do="signal", pid=self.pid, signal=int(signum))

        async def kill(self, restart: bool = False) -> None:
            await self.send_signal(signal.SIGKILL)
            await self.wait()  # at once, where the manager would look every 0.1 s

        async def terminate(self, restart: bool = False) -> None:
            await self.send_signal(signal.SIGTERM)

    class Client(AsyncKernelClient):
        async def wait_for_ready(self, timeout: float | None = None) -> None:
            """Wait for an answer on both channels; the original waits 0.2 s more for silence."""
            end = time.monotonic() + (timeout or 60)
            while time.monotonic() < end:
                self.kernel_info()
                with contextlib.suppress(queue.Empty):
                    reply = await self.get_shell_msg(timeout=1)
                    await self.get_iopub_msg(timeout=1)
                    self._handle_kernel_info_reply(reply)
                    return
                if not await self.is_alive():
                    raise RuntimeError("the kernel ended before it answered")
            raise RuntimeError("the kernel did not answer")

    kernels.context = kernels.context or zmq.asyncio.Context()
    manager = Manager(connection_file=str(folder / "kernel.json"), context=kernels.context)
    manager.client_factory = Client
    if os.name == "posix" and len(str(folder)) < 80:  # sockets in a private folder, no ports
        manager.transport, manager.ip = "ipc", str(folder / "k")
    if kernels._server is not None:
        manager.provisioner = Forked(
            kernel_id="segkit", kernel_spec=manager.kernel_spec, parent=manager
        )
    return manager
