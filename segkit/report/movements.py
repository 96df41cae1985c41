"""Who has come, gone or moved between segments since the last report."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from segkit.action.movements import GONE, NEW, keep_moves
from segkit.core.findings import Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import Published, Shape
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.tables import spread_table
from segkit.report.shared.views import Column, View

MOST_TOLD = 3
MOVEMENTS = View(
    Shape("movements", by=("segment_before", "segment_name"), measures={"share_of_before": COUNT}),
    {
        "segment_before": Column("Then"),
        "segment_name": Column("Now"),
        "customer_count": Column("Customers"),
        "share_of_before": Column("Of those of then", "share"),
    },
)


def lay_out_movements(movements: Published) -> Published:
    """Return the published movements as a grid: the segment of then down, that of now across."""
    return spread_table(
        movements, rows=("segment_before",), column="segment_name", value="customer_count"
    )


def state_movements(
    movements: Published, *, then: str, renamed: Mapping[str, str] | None = None
) -> list[Finding]:
    """Say how many stayed, the largest movements, and how many came and went.

    ``then`` is the last day of the earlier run, ``renamed`` what its segments are called now. What
    is hidden is not told of.
    """
    if movements.empty:
        return [explain_absence(movements)]
    frame = movements.frame.dropna(subset=["customer_count"])
    frame = frame[frame["customer_count"].astype(int) > 0]
    moves = keep_moves(frame).sort_values("customer_count", ascending=False, kind="stable")
    told = [_tell(movements, row, "moved", then) for _, row in moves.head(MOST_TOLD).iterrows()]
    if moves.empty:
        told = [_tell_silence(movements, then)]
    for what, column, value in (("came", "segment_before", NEW), ("left", "segment_name", GONE)):
        own = frame[frame[column] == value].sort_values("customer_count", ascending=False)
        told += [_tell(movements, row, what, then) for _, row in own.head(1).iterrows()]
    return [*(_tell_renamed(*names, then) for names in (renamed or {}).items()), *told]


def find_day(earlier: pd.DataFrame) -> str:
    """Return the last day of the earlier run, as it is written; empty in a first run."""
    return str(pd.Timestamp(earlier["as_of"].iloc[0]).date()) if len(earlier) else ""


def _tell(movements: Published, row: pd.Series, what: str, then: str) -> Finding:
    where = {name: row[name] for name in ("segment_before", "segment_name")}
    count = movements.read_figure("customer_count", where=where, kind="count", unit="customer")
    share = movements.read_figure("share_of_before", where=where, kind="share")
    figures = [count, share] if what != "came" else [count]
    return write_finding(
        f"movements.told.{what}", figures, count=count, words={**where, "then": then}
    )


def _tell_renamed(old: str, new: str, then: str) -> Finding:
    """Say which segment of today one of then is read as."""
    words = {"segment_before": old, "segment_name": new, "then": then}
    return write_finding("movements.told.renamed", words=words)


def _tell_silence(movements: Published, then: str) -> Finding:
    """Say that nobody moved, or that it must not be told."""
    pairs = keep_moves(movements.frame)
    is_known = pairs["customer_count"].notna().all()
    kind = "nobody" if is_known else "too_few"
    figure = movements.read_figure("segment_name", how="rows", kind="count", name="pair_count")
    return write_finding(f"movements.told.{kind}", [figure], words={"then": then})
