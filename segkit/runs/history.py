"""The history of a run folder: who was in which segment in each published run.

Each kept run has a file of the long table (see `segkit.runs.segments`), the segmentations that made
it, its KPIs (see `segkit.runs.kpis`), and a record with its day and its final scheme. What an
earlier segkit kept, the final scheme alone and no record, reads in the same way.
"""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Collection
from pathlib import Path

import pandas as pd
import pyarrow.parquet

from segkit.core.errors import SegkitError, suggest_name
from segkit.core.files import read_json, write_json
from segkit.runs.kpis import keep_kpis
from segkit.runs.layout import BASE_STEP, SEGMENTS, KeptRun, RunFolder, list_run_folders
from segkit.runs.outputs import write_frame
from segkit.runs.readiness import keep_readiness
from segkit.runs.segments import (
    BASE_TABLE,
    LONG_COLUMNS,
    has_final_segments,
    read_all_segments,
    read_final_segments,
    read_segments,
    select_scheme,
)


def keep_run(
    run: RunFolder, run_id: str, *, as_of: datetime.date, publication: Path | None = None
) -> KeptRun:
    """Keep who is in which segment of each scheme, under the id of the publication.

    The steps leave neither ``run_id`` nor ``as_of`` in their tables: equal inputs leave equal
    files. Both are filled in here. A run whose steps left no segments keeps its documents only.
    Where the ``publication`` is still to be put in place, `confirm_runs` of the layout
    says later if it was.
    """
    kept = run.kept_run(run_id)
    kept.path.mkdir(parents=True, exist_ok=True)
    if publication is not None:
        write_json(kept.pending, {"publication": str(publication.resolve())})
    for document in run.documents:
        shutil.copyfile(document, kept.path / document.name)
    keep_readiness(run, kept)
    final = read_final_segments(run) if has_final_segments(run) else pd.DataFrame()
    final_scheme = str(final["scheme"].iloc[0]) if len(final) else ""
    segments = _collect_segments(run, final)
    if len(segments):
        write_frame(kept.segments, segments.assign(as_of=as_of, run_id=run_id)[LONG_COLUMNS])
    keep_kpis(run, kept, as_of=as_of)
    write_json(kept.record, {"run_id": run_id, "as_of": as_of, "final_scheme": final_scheme})
    return kept


def _collect_segments(run: RunFolder, final: pd.DataFrame) -> pd.DataFrame:
    """Return the segments of all schemes; of the final one, what the analysis says of it."""
    if not run.step(BASE_STEP).table(BASE_TABLE).is_file():
        return final
    every = read_all_segments(run)
    if final.empty:
        return every
    others = every[~every["scheme"].isin(set(final["scheme"]))]
    return pd.concat([others, final], ignore_index=True)


def list_runs(run: RunFolder) -> pd.DataFrame:
    """Return the kept runs, oldest first: ``run_id``, ``as_of``, ``final_scheme``."""
    rows = []
    for path in list_run_folders(run.history):
        kept = KeptRun(path)
        about = _read_record(kept)
        rows.append((kept.run_id, about["as_of"], about["final_scheme"]))
    table = pd.DataFrame(rows, columns=["run_id", "as_of", "final_scheme"])
    return table.assign(as_of=pd.to_datetime(table["as_of"]))


def read_history(run: RunFolder, run_ids: Collection[str] | None = None) -> pd.DataFrame:
    """Read who was in which segment in all kept runs, or in those named.

    Returns
    -------
    DataFrame
        ``customer_id``, ``scheme``, ``segment``, ``as_of``, ``run_id``; one row a customer, scheme
        and run, the oldest run first.

    Raises
    ------
    SegkitError
        If a named run is not kept.
    """
    folders = {path.name: path for path in list_run_folders(run.history)}
    _require_runs(run_ids or (), folders)
    wanted = folders if run_ids is None else [name for name in folders if name in set(run_ids)]
    kept = [KeptRun(folders[name]) for name in wanted]
    parts = [read_kept_segments(each) for each in kept if each.segments.is_file()]
    empty = pd.DataFrame({name: pd.Series(dtype="str") for name in LONG_COLUMNS})
    empty["as_of"] = pd.to_datetime(empty["as_of"])
    return pd.concat(parts, ignore_index=True) if parts else empty


def read_kept_segments(kept: KeptRun) -> pd.DataFrame:
    """Read the segments of one kept run; what an old table does not say comes from beside it."""
    table = read_segments(kept.segments)
    about = _read_record(kept)
    if table["run_id"].isna().all():
        table["run_id"] = kept.run_id
    if table["as_of"].isna().all():
        table["as_of"] = pd.to_datetime(about["as_of"])
    return table


def _read_record(kept: KeptRun) -> dict[str, str]:
    """Return a run's day and final scheme; where none was kept, the document tells them."""
    found = read_json(kept.record)
    documents = [read_json(path) for path in kept.documents]
    first = documents[0] if documents else {}
    return {
        "as_of": found.get("as_of") or first.get("as_of"),
        "final_scheme": found.get("final_scheme") or first.get("scheme") or "",
    }


def read_assignment(path: Path) -> pd.DataFrame:
    """Read who was in which segment of one scheme, from wherever a person points to.

    Parameters
    ----------
    path : Path
        A Parquet file of segments, a run folder, or a folder of its history. Where these know
        several schemes, the run's final one is meant.

    Returns
    -------
    DataFrame
        ``customer_id``, ``scheme``, ``segment``, ``as_of``, ``run_id``; one row a customer.

    Raises
    ------
    SegkitError
        If there are no segments, or several schemes and no word on which is final.
    """
    if path.is_file():
        kept = KeptRun(path.parent)
        table = read_segments(path)
        is_kept = path.name == SEGMENTS and kept.record.is_file()
        return _choose_final(table, kept if is_kept else None, path)
    if (path / SEGMENTS).is_file():
        kept = KeptRun(path)
        return _choose_final(read_kept_segments(kept), kept, path)
    return read_final_segments(RunFolder(path))


def _choose_final(table: pd.DataFrame, kept: KeptRun | None, path: Path) -> pd.DataFrame:
    """Return the rows of the only scheme, or of the one that the run's record calls final."""
    schemes = sorted(table["scheme"].unique())
    if len(schemes) <= 1:
        return table
    final = _read_record(kept)["final_scheme"] if kept else ""
    if final:
        return select_scheme(table, final)
    message = "there are segments of several schemes here"
    fix = "Name the run folder, or a table of one scheme."
    raise SegkitError(message, where=str(path), found=", ".join(schemes), fix=fix)


def forget_customer(run: RunFolder, customer_id: str) -> int:
    """Remove a customer's rows from the history, the lists' records and the steps' own tables.

    Every table there that names customers is written anew, whole or not at all. Accepted and
    rejected rows are made from the sources: a source that still holds the customer brings it back
    at the next run, which makes every step anew whose tables were changed here.

    Returns
    -------
    int
        How many rows were removed.
    """
    folders = [run.history, run.lists, *(step.path for step in run.step_folders)]
    paths = [path for folder in folders for path in sorted(folder.rglob("*.parquet"))]
    return sum(_remove_rows(path, str(customer_id)) for path in paths)


def _remove_rows(path: Path, customer_id: str) -> int:
    if "customer_id" not in pyarrow.parquet.read_schema(path).names:
        return 0
    table = pd.read_parquet(path)
    is_theirs = table["customer_id"].astype(str) == customer_id
    if is_theirs.any():
        write_frame(path, table[~is_theirs])
    return int(is_theirs.sum())


def forget_runs(run: RunFolder, run_ids: Collection[str]) -> None:
    """Remove runs from the history; what was published of them stays.

    Raises
    ------
    SegkitError
        If a named run is not kept; then none is removed.
    """
    folders = {path.name: path for path in list_run_folders(run.history)}
    _require_runs(run_ids, folders)
    for name in run_ids:
        shutil.rmtree(folders[name])


def _require_runs(run_ids: Collection[str], kept: Collection[str]) -> None:
    for name in run_ids:
        if name not in kept:
            message = f"the history keeps no run called '{name}'"
            raise SegkitError(message, fix=suggest_name(str(name), kept))
