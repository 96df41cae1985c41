"""Which names of ours and of the market do not join, and what each may mean."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from segkit.core.absence import empty_table, explain_empty
from segkit.evidence.market.cells import list_axes
from segkit.evidence.market.names import find_near, fold_name, list_left_out, write_line
from segkit.evidence.market.penetration import MARKET_ONLY, OURS_ONLY
from segkit.plan.market import LEFT_OUT, Market

COLUMNS = ["axis", "name", "side", "candidate", "reason", "line"]
ALL_JOIN = "Every name of ours is in the market table, and the other way round."


def list_candidates(penetration: pd.DataFrame, *, market: Market | None = None) -> pd.DataFrame:
    """List the names that one side has and the other has not, with the nearest of the other side.

    Parameters
    ----------
    penetration : DataFrame
        From `segkit.evidence.market.penetration.measure_penetration`.
    market : Market, optional
        What the plan settles; names of which it says that the market has none are not listed.

    Returns
    -------
    DataFrame
        axis, name, side (``ours`` or ``market``), candidate (the nearest of the other side, up to
        three rows a name; empty where there is none), reason (why it is one) and line (what to
        write under ``[market.names]``); names of ours come first. Without rows, and with the
        reason, where all names join or there is nothing to join.
    """
    if penetration.empty:
        return empty_table(COLUMNS, explain_empty(penetration))
    left_out = list_left_out(market or Market())
    rows = []
    for axis in list_axes(penetration):
        ours = _name_by_key(penetration.loc[penetration["matched"] != MARKET_ONLY, axis])
        theirs = _name_by_key(penetration.loc[penetration["matched"] != OURS_ONLY, axis])
        open_ours = [n for key, n in ours.items() if key not in theirs and key not in left_out]
        open_theirs = [name for key, name in theirs.items() if key not in ours]
        for name in open_ours:
            rows += _list_rows(axis, name, open_theirs, side="ours")
        for name in open_theirs:
            rows += _list_rows(axis, name, open_ours, side="market")
    if not rows:
        return empty_table(COLUMNS, ALL_JOIN)
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("side", ascending=False, kind="stable", ignore_index=True)


def _name_by_key(names: pd.Series) -> dict[str, str]:
    """Return the names that are not empty, each spelling by its folded name."""
    found = {fold_name(name): str(name) for name in names.unique()}
    return {key: name for key, name in sorted(found.items()) if key}


def _list_rows(
    axis: str, name: str, others: Iterable[str], *, side: str
) -> list[tuple[str, str, str, str, str, str]]:
    """Return the rows of one name: a candidate each, or one without any."""
    found = find_near(name, others, is_country=axis == "country")
    if not found:
        line = write_line(name, LEFT_OUT) if side == "ours" else ""
        return [(axis, name, side, "", "", line)]
    rows = []
    for candidate, reason in found:
        pair = (name, candidate) if side == "ours" else (candidate, name)
        rows.append((axis, name, side, candidate, reason, write_line(*pair)))
    return rows
