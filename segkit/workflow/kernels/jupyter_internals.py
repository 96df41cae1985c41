"""What segkit relies on in Jupyter beyond its documented interface, once each.

`tests/test_canaries.py` says which of these a new version of a library has changed.
"""

from __future__ import annotations

import atexit
from typing import Any


def accept_kernel_info(client: Any, reply: dict[str, Any]) -> None:
    """Have a jupyter_client client take over what a kernel says of itself, such as its protocol."""
    client._handle_kernel_info_reply(reply)


def take_over_kernel(client: Any) -> None:
    """Have an nbclient client end the kernel of the manager that it was given, in any case."""
    client.owns_km = True


def forget_cleanup(client: Any) -> None:
    """Keep an nbclient client that was interrupted from seeking its kernel when Python ends."""
    atexit.unregister(client._cleanup_kernel)


def name_parent(pid: int) -> str:
    """Return ipykernel's option by which a kernel ends itself once its parent has ended."""
    return f"--IPKernelApp.parent_handle={pid}"
