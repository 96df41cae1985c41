"""A notebook in its kernel, by papermill; and why it stopped, in words."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segkit import errors
from segkit.errors import NotebookError, SegkitError, VerdictError

OWN_ERRORS = {
    name: error
    for name, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, SegkitError)
} | {"DataError": SegkitError}  # known by name: a notebook's error carries no more


@dataclass(frozen=True)
class Failure:
    """Why a notebook stopped: the error, the cell's number in the executed notebook, its source."""

    name: str
    message: str
    cell: int
    source: str


def spare_imports() -> None:
    """Keep jsonschema from a grammar that takes seconds to build and that notebooks never use."""
    sys.modules.setdefault("rfc3987_syntax", None)


def execute_notebook(
    path: Path,
    values: dict[str, Any],
    manager: Any,
    *,
    tell: Callable[[int], None] = lambda _: None,
) -> tuple[Any, Failure | None]:
    """Execute a notebook with papermill in a kernel that was started for it.

    Parameters
    ----------
    path : Path
    values : dict
        Parameters to set.
    manager : KernelManager
        Its kernel is shut down afterwards.
    tell : callable
        Told the index of each cell that starts.

    Returns
    -------
    (NotebookNode, Failure or None)
        The notebook as far as it went, without times, so that equal runs leave equal notebooks.
    """
    spare_imports()
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines

    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    seen: dict[str, Any] = {"index": 0}

    def start_cell(cell: Any, cell_index: int) -> None:
        seen["index"] = cell_index
        tell(cell_index)

    class Engine(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: Any) -> None:
            seen["notebook"] = nb_man.nb
            client = PapermillNotebookClient(
                nb_man,
                km=manager,
                record_timing=False,
                shutdown_kernel="immediate",
                on_cell_start=start_cell,
                log=logging.getLogger("papermill"),
            )
            client.owns_km = True  # so that it ends the kernel in any case
            client.execute()

    papermill_engines.register("segkit", Engine)
    failure = None
    try:
        papermill.execute_notebook(
            path,
            None,
            parameters=values,
            engine_name="segkit",
            kernel_name="python3",
            language="python",
            progress_bar=False,
        )
    except papermill.PapermillExecutionError as error:
        failure = Failure(error.ename, error.evalue, error.exec_count or 0, error.source)
    except (DeadKernelError, RuntimeError) as error:
        cells = seen["notebook"].cells if "notebook" in seen else []
        code = [cell for cell in cells[: seen["index"] + 1] if cell.cell_type == "code"]
        message = "the kernel ended, perhaps for want of memory"
        if not isinstance(error, DeadKernelError):
            message = str(error)
        failure = Failure(type(error).__name__, message, len(code), code[-1].source if code else "")
    notebook = seen.get("notebook")
    if notebook is not None:
        _forget_times(notebook)
    return notebook, failure


def _forget_times(notebook: Any) -> None:
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
    notebook.metadata.pop("papermill", None)


def explain_failure(failure: Failure, step: str, kept: str) -> SegkitError:
    """Return the error that says which cell failed and why.

    Parameters
    ----------
    failure : Failure
    step : str
        Name of the notebook.
    kept : str
        Where the notebook lies as far as it went.
    """
    first = next((line for line in failure.source.splitlines() if line.strip()), "")
    where = f"{step}.ipynb, cell {failure.cell} ({first.strip()[:60]})"
    if failure.name in OWN_ERRORS:  # the message is already one for people
        stopped = issubclass(OWN_ERRORS[failure.name], VerdictError)
        return (VerdictError if stopped else SegkitError)(failure.message, where=where)
    lines = [line for line in failure.message.splitlines() if line.strip()]
    message = f"{failure.name}: {lines[0][:300] if lines else 'no message'}"
    return NotebookError(message, where=where, fix=f"As far as it went: {kept}.")
