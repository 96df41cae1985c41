"""A jupyter_client kernel manager whose kernel is forked by the warmed parent, or booted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psutil
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

from segkit.kernels import make_command


class Manager(AsyncKernelManager):
    """A manager of kernels of this Python, never of the one that a kernel spec names."""

    @property
    def kernel_spec(self) -> KernelSpec:
        boot = make_command("preload_modules(); become_kernel(sys.argv[1])")
        return KernelSpec(argv=[*boot, "{connection_file}"], language="python")


class Process(psutil.Process):
    """A child of the warmed parent, with what a provisioner needs of subprocess.Popen."""

    stdin = stdout = stderr = None

    def poll(self) -> int | None:
        """Return None while it runs; afterwards 0, since only its parent learns the true code."""
        return None if self.is_running() else 0


class Forked(LocalProvisioner):
    """Gets its process from the warmed parent."""

    fork: Callable[[str], int]

    async def launch_kernel(self, cmd: list[str], **_: Any) -> Any:
        """Have a kernel forked, in a process group of its own; ``cmd`` ends with its file."""
        self.pid = self.pgid = self.fork(cmd[-1])
        self.process = Process(self.pid)
        return self.connection_info
