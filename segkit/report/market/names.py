"""Names of ours that the market table does not have, and the other way round."""

from __future__ import annotations

import pandas as pd

from segkit.core.findings import Condition, Finding
from segkit.core.privacy import Published, Shape
from segkit.report.shared.sentences import name_some, write_finding
from segkit.report.shared.views import Column, View

# Names tell of no customer: their counts and spend stand with the cells, where the gate hides them.
NAMES = View(
    Shape("names", population="names", by=("axis", "side", "name", "candidate")),
    {
        "name": Column("Name"),
        "side": Column("Whose"),
        "axis": Column("Column"),
        "candidate": Column("Nearest on the other side"),
        "reason": Column("Since it is"),
        "line": Column("To settle it, write under [market.names]"),
    },
)
OURS = (Condition("side", "==", "ours"),)


def keep_to_settle(names: Published) -> Published:
    """Return the names of ours, and those of the market that have a candidate."""
    if names.empty:
        return names
    frame = names.frame
    return names.keep((frame["side"] == "ours") | (frame["candidate"] != ""))


def state_names(names: Published) -> list[Finding]:
    """Say how many names of ours the market does not have, and which may mean the same."""
    if names.empty:
        return []
    ours = names.frame[names.frame["side"] == "ours"]
    if ours.empty:
        return []
    count = names.read_figure(
        "name", where=OURS, how="different", kind="count", unit="name", name="name_count"
    )
    near = ours[ours["candidate"] != ""].drop_duplicates("name")
    if near.empty:
        return [write_finding("market.names.none_near", [count])]
    pairs = [f"“{row.name_}” may be “{row.candidate}”" for row in _rename(near).itertuples()]
    return [write_finding("market.names.near", [count], words={"pairs": name_some(pairs)})]


def _rename(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.rename(columns={"name": "name_"})
