"""The market by cell: its size and growth in the year nearest to ours; the table is small."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd

from segkit.contract.market import AXIS_NAMES, GOODS_AXES
from segkit.core.absence import empty_table
from segkit.core.errors import SegkitError, suggest_name
from segkit.evidence.market.names import fold_name

AXES = ("country", "category")
HALF_YEAR = datetime.timedelta(days=182)
NEVER = 10_000  # years; further than any year is from another
KEY_SIGN = "\x1f"  # between the names of a key
SIZES = ("market_value", "buyer_count")
GOODS = tuple(axis.name for axis in GOODS_AXES)
NO_CELLS = "There is no table of market cells."
COLUMNS = [
    *("year", "market_value", "buyer_count", "growth_rate", "source"),
    *("value_low", "value_high", "buyers_low", "buyers_high", "source_count", "unsourced"),
]


def make_key(values: pd.Series) -> pd.Series:
    """Spell names alike for joining: no capitals, accents, outer or double blanks."""
    texts = values.astype("string").fillna("").astype(object)
    folded = {text: fold_name(text) for text in texts.unique()}
    return texts.map(folded).astype("string")


def join_keys(table: pd.DataFrame, axes: Sequence[str]) -> pd.Series:
    """Return each row's names on the axes as one key, spelt alike for joining."""
    if not axes:
        return pd.Series("", index=table.index, dtype=object)
    keys = [make_key(table[axis]).astype(object) for axis in axes]
    joined = keys[0]
    for key in keys[1:]:
        joined = joined + KEY_SIGN + key
    return joined


def read_columns(table: ibis.Table, columns: Sequence[str]) -> pd.DataFrame:
    """Read these columns of a small table; an absent one is empty, and names are never missing."""
    frame = table.to_pandas().reindex(columns=list(columns))
    texts = [c for c in (*AXIS_NAMES, "unit", "source") if c in frame]
    return frame.assign(**{c: frame[c].astype("string").fillna("").astype(object) for c in texts})


def list_axes(table: ibis.Table | pd.DataFrame | None) -> list[str]:
    """Return the axes that are columns of a table."""
    columns = [] if table is None else list(table.columns)
    return [axis for axis in AXIS_NAMES if axis in columns]


def find_own_year(as_of: datetime.date) -> int:
    """Return the year in which most of the 365 days to ``as_of`` lie.

    >>> find_own_year(datetime.date(2026, 6, 30)), find_own_year(datetime.date(2026, 8, 1))
    (2025, 2026)
    """
    return (as_of - HALF_YEAR).year


def join_texts(values: pd.Series) -> str:
    """Join different texts, each once, in their order."""
    texts = [value.strip() for value in values.tolist() if isinstance(value, str)]
    return "; ".join(dict.fromkeys(text for text in texts if text))


def require_axes(by: Sequence[str]) -> list[str]:
    """Return the axes of a cut.

    Raises
    ------
    SegkitError
        If there is none, or one that no market has.
    """
    for axis in by:
        if axis not in AXIS_NAMES:
            fix = suggest_name(axis, AXIS_NAMES)
            raise SegkitError("the market is not cut by this column", found=str(axis), fix=fix)
    if not by:
        raise SegkitError("the market is cut by one axis or more", found="none")
    return list(by)


def latest_cells(
    market_cells: ibis.Table | None, *, by: Sequence[str] = AXES, as_of: datetime.date | None = None
) -> pd.DataFrame:
    """Return the market by cell in one year, added up to the axes in ``by``.

    Rows that name only the axes in ``by`` are totals and are preferred; otherwise the rows that
    name the fewest further axes are added up, never those of two cuts together. Buyers who are
    named by what they buy would count twice: of them the largest row is taken. Several figures of
    one cell and year are averaged, and their spread is told.

    Parameters
    ----------
    market_cells : ibis.Table or None
        The market's table.
    by : sequence of str
        The axes of the cells.
    as_of : datetime.date, optional
        The last day counted: no later year is read, and of each cell the year nearest to that in
        which most of the 365 days lie is taken. The latest year, if not given.

    Returns
    -------
    DataFrame
        The columns of ``by``, year, market_value, buyer_count, growth_rate (that year's, weighted
        by value; where no row states one, the log-linear rate over the cell's years), source,
        value_low, value_high, buyers_low and buyers_high (from the least and the most that a source
        says), source_count (different ones), unsourced (a row has no source).
    """
    by = require_axes(by)
    columns = [*by, *COLUMNS]
    if market_cells is None:
        return empty_table(columns, NO_CELLS)
    rows = _read_rows(market_cells, by)
    if as_of is not None:
        rows = rows[~(rows["year"] > as_of.year)]
    rows = _keep_coarsest(rows, by)
    if rows.empty:
        later = " until the last day counted" if as_of is not None else ""
        return empty_table(columns, f"No market cell{later} names its {' and '.join(by)}.")
    rows["part"] = join_keys(rows, [axis for axis in list_axes(rows) if axis not in by])
    rows["year"] = rows["year"].fillna(0).astype(int)
    cells = _sum_years(rows, of_goods=_names_goods(rows, by))
    growth = _fit_growth(cells)
    wanted = cells["year"].max() if as_of is None else find_own_year(as_of)
    distance = (cells["year"] - wanted).abs().mask(cells["year"] == 0, NEVER)
    order = cells.assign(distance=distance).sort_values(["key", "distance", "year"])
    chosen = order.drop_duplicates("key").set_index("key")
    chosen["growth_rate"] = chosen["growth_rate"].fillna(growth)
    chosen["year"] = chosen["year"].astype("Int64").replace(0, pd.NA)
    for axis in by:
        chosen[axis] = rows.groupby("key")[axis].first()
    return chosen.sort_values(by, ignore_index=True)[columns]


def _read_rows(market_cells: ibis.Table, by: Sequence[str]) -> pd.DataFrame:
    """Return the rows that name all axes of the cut, with the cell's key."""
    axes = list(dict.fromkeys([*by, *list_axes(market_cells)]))
    names = [*axes, "year", *SIZES, "growth_rate", "source"]
    rows = read_columns(market_cells, names)
    numbers = ["year", *SIZES, "growth_rate"]
    rows = rows.astype(dict.fromkeys(numbers, "float64"))
    is_named = (rows[list(by)] != "").all(axis=1)
    rows = rows[is_named].copy()
    rows["key"] = join_keys(rows, by)
    return rows


def _keep_coarsest(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Keep, of each cell, the rows of one cut: that which names the fewest further axes."""
    others = [axis for axis in list_axes(rows) if axis not in by]
    if not others or rows.empty:
        return rows.copy()
    is_filled = rows[others] != ""
    cut = pd.Series("", index=rows.index)
    for axis in others:
        cut += np.where(is_filled[axis], f"{axis} ", "")
    rank = is_filled.sum(axis=1).astype(str).str.zfill(3) + cut
    return rows[rank == rank.groupby(rows["key"]).transform("min")].copy()


def _names_goods(rows: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """Return, by cell, whether its parts are of what is bought, so that buyers count in several."""
    goods = [axis for axis in GOODS if axis in rows and axis not in by]
    names_goods = (rows[goods] != "").any(axis=1)
    return names_goods.groupby(rows["key"]).any()


def _sum_years(rows: pd.DataFrame, *, of_goods: pd.Series) -> pd.DataFrame:
    """Return a row a cell and year: figures of several sources averaged, parts added up."""
    rows = rows.assign(is_unsourced=rows["source"].str.strip() == "")
    parts = rows.groupby(["key", "year", "part"], as_index=False).agg(
        market_value=("market_value", "mean"),
        value_low=("market_value", "min"),
        value_high=("market_value", "max"),
        buyer_count=("buyer_count", "mean"),
        buyers_low=("buyer_count", "min"),
        buyers_high=("buyer_count", "max"),
        growth_rate=("growth_rate", "mean"),
    )
    weight = parts["market_value"].fillna(parts["buyer_count"]).where(parts["growth_rate"].notna())
    parts["weight"] = weight.clip(lower=0)
    parts["weighted"] = parts["growth_rate"] * parts["weight"]
    years = parts.groupby(["key", "year"])
    sums = ["market_value", "value_low", "value_high", "weight", "weighted"]
    cells = years[sums].sum(min_count=1)
    buyers = ["buyer_count", "buyers_low", "buyers_high"]
    is_of_goods = cells.index.get_level_values("key").map(of_goods).to_numpy(dtype=bool)
    largest, added = years[buyers].max(), years[buyers].sum(min_count=1)
    for column in buyers:
        cells[column] = added[column].where(~is_of_goods, largest[column])
    rate = cells["weighted"] / cells["weight"].where(cells["weight"] > 0)
    cells["growth_rate"] = rate.fillna(years["growth_rate"].mean())
    texts = rows.groupby(["key", "year"]).agg(
        source=("source", join_texts), unsourced=("is_unsourced", "any")
    )
    cells = cells.join(texts)
    known = rows[~rows["is_unsourced"]]
    cells["source_count"] = known.groupby(["key", "year"])["source"].nunique()
    cells["source_count"] = cells["source_count"].fillna(0).astype(int)
    return cells.drop(columns=["weight", "weighted"]).reset_index()


def _fit_growth(cells: pd.DataFrame) -> pd.Series:
    """Return each cell's log-linear yearly rate over its years, of value or else of buyers."""
    rates = []
    for column in SIZES:
        known = cells[(cells[column] > 0) & (cells["year"] > 0)]
        logs = np.log(known[column])
        groups = known["key"]
        year = known["year"] - known["year"].groupby(groups).transform("mean")
        slope = (year * logs).groupby(groups).sum() / (year**2).groupby(groups).sum().replace(
            0, np.nan
        )
        rates.append(np.expm1(slope))
    return rates[0].combine_first(rates[1])


def choose_axes(
    market_cells: ibis.Table | None, own_axes: Sequence[str], *, chosen: Sequence[str] = ()
) -> list[str]:
    """Return the axes by which the market is cut.

    Parameters
    ----------
    market_cells : ibis.Table or None
        The market's table.
    own_axes : sequence of str
        The axes that our own tables know.
    chosen : sequence of str, optional
        Those that the plan names; they go first.

    Returns
    -------
    list of str
        Of the axes that both know the combination that names most cells; those of the market alone
        where nothing is shared, so that what is missing can be said.
    """
    if chosen:
        return require_axes(chosen)
    cuts = count_cuts(market_cells)
    shared = [tuple(axis for axis in cut if axis in own_axes) for cut in cuts["axes"]]
    best = cuts.assign(axes=shared, is_shared=[bool(cut) for cut in shared])
    best = best[best["is_shared"]] if any(shared) else cuts
    if best.empty:
        return ["country"]
    order = best.sort_values("cell_count", ascending=False, kind="stable")
    return list(order["axes"].iloc[0])


def count_cuts(market_cells: ibis.Table | None) -> pd.DataFrame:
    """Count the cells that each combination of axes names: axes (a tuple) and cell_count.

    Where some rows have a value only those count: others, such as buyers by age, tell of a cell's
    people.
    """
    columns = ["axes", "cell_count"]
    axes = list_axes(market_cells)
    if not axes or market_cells is None:
        return empty_table(columns, NO_CELLS)
    rows = read_columns(market_cells, [*axes, *SIZES])
    for size in SIZES:
        if rows[size].notna().any():
            rows = rows[rows[size].notna()]
            break
    names = rows[axes].drop_duplicates()
    cuts = [
        tuple(axis for axis, is_filled in zip(axes, row, strict=True) if is_filled)
        for row in (names != "").to_numpy()
    ]
    counts = pd.Series([cut for cut in cuts if cut], dtype=object).value_counts(sort=False)
    return pd.DataFrame({"axes": list(counts.index), "cell_count": counts.to_numpy()})
