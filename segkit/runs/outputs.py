"""What a step left: its tables, facts and files, and the hashes that tell whether they changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.core.errors import SegkitError
from segkit.core.files import hash_bytes, hash_value, read_json, replace_whole, write_json
from segkit.core.findings import ABSENCE, to_json_value
from segkit.core.leftovers import PARTIAL
from segkit.runs.layout import RunFolder, StepFolder, TablesFolder

CELLS = ".cells.parquet"  # how the records of a published table's cells are called

if TYPE_CHECKING:
    import pandas as pd

    from segkit.core.privacy import Published


def write_table(folder: StepFolder, table: pd.DataFrame, name: str) -> None:
    """Leave a finished table for later steps, whole or not at all."""
    write_frame(folder.table(name), table)


def write_frame(path: Path, table: pd.DataFrame) -> None:
    """Write a table as Parquet, whole or not at all."""
    with replace_whole(path) as aside:
        table.to_parquet(aside, index=False)


def write_blocks(folder: StepFolder, thing: Any, name: str) -> None:
    """Leave as a table what writes itself block by block, whole or not at all."""
    with replace_whole(folder.table(name)) as aside:
        thing.write_parquet(aside)


def write_published(folder: StepFolder, published: Published) -> None:
    """Leave a table that passed the gate, and the records of its cells."""
    import pandas as pd

    name = published.shape.name.rpartition("/")[2]
    write_frame(folder.published_table(name), published.frame)
    write_frame(folder.published_cells(name), pd.DataFrame(published.records))


def list_shown_tables(run: RunFolder, step: str) -> list[str]:
    """Return the tables that a step published with a row of which something is shown."""
    import pandas as pd

    from segkit.core.privacy import find_covered

    names = []
    for path in sorted(run.step(step).published.glob("*.parquet")):
        if path.name.endswith(CELLS):
            continue
        rows = pd.read_parquet(path)
        if len(rows) and not find_covered(rows).all():
            names.append(path.stem)
    return names


def list_kept_facts(run: RunFolder, step: str) -> set[str]:
    """Return the facts that a step kept and that hold something; none where it kept none.

    Findings that only say why there is nothing to tell hold nothing.
    """
    facts = read_json(run.step(step).facts)
    return {name for name, thing in facts.items() if _holds_something(thing)}


def _holds_something(thing: Any) -> bool:
    """Tell whether a fact is there, and is more than findings on what is not there."""
    if isinstance(thing, list) and thing and all(isinstance(one, dict) for one in thing):
        return any(one.get("kind") != ABSENCE for one in thing)
    return bool(thing)


def write_file(folder: StepFolder, thing: Any, name: str) -> None:
    """Leave a document or text beside a step's tables; None takes the one of before away.

    Raises
    ------
    SegkitError
        If it is neither a text nor a document with ``write_json``.
    """
    path = folder.file(name)
    if thing is None:
        path.unlink(missing_ok=True)
        return
    if not isinstance(thing, str) and not hasattr(thing, "write_json"):
        raise SegkitError(
            "only a document or a text is kept as a file",
            where=f"ws.keep({name!r}, ...)",
            found=type(thing).__name__,
            fix="Give a table or a fact a name without an ending.",
        )
    with replace_whole(path) as aside:
        if isinstance(thing, str):
            aside.write_text(thing, encoding="utf-8")
        else:
            thing.write_json(aside)


def read_table(run: RunFolder, step: str, name: str) -> pd.DataFrame:
    """Read a table that an earlier step left.

    Raises
    ------
    SegkitError
        If it has not; says which step to run first.
    """
    import pandas as pd

    return pd.read_parquet(require_left(step, run.step(step).table(name)))


def write_facts(folder: StepFolder, facts: Mapping[str, Any]) -> None:
    """Leave a step's facts, with its name, as JSON."""
    write_json(folder.facts, to_json_value({"step": folder.path.name, **facts}))


def read_facts(run: RunFolder, step: str) -> dict[str, Any]:
    """Read the facts that an earlier step left; see `read_table` for what is raised."""
    return json.loads(require_left(step, run.step(step).facts).read_text(encoding="utf-8"))


def require_left(step: str, path: Path) -> Path:
    """Return the path of what an earlier step left; an error says which step to run first."""
    if path.is_file():
        return path
    message = f"the step {step} has not left its {path.name} in this run folder"
    fix = f"Run the notebook {step} first, with the same plan_path and run_dir."
    raise SegkitError(message, where=f"{step}/{path.name}", fix=fix)


def clear_step(folder: StepFolder) -> None:
    """Take away what a step left, its record first."""
    folder.record.unlink(missing_ok=True)
    if folder.path.exists():
        shutil.rmtree(folder.path)
    folder.path.mkdir(parents=True)


def hash_outputs(folder: StepFolder) -> dict[str, str]:
    """Return the hash of every file that a step left, but not of the records beside them."""
    records = (folder.record, TablesFolder(folder.path).record)
    hashes = {}
    for path in sorted(folder.path.rglob("*")):
        if path.is_file() and PARTIAL not in path.name and path not in records:
            hashes[path.relative_to(folder.path).as_posix()] = hash_bytes(path)
    return hashes


def hash_handed_on(outputs: Mapping[str, str]) -> str:
    """Return one hash of what later steps may read; the page and the notebook do not count."""
    shown = [path.name for path in StepFolder(Path()).shown]
    return hash_value({name: value for name, value in outputs.items() if name not in shown})


def find_fault(folder: StepFolder, outputs: Mapping[str, str]) -> str:
    """Say which output is missing or was changed since the step ran; empty if none."""
    now = hash_outputs(folder)
    for name in outputs:
        if now.get(name) != outputs[name]:
            return f"output {'changed' if name in now else 'missing'}: {name}"
    return ""
