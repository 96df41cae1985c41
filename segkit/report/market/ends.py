"""In which cells of the market our share is highest and lowest."""

from __future__ import annotations

import pandas as pd

from segkit.contract.market import AXIS_NAMES
from segkit.core.findings import Figure, Finding
from segkit.core.privacy import Published
from segkit.report.shared.extremes import MOST_TIED, find_sure_end, state_sure_end
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import write_finding

MARKET = {"part": "market"}
INDEX_ENDS = ("index_low", "index_high")
ENDS_COUNT = ("top_count", "least_count")


def state_ends(penetration: Published, smallest_cell: int, totals: Published) -> list[Finding]:
    """Say in which cells our share surely is highest and lowest; cells with few are left out."""
    frame = penetration.frame
    is_known = (frame["matched"] != "ours only") & frame["index"].notna()
    is_enough = (frame["customer_count"] >= smallest_cell).fillna(False).astype(bool)
    known = frame.index[is_known & is_enough]
    if len(known) < 2:
        return []
    ends = [
        _state_end(penetration, known, name, word)
        for name, word in (("top", "highest"), ("least", "lowest"))
    ]
    told = [end for end in ends if end is not None]
    if not told:
        return []
    found = [totals.read_figure("smallest_cell", where=MARKET, kind="count", unit="customer")]
    found += [figure for end in told for figure in end.figures]
    count = sum(int(figure.value) for figure in found if figure.name in ENDS_COUNT)
    words = {"ends": "; ".join(end.text for end in told)}
    return [write_finding("market.penetration.ends", found, count=count, words=words)]


def _state_end(penetration: Published, rows: pd.Index, name: str, word: str) -> Finding | None:
    """Say in which cell our share surely is the highest, or the lowest."""

    def read(row: pd.Series, figure_name: str) -> Figure:
        place = {axis: row[axis] for axis in AXIS_NAMES if axis in row}
        return penetration.read_figure(
            "index", where=place, kind="index", name=figure_name, interval=INDEX_ENDS
        )

    def read_count(row: pd.Series, figure_name: str) -> Figure:
        place = {axis: row[axis] for axis in AXIS_NAMES if axis in row}
        return penetration.read_figure(
            "customer_count", where=place, kind="count", name=figure_name
        )

    end = find_sure_end(
        penetration,
        "index",
        read,
        rows=rows,
        interval=INDEX_ENDS,
        average=100.0,
        is_top=name == "top",
        name=f"{name}_index",
    )
    if end is None or len(end.rows) > MOST_TIED:
        return None
    return state_sure_end(
        penetration,
        end,
        word=word,
        read=read,
        read_count=read_count,
        name_rows=lambda cells: f"in {join_words(cells['cell'].tolist())}",
    )
