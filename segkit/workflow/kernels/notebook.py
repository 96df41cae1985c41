"""A notebook in its kernel; and why it stopped, in words."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from segkit.core import errors
from segkit.core.errors import NotebookError, SegkitError, VerdictError


def spare_imports() -> None:
    """Keep jsonschema from a grammar that takes seconds to build and that notebooks never use."""
    sys.modules.setdefault("rfc3987_syntax", None)


def execute_notebook(
    path: Path, values: dict[str, Any], manager: Any
) -> tuple[Any, SegkitError | None]:
    """Execute a notebook, parameterised by papermill, in a kernel that was started for it.

    The kernel is shut down afterwards. Returns the notebook as far as it went, without times, so
    that equal runs leave equal notebooks; and which cell failed, and why, or None.
    """
    spare_imports()
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    notebook = load_notebook_node(str(path))
    if values:
        names = {"kernel_name": "python3", "language": "python"}
        notebook = parameterize_notebook(notebook, values, **names)
    del notebook.metadata["papermill"]
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
    reached = 0

    def start_cell(cell: Any, cell_index: int) -> None:
        nonlocal reached
        reached = cell_index

    log = logging.getLogger("segkit.quiet")
    log.setLevel(logging.CRITICAL)
    options = {"record_timing": False, "shutdown_kernel": "immediate", "log": log}
    client = NotebookClient(notebook, km=manager, on_cell_start=start_cell, **options)
    client.owns_km = True  # so that it ends the kernel in any case
    try:
        client.execute()
        return notebook, None
    except CellExecutionError as error:
        name, message = error.ename, error.evalue
    except DeadKernelError as error:
        name, message = type(error).__name__, "the kernel ended, perhaps for want of memory"
    except RuntimeError as error:
        name, message = type(error).__name__, str(error)
    code = [cell for cell in notebook.cells[: reached + 1] if cell.cell_type == "code"]
    lines = code[-1].source.strip().splitlines() if code else []
    where = f"{path.name}, cell {len(code)} ({lines[0][:60] if lines else 'none'})"
    own = {**vars(errors), "DataError": SegkitError}.get(name)
    if own:  # the message is already one for people
        return notebook, (VerdictError if own is VerdictError else SegkitError)(
            message, where=where
        )
    lines = message.strip().splitlines() or ["no message"]
    return notebook, NotebookError(f"{name}: {lines[0][:300]}", where=where)
