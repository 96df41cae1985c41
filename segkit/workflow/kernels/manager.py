"""A jupyter_client kernel manager whose kernel is forked by the warmed parent, or booted."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

from segkit.workflow.kernels.jupyter_internals import accept_kernel_info

KILL = 9  # the signal, for which Windows has no name
ROOT = Path(__file__).parents[3]
# A booted kernel ends at once with its run; ipykernel itself would look every second.
BOOT = """import os, sys
sys.path.append({root!r})
from segkit.workflow.kernels.server import end_with_parent
if not end_with_parent({number}, {parent}):
    os._exit(0)
from ipykernel import kernelapp
kernelapp.launch_new_instance()
"""


class Client(AsyncKernelClient):
    """A client that sees sooner that its kernel is ready."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait for an answer on both channels; the original waits 0.2 s more for silence."""
        for _ in range(int(timeout or 60)):
            self.kernel_info()
            with contextlib.suppress(queue.Empty):
                reply = await self.get_shell_msg(timeout=1)
                await self.get_iopub_msg(timeout=1)
                accept_kernel_info(self, reply)
                return
            if not await self.is_alive():
                break
        raise RuntimeError("the kernel did not answer")


class Manager(AsyncKernelManager):
    """A manager of kernels of this Python, never of the one that a kernel spec names."""

    @property
    def kernel_spec(self) -> KernelSpec:
        options = ["--HistoryManager.hist_file=:memory:", "-f", "{connection_file}"]
        code = BOOT.format(root=str(ROOT), number=KILL, parent=os.getpid())
        argv = [sys.executable, "-P", "-c", code, *options]
        return KernelSpec(argv=argv, language="python")


class Process:
    """A child of the warmed parent, with what a provisioner needs of subprocess.Popen."""

    stdin = None
    stdout = None
    stderr = None

    def __init__(self, ask: Callable[..., int | None], file: str):
        self.ask = ask
        self.returncode: int | None = None
        self.pid = ask(do="fork", file=file)
        if self.pid < 0:
            raise RuntimeError("the process that starts kernels has ended")

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self.ask(do="poll", pid=self.pid)
        return self.returncode

    def wait(self) -> int:
        while self.poll() is None:
            time.sleep(0.002)
        return self.returncode

    def send_signal(self, number: int) -> None:
        self.ask(do="signal", pid=self.pid, signal=int(number))

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
        self.wait()  # at once; the manager would look every 0.1 s


class Forked(LocalProvisioner):
    """Gets its process from the warmed parent."""

    ask: Callable[..., int | None]

    async def launch_kernel(self, cmd: list[str], **_: Any) -> Any:
        """Have a kernel forked; ``cmd`` ends with its connection file."""
        self.process = Process(self.ask, cmd[-1])
        self.pid = self.process.pid
        return self.connection_info
