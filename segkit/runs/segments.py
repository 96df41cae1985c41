"""Who is in which segment: one long table, whatever version of segkit wrote it.

``customer_id``, ``scheme``, ``segment`` (its name), and in the history also ``as_of`` and
``run_id``: one row a customer and scheme. A customer without a segment in a scheme has no row.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from segkit.core.errors import SegkitError, explain_faults, suggest_name
from segkit.runs.layout import BASE_STEP, FINAL_STEP, RunFolder

PLACED_COLUMNS = ["customer_id", "scheme", "segment"]
LONG_COLUMNS = [*PLACED_COLUMNS, "as_of", "run_id"]
BASE_TABLE = "segments"  # of the base analysis: every scheme
FINAL_TABLE = "placements"  # of the analysis: the final scheme, with confidence
OLD_FINAL_TABLE = "segments"  # its name in an earlier segkit
WIDE_PREFIX = "segment_"  # of an earlier segkit: a column segment_<scheme> for each scheme


def select_scheme(segments: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """Return the rows of one scheme.

    Parameters
    ----------
    segments : DataFrame
        One row a customer and scheme: ``customer_id``, ``scheme``, ``segment``.
    scheme : str

    Raises
    ------
    SegkitError
        If the table knows no such scheme; names the nearest one.
    """
    rows = segments[segments["scheme"] == scheme]
    if rows.empty:
        schemes = segments["scheme"].dropna().unique()
        fix = suggest_name(str(scheme), map(str, schemes))
        raise SegkitError(f"there are no segments of a scheme called '{scheme}'", fix=fix)
    return rows


def lengthen_segments(table: pd.DataFrame, *, where: str = "") -> pd.DataFrame:
    """Return any table of segments in the long form.

    Read are the long form itself; the table of one scheme with its segments' numbers in
    ``segment`` and their names in ``segment_name``, which ``segkit score`` writes and an earlier
    segkit wrote as a run's result; and its wide form, a column ``segment_<scheme>`` a scheme.

    Returns
    -------
    DataFrame
        ``customer_id``, ``scheme`` (empty if the table does not name it), ``segment``, ``as_of``
        and ``run_id`` (missing if the table does not name them).

    Raises
    ------
    SegkitError
        If the table is none of these.
    """
    if "customer_id" not in table.columns:
        raise _explain_lack("customer_id", where)
    if _is_named(table):
        scheme = table["scheme"] if "scheme" in table.columns else ""
        long = table.assign(segment=table["segment_name"], scheme=scheme)
    elif {"scheme", "segment"} <= set(table.columns):
        long = table
    elif wide := _list_wide(table):
        long = table.melt("customer_id", wide, var_name="scheme", value_name="segment")
        long["scheme"] = long["scheme"].str.removeprefix(WIDE_PREFIX)
    else:
        raise _explain_lack("segment_name", where)
    long = long.reindex(columns=LONG_COLUMNS).dropna(subset=["customer_id", "segment"])
    # Identifiers are text: 00123 and '00123' read from two kinds of file are one customer.
    long["customer_id"] = long["customer_id"].astype(str)
    long["as_of"] = pd.to_datetime(long["as_of"])
    return long.reset_index(drop=True)


def _is_named(table: pd.DataFrame) -> bool:
    """Tell the table of one scheme from a wide one in which a scheme is called ``name``."""
    if "segment_name" not in table.columns:
        return False
    return "segment" in table.columns or _list_wide(table) == ["segment_name"]


def _list_wide(table: pd.DataFrame) -> list[str]:
    return [column for column in table.columns if column.startswith(WIDE_PREFIX)]


def _explain_lack(column: str, where: str) -> SegkitError:
    fix = "Give the table that a run or 'segkit score' wrote."
    return SegkitError(f"the table of segments lacks {column}", where=where, fix=fix)


def read_segments(path: Path) -> pd.DataFrame:
    """Read a Parquet file of segments in any form; see `lengthen_segments`."""
    fix = "Give the table that a run or 'segkit score' wrote."
    with explain_faults("the table of segments cannot be read", ValueError, where=path, fix=fix):
        table = pd.read_parquet(path)
    return lengthen_segments(table, where=str(path))


def read_all_segments(run: RunFolder) -> pd.DataFrame:
    """Read the segments of every scheme that a run's base analysis left."""
    return read_segments(_require(run.step(BASE_STEP).table(BASE_TABLE), run))


def read_final_segments(run: RunFolder) -> pd.DataFrame:
    """Read the segments of a run's final scheme, which its analysis left."""
    return read_segments(_require(find_final_table(run), run))


def has_final_segments(run: RunFolder) -> bool:
    """Tell whether a run's analysis left the segments of its final scheme."""
    return find_final_table(run).is_file()


def find_final_table(run: RunFolder) -> Path:
    """Return where the table of the final scheme lies, or would lie."""
    final = run.step(FINAL_STEP)
    old = final.table(OLD_FINAL_TABLE)
    return old if old.is_file() else final.table(FINAL_TABLE)


def _require(path: Path, run: RunFolder) -> Path:
    if path.is_file():
        return path
    fix = "Name a segments.parquet, a run folder or a folder of its history."
    raise SegkitError("there are no segments here", where=str(run.path), fix=fix)
