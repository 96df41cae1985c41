"""A notebook in its kernel; and why it stopped, in words."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from segkit.core import errors
from segkit.core.errors import NotebookError, SegkitError, VerdictError
from segkit.report.shared.lab_cells import is_lab_cell, leave_out_lab_cells
from segkit.workflow.kernels.jupyter_internals import forget_cleanup, take_over_kernel
from segkit.workflow.kernels.loop import run_coroutine

LONGEST_LINE = 60  # characters of a cell's first line
LONGEST_MESSAGE = 300


def spare_imports() -> None:
    """Keep jsonschema from a grammar that takes seconds to build and that notebooks never use."""
    sys.modules.setdefault("rfc3987_syntax", None)


def execute_notebook(
    path: Path, values: dict[str, Any], manager: Any
) -> tuple[Any, SegkitError | None]:
    """Execute a notebook, parameterised by papermill, in a kernel that was started for it.

    The kernel is shut down afterwards. Returns the notebook as far as it went, without times, so
    that equal runs leave equal notebooks; and which cell failed, and why, or None. Cells tagged
    ``lab`` are for people: they do not run and are not in what is returned.
    """
    spare_imports()
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    notebook = _load_notebook(path, values)
    reached = 0

    def note_cell(cell: Any, cell_index: int) -> None:
        nonlocal reached
        reached = cell_index

    log = logging.getLogger("segkit.quiet")
    log.setLevel(logging.CRITICAL)
    client = NotebookClient(
        notebook,
        km=manager,
        on_cell_start=note_cell,
        record_timing=False,
        shutdown_kernel="immediate",
        log=log,
    )
    take_over_kernel(client)
    try:
        run_coroutine(client.async_execute())
        notebook.cells = leave_out_lab_cells(notebook.cells)
        return notebook, None
    except CellExecutionError as error:
        name = error.ename
        message = error.evalue
    except DeadKernelError as error:
        name = type(error).__name__
        message = "the kernel ended, perhaps for want of memory"
    except RuntimeError as error:
        name = type(error).__name__
        message = str(error)
    finally:
        forget_cleanup(client)
    where = _name_cell(path, notebook, reached)
    notebook.cells = leave_out_lab_cells(notebook.cells)
    return notebook, _explain_failure(name, message, where)


def _load_notebook(path: Path, values: dict[str, Any]) -> Any:
    """Return the notebook with its parameters set, and with nothing that was run before.

    What papermill notes of the moment is left out. Cells for people are empty, so they are passed
    over, and those after them keep their numbers.
    """
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    notebook = load_notebook_node(str(path))
    if values:
        notebook = parameterize_notebook(notebook, values, kernel_name="python3", language="python")
    del notebook.metadata["papermill"]
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if "outputs" in cell:
            cell["outputs"] = []
        if is_lab_cell(cell):
            cell["source"] = ""
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
    return notebook


def _name_cell(path: Path, notebook: Any, reached: int) -> str:
    """Say which code cell was reached, by its number and its first line."""
    code = [cell for cell in notebook.cells[: reached + 1] if cell.cell_type == "code"]
    lines = code[-1].source.strip().splitlines() if code else []
    first = lines[0][:LONGEST_LINE] if lines else "none"
    return f"{path.name}, cell {len(code)} ({first})"


def _explain_failure(name: str, message: str, where: str) -> SegkitError:
    """Return the error for people that a cell's error of this class name amounts to."""
    if name == VerdictError.__name__:
        return VerdictError(message, where=where)
    if name == "DataError" or hasattr(errors, name):  # the message is already one for people
        return SegkitError(message, where=where)
    lines = message.strip().splitlines() or ["no message"]
    return NotebookError(f"{name}: {lines[0][:LONGEST_MESSAGE]}", where=where)
