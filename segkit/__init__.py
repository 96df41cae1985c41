"""segkit: customer segmentation from a plan to an offline report."""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["open_workspace"]


def __getattr__(name: str):
    if name == "open_workspace":
        from segkit.workspace import open_workspace

        return open_workspace
    raise AttributeError(f"module 'segkit' has no attribute '{name}'")
