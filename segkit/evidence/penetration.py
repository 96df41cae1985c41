"""Our share of the market cell by cell, and the white space; our lines stay in the engine."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import ibis
import numpy as np
import pandas as pd
from ibis import _

from segkit.core.absence import NO_PURCHASES, EmptyTable, empty_table, explain_empty, is_missing
from segkit.core.measures import CEILING, FLOOR, LARGEST, SECOND
from segkit.core.periods import YEAR_DAYS
from segkit.core.settings import Settings
from segkit.core.statistics import bound_count, find_reach
from segkit.evidence.market import AXES, latest_cells, make_cell_keys, read_columns
from segkit.evidence.segment_summaries import keep_days
from segkit.features.expressions import find_contributions

RULES = ["large", "growing", "open_to_us", "open_from_rivals"]
KEYS = {"customers": "customer_id", "orders": "order_id", "products": "product_id"}
HOMES = {"country": ("customers", "order_lines", "orders"), "category": ("products",)}
CONTRIBUTIONS = (f"spend{LARGEST}", f"spend{SECOND}")
SQUARES = "spend_squares"  # of what each customer spends, for the interval of the sum
INDEX_BOUNDS = ("index_low", "index_high", f"index{FLOOR}", f"index{CEILING}")
BOTH = "both"
MARKET_ONLY = "market only"
OURS_ONLY = "ours only"
MATCHED = {"both": BOTH, "left_only": MARKET_ONLY, "right_only": OURS_ONLY}


def count_own_cells(
    tables: Mapping[str, ibis.Table], *, as_of: datetime.date, by: Sequence[str] = AXES
) -> pd.DataFrame:
    """Count our own buyers and spend of the last 365 days by cell, in the engine.

    The country is the customer's, else that of the line, else that of the order; the category is
    the product's. The columns are country, category (empty where not known or not in ``by``),
    customer_count (with a sale) and spend (net of returns, lines without a customer included), with
    the largest contributions to spend for the gate, and spend_squares, the sum of the squares of
    what each customer spends.
    """
    if "order_lines" not in tables:
        columns = [*AXES, "customer_count", "spend", *CONTRIBUTIONS, SQUARES]
        return empty_table(columns, NO_PURCHASES)
    lines = keep_days(tables["order_lines"], "ordered_at", as_of=as_of, days=YEAR_DAYS)
    if "is_product" in lines.columns:
        lines = lines.filter(_.is_product.fill_null(True))
    if "country" in lines.columns:
        lines = lines.rename(order_lines_country="country")
    lines = _join_homes(lines, tables, by)
    places = {axis: _find_place(lines, axis, by) for axis in AXES}
    sold = _.customer_id.nunique(where=_.line_type == "sale")
    lines = lines.mutate(**places)
    spend = _.line_amount.sum()
    cells = lines.group_by(*AXES).agg(customer_count=sold, spend=spend).to_pandas()
    tops = find_contributions(lines, spend, name="spend", by=list(AXES))
    cells = cells.merge(tops, on=list(AXES), how="left")
    each = lines.group_by(*AXES, "customer_id").agg(amount=spend)
    squares = each.group_by(*AXES).agg(**{SQUARES: (_.amount * _.amount).sum()})
    cells = cells.merge(squares.to_pandas(), on=list(AXES), how="left")
    return cells.sort_values([*AXES], ignore_index=True)


def _join_homes(
    lines: ibis.Table, tables: Mapping[str, ibis.Table], by: Sequence[str]
) -> ibis.Table:
    """Join what other tables know of a line's place, as ``<table>_<axis>``."""
    for axis in by:
        for name in HOMES[axis]:
            if name not in KEYS or is_missing(tables.get(name), KEYS[name], axis):
                continue
            key = KEYS[name]
            lookup = tables[name].select(key, **{f"{name}_{axis}": axis})
            lines = lines.left_join(lookup, key).drop(f"{key}_right")
    return lines


def _find_place(lines: ibis.Table, axis: str, by: Sequence[str]) -> ibis.Value:
    """Return a line's country or category from the first table that knows it; else empty."""
    names = [f"{name}_{axis}" for name in HOMES[axis]] if axis in by else []
    known = [lines[name] for name in names if name in lines.columns]
    return ibis.coalesce(*known, ibis.literal(""))


def choose_axes(tables: Mapping[str, ibis.Table]) -> list[str]:
    """Return the finest axes on which both the market and our own sales are known."""
    market = [axis for axis in AXES if not is_missing(tables.get("market_cells"), axis)]
    ours = [a for a in market if not all(is_missing(tables.get(name), a) for name in HOMES[a])]
    return ours or market or ["country"]


def compare_with_market(
    tables: Mapping[str, ibis.Table], *, at: Settings, by: Sequence[str] | None = None
) -> pd.DataFrame:
    """Set our customers and spend of the last 365 days beside the market, cell by cell.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Ours, and ``market_cells``.
    at : Settings
        ``as_of`` is the last day counted.
    by : sequence of str, optional
        The axes of the cells; the finest that both sides know, if not given.

    Returns
    -------
    DataFrame
        As :func:`measure_penetration` returns it.
    """
    axes = choose_axes(tables) if by is None else list(by)
    own = count_own_cells(tables, as_of=at.as_of, by=axes)
    return measure_penetration(own, tables.get("market_cells"), by=axes)


def measure_penetration(
    own: pd.DataFrame, market_cells: ibis.Table | None, *, by: Sequence[str] = AXES
) -> pd.DataFrame:
    """Set our customers and spend beside the market, cell by cell; nothing is lost in the join.

    Names are joined without regard to capitals and outer space; ``own`` comes from
    :func:`count_own_cells` with the same ``by``. The columns, one row a cell, largest market first,
    are cell (its name), country, category, matched (``both``, ``market only`` where our share is 0,
    ``ours only`` where it is not known), year, market_value, buyer_count, growth_rate, measure
    (``market_value``, or ``buyer_count`` where no value is known), customer_count, spend, share (of
    the measure), index (100 is our share of all cells together), source and rests_on_count (our
    customers; one where there is spend and nobody is known to have bought), index_low and
    index_high (its 95 % interval, see `_bound_index`), with the largest contributions to spend and
    what the index is without two customers for the gate.
    """
    columns = ["cell", *AXES, "matched", "year", "market_value", "buyer_count", "growth_rate"]
    columns += ["measure", "customer_count", "spend", "share", "index", "source", "rests_on_count"]
    columns += [*CONTRIBUTIONS, *INDEX_BOUNDS]
    cells = latest_cells(market_cells, by=by)
    if cells.empty or isinstance(own, EmptyTable):
        return empty_table(columns, explain_empty(own if isinstance(own, EmptyTable) else cells))
    table = _join_cells(cells, own)
    table["cell"] = _name_cells(table, by)
    size = "market_value" if cells["market_value"].notna().any() else "buyer_count"
    ours = name_own_measure(size)
    table["measure"] = size
    table["share"] = table[ours] / table[size]
    sized = table[table[size].notna()]
    average = sized[ours].sum() / (sized[size].sum() or np.nan)
    table["index"] = 100 * table["share"] / (average if average > 0 else np.nan)
    table = table.assign(**_bound_index(table, ours, size, average=average))
    bought = table["customer_count"]
    table["rests_on_count"] = bought.mask((bought == 0) & (table["spend"] != 0), 1)
    return table.sort_values([size, "spend"], ascending=False, ignore_index=True)[columns]


def _bound_index(
    table: pd.DataFrame, ours: str, size: str, *, average: float
) -> dict[str, pd.Series | np.ndarray]:
    """Bound the index of our share by its interval, and without two of our customers.

    Who comes is taken as chance: our buyers as a Poisson count with its exact interval (Garwood
    1936), our spend as a compound one, whose variance is the sum of the squares.
    """
    amount = table[ours].astype(float)
    if ours == "customer_count":
        low, high = bound_count(amount)
        two = amount.clip(upper=2)
        ends = (low, high, amount - two, amount)
    else:
        reach = find_reach() * np.sqrt(table[SQUARES].astype(float))
        largest = table[list(CONTRIBUTIONS)].astype(float).fillna(0)
        without = [largest.clip(lower=0).sum(axis=1), largest.clip(upper=0).sum(axis=1)]
        ends = ((amount - reach).clip(lower=0), amount + reach, *(amount - two for two in without))
    scale = 100 / (table[size].astype(float) * (average if average > 0 else np.nan))
    return {name: end * scale for name, end in zip(INDEX_BOUNDS, ends, strict=True)}


def _join_cells(cells: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Join the market's cells and our own by their names; cells of one side only are kept."""
    own = own.assign(key=make_cell_keys(own)).groupby("key", as_index=False)
    own = own.agg(
        country=("country", "first"),
        category=("category", "first"),
        customer_count=("customer_count", "sum"),
        spend=("spend", "sum"),
        spend_largest=("spend_largest", "max"),
        spend_second=("spend_second", "max"),
        spend_squares=("spend_squares", "sum"),
    )
    cells = cells.assign(key=make_cell_keys(cells))
    table = cells.merge(own, on="key", how="outer", suffixes=("", "_own"), indicator="matched")
    table["matched"] = table["matched"].astype(str).map(MATCHED)
    table = table.fillna({"customer_count": 0, "spend": 0}).astype({"customer_count": "int64"})
    for axis in AXES:
        table[axis] = table[axis].fillna(table[f"{axis}_own"])
    return table


def _name_cells(table: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """Return what each cell is called: its country, its category, or both."""
    named = {axis: table[axis].mask(table[axis] == "", f"{axis} not known") for axis in by}
    if len(by) > 1:
        return named["category"] + " (" + named["country"] + ")"
    return named[by[0]]


def total_penetration(penetration: pd.DataFrame, *, smallest_cell: int = 5) -> pd.DataFrame:
    """Add up what we hold of the market, and what of ours did not join it.

    Parameters
    ----------
    penetration : DataFrame
        From :func:`measure_penetration`.
    smallest_cell : int
        The fewest customers with which cells are compared.

    Returns
    -------
    DataFrame
        Two rows, by ``part``. ``market``: ours (in the measure), size (of the cells whose size is
        known), share, index's year, days (of ours). ``ours only``: spend and spend_share of all
        our spend. Both: measure, cell_count, smallest_cell and customer_count, which is at least
        so many: of customers who buy in several categories of a country only those of the largest
        are counted, so that nobody counts twice.
    """
    columns = ["part", "measure", "cell_count", "customer_count", "ours", "size", "share"]
    columns += ["year", "days", "smallest_cell", "spend", "spend_share"]
    if penetration.empty:
        return empty_table(columns, explain_empty(penetration))
    is_ours = penetration["matched"] == OURS_ONLY
    market = penetration[~is_ours]
    measure = penetration["measure"].iloc[0]
    sized = market[market[measure].notna()]
    ours = sized[name_own_measure(measure)].sum()
    size = sized[measure].sum()
    unmatched = penetration[is_ours]
    spend = unmatched["spend"].sum()
    every = penetration["spend"].sum()
    joined_row = {
        "part": "market",
        "measure": measure,
        "cell_count": len(market),
        "customer_count": _count_at_least(sized),
        "ours": float(ours),
        "size": float(size),
        "share": ours / size if size else np.nan,
        "year": market["year"].max(),
        "days": YEAR_DAYS,
        "smallest_cell": smallest_cell,
    }
    unmatched_row = {
        "part": OURS_ONLY,
        "measure": measure,
        "cell_count": len(unmatched),
        "customer_count": _count_at_least(unmatched),
        "spend": float(spend),
        "spend_share": spend / every if every else np.nan,
    }
    table = pd.DataFrame([joined_row, unmatched_row], columns=columns)
    whole = dict.fromkeys(("year", "days", "smallest_cell"), "Int64")
    return table.astype(whole)


def _count_at_least(cells: pd.DataFrame) -> int:
    """Count customers of several cells so that nobody counts twice."""
    return int(cells.groupby("country")["rests_on_count"].max().sum())


def name_own_measure(measure: str) -> str:
    """Return the column of ours that is set beside a measure of the market."""
    return "spend" if measure == "market_value" else "customer_count"


def select_largest(penetration: pd.DataFrame, *, most: int = 12) -> pd.DataFrame:
    """Keep the cells of the countries and categories where we sell most, for a chart."""
    kept = penetration[penetration["matched"] != "ours only"]
    for axis in AXES:
        sums = kept.groupby(axis)[["spend", "market_value", "buyer_count"]].sum()
        order = sums.sort_values(list(sums.columns), ascending=False).index[:most]
        kept = kept[kept[axis].isin(order)]
    return kept.replace({"category": {"": "all categories"}, "country": {"": "all countries"}})


def find_white_space(
    penetration: pd.DataFrame,
    competitors: ibis.Table | None = None,
    *,
    largest_rival_share: float = 0.5,
    hidden: pd.Series | None = None,
) -> pd.DataFrame:
    """Find cells that are large, growing and little served, and size what they could bring.

    A cell is white space when it is large (above the median of the cells), growing (above the
    market's growth, weighted by size), open to us (our share is below our own average) and open
    from rivals (the listed competitors hold at most ``largest_rival_share`` together; a cell that
    names none counts as open). ``opportunity`` is what we would sell more a year at our own average
    share, never below 0.

    Parameters
    ----------
    penetration : DataFrame
        From :func:`measure_penetration`.
    competitors : ibis.Table, optional
        The table of the competitors' shares.
    largest_rival_share : float
        A cell is closed where competitors hold more than this together, from 0 to 1.
    hidden : Series of bool, optional
        Which rows of ``penetration`` the gate hid; their ``rests_on_count`` is missing. An
        opportunity would tell what we sell there, so it is missing. Which of these cells are the
        small ones must not be told either.

    Returns
    -------
    DataFrame
        cell, country, category, measure, size, growth_rate, index (100 is our average share),
        rival_share, the four rules, fails_on (in words), white_space, opportunity, source and
        rests_on_count; white space comes first, then the largest opportunity.
    """
    columns = ["cell", *AXES, "measure", "size", "growth_rate", "index", "rival_share", *RULES]
    columns += ["fails_on", "white_space", "opportunity", "source", "rests_on_count"]
    table = penetration[penetration["matched"] != OURS_ONLY]
    if table.empty:
        return empty_table(columns, explain_empty(penetration))
    size = table["measure"].iloc[0]
    ours = name_own_measure(size)
    table = table.assign(size=table[size]).dropna(subset=["size"])
    average = table[ours].sum() / table["size"].sum()
    table["rival_share"] = _add_rival_shares(table, competitors)
    table["large"] = table["size"] > table["size"].median()
    table["growing"] = (table["growth_rate"] > _average_growth(table)).fillna(False).astype(bool)
    table["open_to_us"] = table["share"] < average
    table["open_from_rivals"] = ~(table["rival_share"] > largest_rival_share)
    table["white_space"] = table[RULES].all(axis=1)
    table["fails_on"] = [_name_failed(row) for row in table[RULES].to_dict("records")]
    is_hidden = pd.Series(False, index=table.index)
    if hidden is not None:
        is_hidden = hidden.loc[table.index]
    opportunity = (average * table["size"] - table[ours]).clip(lower=0)
    table["opportunity"] = opportunity.mask(is_hidden)
    table["rests_on_count"] = table["rests_on_count"].astype(float).mask(is_hidden)
    order = ["white_space", "opportunity"]
    table = table.sort_values(order, ascending=False, kind="stable", ignore_index=True)
    return table[columns]


def _average_growth(cells: pd.DataFrame) -> float:
    """Return the market's growth, weighted by size; infinite where none is known."""
    known = cells.dropna(subset=["growth_rate"])
    if known.empty:
        return np.inf
    return float(np.average(known["growth_rate"], weights=known["size"]))


def _name_failed(rules: Mapping[str, bool]) -> str:
    return ", ".join(rule.replace("_", " ") for rule, passes in rules.items() if not passes)


def _add_rival_shares(cells: pd.DataFrame, competitors: ibis.Table | None) -> list[float]:
    """Return the competitors' total share of each cell; a row for the very cell goes first."""
    if is_missing(competitors, "market_share", "competitor"):
        return [np.nan] * len(cells)
    rivals = read_columns(competitors, [*AXES, "competitor", "market_share"])
    rivals = rivals.dropna(subset=["market_share"])
    shares: dict[tuple[str, str], dict[str, float]] = {}
    for key, row in zip(make_cell_keys(rivals), rivals.itertuples(), strict=True):
        shares.setdefault(key, {})[row.competitor] = row.market_share
    totals = []
    for country, category in make_cell_keys(cells):
        found: dict[str, float] = {}
        for key in (("", category), (country, ""), (country, category)):
            found |= shares.get(key, {}) if any(key) else {}
        totals.append(min(sum(found.values()), 1.0) if found else np.nan)
    return totals
