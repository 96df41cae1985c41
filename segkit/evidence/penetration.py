"""Our share of the market cell by cell, and the white space; our lines stay in the engine."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import ibis
import numpy as np
import pandas as pd
from ibis import _

from segkit.core.absence import NO_PURCHASES, EmptyTable, empty_table, explain_empty, is_missing
from segkit.evidence.by_segment import keep_days
from segkit.evidence.market import AXES, latest_cells, make_cell_keys, read_columns

OWN_COLUMNS = ["customer_count", "spend", "share", "index"]
RULES = ["large", "growing", "open_to_us", "open_from_rivals"]
KEYS = {"customers": "customer_id", "orders": "order_id", "products": "product_id"}
HOMES = {"country": ("customers", "order_lines", "orders"), "category": ("products",)}


def count_own_cells(
    tables: Mapping[str, ibis.Table], *, as_of: datetime.date, by: Sequence[str] = AXES
) -> pd.DataFrame:
    """Count our own buyers and spend of the last 365 days by cell, in the engine.

    The country is the customer's, else that of the line, else that of the order; the category is
    the product's. The columns are country, category (empty where not known or not in ``by``),
    customer_count (with a sale) and spend (net of returns, lines without a customer included).
    """
    if "order_lines" not in tables:
        return empty_table([*AXES, "customer_count", "spend"], NO_PURCHASES)
    lines = keep_days(tables["order_lines"], "ordered_at", as_of=as_of, days=365)
    if "is_product" in lines.columns:
        lines = lines.filter(_.is_product.fill_null(True))
    if "country" in lines.columns:
        lines = lines.rename(order_lines_country="country")
    for axis in by:
        for name in [name for name in HOMES[axis] if name in KEYS]:
            if not is_missing(tables.get(name), KEYS[name], axis):
                lookup = tables[name].select(KEYS[name], **{f"{name}_{axis}": axis})
                lines = lines.left_join(lookup, KEYS[name]).drop(f"{KEYS[name]}_right")
    for axis in AXES:
        known = [f"{name}_{axis}" for name in HOMES[axis] if axis in by]
        known = [lines[column] for column in known if column in lines.columns]
        lines = lines.mutate(**{axis: ibis.coalesce(*known, ibis.literal(""))})
    sold = _.customer_id.nunique(where=_.line_type == "sale")
    cells = lines.group_by(*AXES).agg(customer_count=sold, spend=_.line_amount.sum())
    return cells.to_pandas().sort_values([*AXES], ignore_index=True)


def choose_axes(tables: Mapping[str, ibis.Table]) -> list[str]:
    """Return the finest axes on which both the market and our own sales are known."""
    market = [axis for axis in AXES if not is_missing(tables.get("market_cells"), axis)]
    ours = [a for a in market if not all(is_missing(tables.get(name), a) for name in HOMES[a])]
    return ours or market or ["country"]


def measure_penetration(
    own: pd.DataFrame, market_cells: ibis.Table | None, *, by: Sequence[str] = AXES
) -> pd.DataFrame:
    """Set our customers and spend beside the market, cell by cell; nothing is lost in the join.

    Names are joined without regard to capitals and outer space; ``own`` comes from
    :func:`count_own_cells` with the same ``by``. The columns, one row a cell, largest market first,
    are cell (its name), country, category, matched (``both``, ``market only`` where our share is 0,
    ``ours only`` where it is not known), year, market_value, buyer_count, growth_rate, measure
    (``market_value``, or ``buyer_count`` where no value is known), customer_count, spend, share (of
    the measure), index (100 is our share of all cells together) and source.
    """
    columns = ["cell", *AXES, "matched", "year", "market_value", "buyer_count", "growth_rate"]
    columns += ["measure", *OWN_COLUMNS, "source"]
    cells = latest_cells(market_cells, by=by)
    if cells.empty or isinstance(own, EmptyTable):
        return empty_table(columns, explain_empty(own if isinstance(own, EmptyTable) else cells))
    own = own.assign(key=make_cell_keys(own)).groupby("key", as_index=False)
    own = own.agg(
        {"country": "first", "category": "first", "customer_count": "sum", "spend": "sum"}
    )
    cells = cells.assign(key=make_cell_keys(cells))
    table = cells.merge(own, on="key", how="outer", suffixes=("", "_own"), indicator="matched")
    names = {"both": "both", "left_only": "market only", "right_only": "ours only"}
    table["matched"] = table["matched"].astype(str).map(names)
    table = table.fillna({"customer_count": 0, "spend": 0}).astype({"customer_count": "int64"})
    table = table.assign(**{axis: table[axis].fillna(table[f"{axis}_own"]) for axis in AXES})
    named = {axis: table[axis].mask(table[axis] == "", f"{axis} not known") for axis in by}
    table["cell"] = named[by[0]]
    if len(by) > 1:
        table["cell"] = named["category"] + " (" + named["country"] + ")"
    by_value = cells["market_value"].notna().any()
    size, ours = ("market_value", "spend") if by_value else ("buyer_count", "customer_count")
    table["measure"], table["share"] = size, table[ours] / table[size]
    sized = table[table[size].notna()]
    average = sized[ours].sum() / (sized[size].sum() or np.nan)
    table["index"] = 100 * table["share"] / (average if average > 0 else np.nan)
    return table.sort_values([size, "spend"], ascending=False, ignore_index=True)[columns]


def hide_small_shares(penetration: pd.DataFrame, smallest_cell: int) -> pd.DataFrame:
    """Empty our own figures in cells that rest on too few customers; nothing sold may be shown."""
    count, spend = penetration["customer_count"], penetration["spend"]
    small = (count < smallest_cell) & ((count > 0) | (spend != 0))
    return penetration.assign(
        **{c: penetration[c].astype(float).mask(small) for c in OWN_COLUMNS if c in penetration}
    )


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
    smallest_cell: int = 5,
) -> pd.DataFrame:
    """Find cells that are large, growing and little served, and size what they could bring.

    A cell is white space when it is large (above the median of the cells), growing (above the
    market's growth, weighted by size), open to us (our share is below our own average) and open
    from rivals (the listed competitors hold at most ``largest_rival_share`` together; a cell that
    names none counts as open). ``opportunity`` is what we would sell more a year at our own average
    share, never below 0. Where fewer than ``smallest_cell`` of our customers buy, the index is
    hidden and the opportunity is sized as if we sold nothing there.

    The columns are cell, country, category, measure, size, growth_rate, index (100 is our average
    share), rival_share, the four rules, fails_on (in words), white_space, opportunity and source;
    white space comes first, then the largest opportunity.
    """
    columns = ["cell", *AXES, "measure", "size", "growth_rate", "index", "rival_share", *RULES]
    columns += ["fails_on", "white_space", "opportunity", "source"]
    table = penetration[penetration["matched"] != "ours only"]
    if table.empty:
        return empty_table(columns, explain_empty(penetration))
    by_value = table["measure"].iloc[0] == "market_value"
    size, ours = ("market_value", "spend") if by_value else ("buyer_count", "customer_count")
    table = table.assign(size=table[size]).dropna(subset=["size"])
    average = table[ours].sum() / table["size"].sum()
    grown = table.dropna(subset=["growth_rate"])
    rate = np.average(grown["growth_rate"], weights=grown["size"]) if len(grown) else np.inf
    table["rival_share"] = _add_rival_shares(table, competitors)
    table["large"] = table["size"] > table["size"].median()
    table["growing"] = (table["growth_rate"] > rate).fillna(False).astype(bool)
    table["open_to_us"] = table["share"] < average
    table["open_from_rivals"] = ~(table["rival_share"] > largest_rival_share)
    table["white_space"] = table[RULES].all(axis=1)
    words = [rule.replace("_", " ") for rule in RULES]
    table["fails_on"] = [
        ", ".join(word for word, passes in zip(words, row, strict=True) if not passes)
        for row in table[RULES].to_numpy()
    ]
    table = hide_small_shares(table, smallest_cell)
    table["opportunity"] = (average * table["size"] - table[ours].fillna(0)).clip(lower=0)
    order = ["white_space", "opportunity"]
    table = table.sort_values(order, ascending=False, kind="stable", ignore_index=True)
    return table[columns]


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
