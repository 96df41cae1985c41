"""Whether our customers are like the people of a market cell, as far as both tables tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import numpy as np
import pandas as pd

from segkit.contract.market import PEOPLE_AXES
from segkit.core.settings import Settings
from segkit.evidence.market.cells import SIZES, join_keys, latest_cells, list_axes, make_key
from segkit.evidence.market.own import count_buyers, list_own_axes
from segkit.plan.market import Market

PEOPLE = tuple(axis.name for axis in PEOPLE_AXES)
FEWEST_CUSTOMERS = 50  # of ours, whose make-up says something
MOST_UNKNOWN = 0.2  # of a cell's people, at levels that we do not know by this name


def compare_people(
    tables: Mapping[str, ibis.Table],
    penetration: pd.DataFrame,
    *,
    at: Settings,
    market: Market | None = None,
    territories: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return how alike our customers and the people of each market cell are.

    Where the market's table cuts a cell further, such as by age band, the cell's people are set
    beside the buyers of the last 365 days in all our cells. Alike is what both distributions have
    in common, the sum of the smaller share at each level: 1 where they are the same, 0 where nobody
    is at the same level (Gini 1914; one less half the sum of absolute differences). Of several such
    axes the least alike counts. Nothing is told where fewer than 50 customers are known, or where a
    fifth of the cell's people are at levels that ours are not called by.

    Returns
    -------
    DataFrame
        One row a cell of which it is known: cell, likeness (0 to 1, in hundredths), likeness_axis.
    """
    columns = ["cell", "likeness", "likeness_axis"]
    cells = tables.get("market_cells")
    axes = list_axes(penetration)
    known = list_own_axes(tables, market=market, territories=territories)
    further = [axis for axis in list_axes(cells) if axis in PEOPLE and axis not in axes]
    found = []
    for axis in further:
        if axis not in known or penetration.empty:
            continue
        own = count_buyers(
            tables, as_of=at.as_of, by=[axis], market=market, territories=territories
        )
        theirs = latest_cells(cells, by=[*axes, axis], as_of=at.as_of)
        found.append(_compare_axis(own, theirs, axes=axes, axis=axis, at=at))
    if not found:
        return pd.DataFrame(columns=columns)
    told = pd.concat(found).sort_values(["likeness", "likeness_axis"])
    told = told.drop_duplicates("key")
    names = dict(zip(join_keys(penetration, axes), penetration["cell"], strict=True))
    told["cell"] = told["key"].map(names)
    return told.dropna(subset=["cell"])[columns].reset_index(drop=True)


def _compare_axis(
    own: pd.DataFrame, theirs: pd.DataFrame, *, axes: Sequence[str], axis: str, at: Settings
) -> pd.DataFrame:
    """Return key, likeness and likeness_axis of the cells that one axis tells of."""
    empty = pd.DataFrame(columns=["key", "likeness", "likeness_axis"])
    size = next((s for s in reversed(SIZES) if s in theirs and theirs[s].notna().any()), None)
    if own.empty or theirs.empty or size is None:
        return empty
    counts = own["customer_count"].groupby(make_key(own[axis])).sum()
    counts = counts[(counts.index != "") & (counts >= at.smallest_cell)]
    if counts.sum() < FEWEST_CUSTOMERS:
        return empty
    ours = (counts / counts.sum()).to_dict()
    rows = theirs.assign(key=join_keys(theirs, axes), level=make_key(theirs[axis]))
    rows = rows[rows[size] > 0]
    rows["share"] = rows[size] / rows.groupby("key")[size].transform("sum")
    rows["ours"] = rows["level"].map(ours).astype(float)
    rows["common"] = np.minimum(rows["share"], rows["ours"].fillna(0))
    rows["unknown"] = rows["share"].where(rows["ours"].isna(), 0.0)
    cells = rows.groupby("key", as_index=False)[["common", "unknown"]].sum()
    cells = cells[cells["unknown"] <= MOST_UNKNOWN]
    return pd.DataFrame(
        {"key": cells["key"], "likeness": cells["common"].round(2), "likeness_axis": axis}
    )
