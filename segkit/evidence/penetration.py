"""Our share of the market cell by cell, and the white space.

Our own customers and lines are counted in the engine; the market's cells are few and come to
pandas.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import ibis
import numpy as np
import pandas as pd

from segkit.evidence.market import (
    AXES,
    check_axes,
    fill_axes,
    latest_cells,
    make_cell_keys,
    make_key,
)
from segkit.evidence.missing import empty_table, is_missing

PENETRATION_COLUMNS = [
    "cell",
    *AXES,
    "matched",
    "year",
    "market_value",
    "buyer_count",
    "growth_rate",
    "customer_count",
    "spend",
    "value_share",
    "buyer_share",
    "index",
    "source",
]


def count_own_cells(
    tables: Mapping[str, ibis.Table], *, as_of: datetime.date, by: Sequence[str] = AXES
) -> pd.DataFrame:
    """Count our own buyers and spend of the last 365 days by cell, in the engine.

    The country is the customer's, else that of the line, else that of the order; the category is
    the product's. ``customer_count`` counts customers with a sale; ``spend`` is net of returns
    and includes lines without a customer.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        The accepted tables; ``order_lines`` is needed.
    as_of : datetime.date
        The last day counted.
    by : sequence of str
        ``country``, ``category`` or both.

    Returns
    -------
    DataFrame
        country, category (empty where not known or not in ``by``), customer_count, spend.
    """
    by = check_axes(by)
    lines = _place_lines(tables, by)
    day = lines.ordered_at.cast("date")
    first = as_of - datetime.timedelta(days=364)
    lines = lines.filter((day >= ibis.literal(first)) & (day <= ibis.literal(as_of)))
    cells = lines.group_by(country=lines.cell_country, category=lines.cell_category).agg(
        customer_count=lines.customer_id.nunique(where=lines.line_type == "sale"),
        spend=lines.line_amount.sum(),
    )
    table = cells.to_pandas().sort_values([*AXES], ignore_index=True)
    return table.astype({"customer_count": "int64", "spend": "float64"})


def _place_lines(tables: Mapping[str, ibis.Table], by: Sequence[str]) -> ibis.Table:
    """Add ``cell_country`` and ``cell_category`` to each product line; empty where not known."""
    lines = tables["order_lines"]
    if "is_product" in lines.columns:
        lines = lines.filter(lines.is_product.fill_null(True))
    if "country" in lines.columns:
        lines = lines.rename(line_country="country")
    lookups = (
        ("customers", "customer_id", "country", "customer_country"),
        ("orders", "order_id", "country", "order_country"),
        ("products", "product_id", "category", "product_category"),
    )
    for name, key, column, new in lookups:
        if column in by and not is_missing(tables.get(name), key, column):
            lookup = tables[name].select(key, **{new: column})
            lines = lines.left_join(lookup, key).drop(f"{key}_right")
    places = ("customer_country", "line_country", "order_country")
    countries = [lines[c] for c in places if "country" in by and c in lines.columns]
    categories = [lines.product_category] if "product_category" in lines.columns else []
    return lines.mutate(
        cell_country=ibis.coalesce(*countries, ibis.literal("")),
        cell_category=ibis.coalesce(*categories, ibis.literal("")),
    )


def choose_axes(tables: Mapping[str, ibis.Table]) -> list[str]:
    """Return the finest axes on which both the market and our own sales are known.

    Country and category where both carry both; else the one that both carry; else the market's.
    """
    market = tables.get("market_cells")
    in_market = [axis for axis in AXES if not is_missing(market, axis)]
    ours = {
        "country": any(
            not is_missing(tables.get(name), "country")
            for name in ("customers", "order_lines", "orders")
        ),
        "category": not is_missing(tables.get("products"), "category"),
    }
    return [axis for axis in in_market if ours[axis]] or in_market or ["country"]


def measure_penetration(
    own: pd.DataFrame, market_cells: ibis.Table | None, *, by: Sequence[str] = AXES
) -> pd.DataFrame:
    """Set our customers and spend beside the market, cell by cell; nothing is lost in the join.

    Names are joined without regard to capitals and outer space.

    Parameters
    ----------
    own : DataFrame
        From :func:`count_own_cells`, with the same ``by``.
    market_cells : ibis.Table or None
        The contract's ``market_cells``.
    by : sequence of str
        ``country``, ``category`` or both.

    Returns
    -------
    DataFrame
        One row a cell, largest market first. ``matched`` is ``both``, ``market only`` (our share
        is 0) or ``ours only`` (the share is not known); value_share is spend / market_value,
        buyer_share is customer_count / buyer_count. ``index`` is the share over our share of all
        cells together, 100 for our own average; by value where there is one, else by buyers.
    """
    cells = latest_cells(market_cells, by=by)
    if cells.empty:
        return empty_table(PENETRATION_COLUMNS, cells.attrs["reason"])
    keys = [f"{axis}_key" for axis in AXES]
    left = own.assign(**{f"{axis}_key": make_key(own[axis]) for axis in AXES})
    left = left.groupby(keys, as_index=False).agg(
        country=("country", "first"),
        category=("category", "first"),
        customer_count=("customer_count", "sum"),
        spend=("spend", "sum"),
    )
    right = cells.assign(**{f"{axis}_key": make_key(cells[axis]) for axis in AXES})
    table = right.merge(left, on=keys, how="outer", suffixes=("", "_own"), indicator=True)
    for axis in AXES:
        table[axis] = table[axis].fillna(table[f"{axis}_own"]).astype(object)
    names = {"both": "both", "left_only": "market only", "right_only": "ours only"}
    table["matched"] = table["_merge"].astype(str).map(names)
    in_market = table["matched"] != "ours only"
    for column in ("customer_count", "spend"):
        table[column] = table[column].fillna(0)
    table["customer_count"] = table["customer_count"].astype("int64")
    table["value_share"] = (table["spend"] / table["market_value"]).where(in_market)
    table["buyer_share"] = (table["customer_count"] / table["buyer_count"]).where(in_market)
    by_value = table["market_value"].notna().any()
    size, ours = ("market_value", "spend") if by_value else ("buyer_count", "customer_count")
    sized = table[in_market & table[size].notna()]
    average = sized[ours].sum() / sized[size].sum() if len(sized) else np.nan
    share = table[ours] / table[size] / (average if average > 0 else np.nan)
    table["index"] = (100 * share).where(in_market)
    table["cell"] = _name_cells(table, check_axes(by))
    table = table.sort_values([size, "spend"], ascending=False, kind="stable", ignore_index=True)
    return table[PENETRATION_COLUMNS]


def _name_cells(table: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """Name each cell: ``Kitchen (DK)``, or the one axis that there is."""
    names = {a: table[a].where(table[a] != "", f"{a} not known") for a in by}
    if len(by) == 1:
        return names[by[0]]
    return names["category"] + " (" + names["country"] + ")"


def find_small(penetration: pd.DataFrame, smallest_cell: int) -> pd.Series:
    """Tell which cells rest on too few of our customers to be shown; empty cells may be."""
    few = penetration["customer_count"] < smallest_cell
    return few & ((penetration["customer_count"] > 0) | (penetration["spend"] != 0))


def hide_small_shares(penetration: pd.DataFrame, smallest_cell: int) -> pd.DataFrame:
    """Empty our own figures in cells that rest on too few customers, for publication."""
    own = ("customer_count", "spend", "spend_share", "value_share", "buyer_share", "index")
    there = [column for column in own if column in penetration.columns]
    if penetration.empty:
        return penetration
    small = find_small(penetration, smallest_cell)
    return penetration.assign(**{c: penetration[c].astype(float).mask(small) for c in there})


def select_largest(penetration: pd.DataFrame, *, most: int = 12) -> pd.DataFrame:
    """Keep the cells of at most ``most`` countries and categories, for a chart.

    Those where we sell most come first, then those with the largest market.
    """
    kept = penetration[penetration["matched"] != "ours only"]
    for axis in AXES:
        sums = kept.groupby(axis)[["spend", "market_value", "buyer_count"]].sum()
        order = sums.sort_values(list(sums.columns), ascending=False).index[:most]
        kept = kept[kept[axis].isin(order)]
    kept = kept.assign(category=kept["category"].replace("", "all categories"))
    return kept.assign(country=kept["country"].replace("", "all countries"))


def list_unmatched(penetration: pd.DataFrame) -> pd.DataFrame:
    """List by name the cells of ours that the market table does not have.

    Returns
    -------
    DataFrame
        country, category, customer_count, spend, spend_share (of all our spend), largest first.
    """
    columns = [*AXES, "customer_count", "spend"]
    ours = penetration.loc[penetration["matched"] == "ours only", columns]
    if ours.empty:
        reason = "Every cell where we sell has a figure in the market table."
        if penetration.empty:
            reason = penetration.attrs.get("reason", reason)
        return empty_table([*columns, "spend_share"], reason)
    total = penetration["spend"].sum()
    share = ours["spend"] / total if total else np.nan
    ours = ours.assign(spend_share=share).replace({axis: {"": "not known"} for axis in AXES})
    return ours.sort_values("spend", ascending=False, ignore_index=True)


def find_white_space(
    penetration: pd.DataFrame,
    competitors: ibis.Table | None = None,
    *,
    largest_rival_share: float = 0.5,
    smallest_cell: int = 5,
) -> pd.DataFrame:
    """Find cells that are large, growing and little served, and size what they could bring.

    A cell is white space when all of these hold:

    - large: its value is above the median of the cells;
    - growing: its growth rate is above the market's, the mean weighted by value;
    - open to us: our share is below our own average, all our spend over the value of all cells;
    - open from rivals: the listed competitors' shares add up to at most ``largest_rival_share``;
      a cell that the competitors table does not name counts as open, and ``rival_share`` is empty.

    ``opportunity`` is what we would sell more a year at our own average share:
    average share times value, less our spend there; never below 0. Without ``market_value`` the
    same is done with buyers, and ``measure`` says so.

    Parameters
    ----------
    penetration : DataFrame
        From :func:`measure_penetration`.
    competitors : ibis.Table or None
        The contract's ``competitors``.
    largest_rival_share : float
        Share of a cell that listed competitors may hold together.
    smallest_cell : int, optional
        Where fewer of our customers buy, own, own_share and index are hidden and the opportunity
        is sized as if we sold nothing there.

    Returns
    -------
    DataFrame
        One row a market cell: cell, country, category, measure, size, growth_rate, own, own_share,
        index (100 is our average share), rival_share, large, growing, open_to_us,
        open_from_rivals, white_space, size_at_average_share, opportunity, source; white space
        first, then by opportunity.
    """
    columns = [
        "cell",
        *AXES,
        "measure",
        "size",
        "growth_rate",
        "own",
        "own_share",
        "index",
        "rival_share",
        "large",
        "growing",
        "open_to_us",
        "open_from_rivals",
        "white_space",
        "size_at_average_share",
        "opportunity",
        "source",
    ]
    in_market = penetration[penetration["matched"] != "ours only"]
    if in_market.empty:
        return empty_table(columns, penetration.attrs.get("reason", "There is no market cell."))
    by_value = in_market["market_value"].notna().any()
    measure, own = ("market_value", "spend") if by_value else ("buyer_count", "customer_count")
    table = in_market.rename(columns={measure: "size", own: "own"})
    table = table.dropna(subset=["size"]).assign(measure=measure)
    average = float(table["own"].sum() / table["size"].sum())
    grown = table.dropna(subset=["growth_rate"])
    rate = np.average(grown["growth_rate"], weights=grown["size"]) if len(grown) else np.inf
    table["own_share"] = table["own"] / table["size"]
    table["index"] = 100 * table["own_share"] / (average if average > 0 else np.nan)
    table["rival_share"] = _add_rival_shares(table, competitors)
    table["large"] = table["size"] > table["size"].median()
    table["growing"] = (table["growth_rate"] > rate).fillna(False).astype(bool)
    table["open_to_us"] = table["own_share"] < average
    table["open_from_rivals"] = ~(table["rival_share"] > largest_rival_share)
    rules = ["large", "growing", "open_to_us", "open_from_rivals"]
    table["white_space"] = table[rules].all(axis=1)
    table["size_at_average_share"] = average * table["size"]
    small = find_small(in_market.loc[table.index], smallest_cell)
    known = table["own"].mask(small, 0)
    table["opportunity"] = (table["size_at_average_share"] - known).clip(lower=0)
    for column in ("own", "own_share", "index"):
        table[column] = table[column].astype(float).mask(small)
    order = ["white_space", "opportunity"]
    table = table.sort_values(order, ascending=False, kind="stable", ignore_index=True)
    return table[columns]


def _add_rival_shares(cells: pd.DataFrame, competitors: ibis.Table | None) -> list[float]:
    """Return the competitors' total share of each cell; NaN where none is listed.

    A competitor's row that names one axis only holds for every cell on it, unless the same
    competitor has a row for the very cell.
    """
    if is_missing(competitors, "market_share", "competitor"):
        return [np.nan] * len(cells)
    rivals = fill_axes(competitors.to_pandas()).dropna(subset=["market_share"])
    shares: dict[tuple[str, str], dict[str, float]] = {}
    for key, name, share in zip(
        make_cell_keys(rivals), rivals["competitor"], rivals["market_share"], strict=True
    ):
        shares.setdefault(key, {})[name] = share
    totals = []
    for country, category in make_cell_keys(cells):
        found: dict[str, float] = {}
        for key in dict.fromkeys([("", category), (country, ""), (country, category)]):
            if key != ("", ""):
                found |= shares.get(key, {})
        totals.append(min(sum(found.values()), 1.0) if found else np.nan)
    return totals
