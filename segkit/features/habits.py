"""What is usual among all customers, learned from the lines by a few small aggregates.

The features of one customer are set against it: rhythm and journey stage (B4, B14), season (B13),
price level, categories and channels (B12), engagement (B15).
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace

import pandas as pd
from ibis import _, ir

from segkit.features.expressions import find_column, keep_until, sum_money
from segkit.features.favourites import MOST_LEVELS
from segkit.features.sales import is_income, is_sale

PRIOR_GAPS = 2
LEAST_GAPS = 200
# Of the gaps that ended with an order, how many are at most as long as the cut point.
AT_RISK_SHARE = 0.90
LAPSED_SHARE = 0.99
MOST_CATEGORIES = 20


@dataclass(frozen=True)
class Habits:
    """What all customers do; the features of one customer are set against it.

    ``mean_gap_days`` is the mean of the customers' mean gaps, None where nobody bought on two days.
    ``at_risk_ratio`` and ``lapsed_ratio`` are None where there are too few gaps. ``month_shares``
    are those of sales from January on. ``prices`` has the largest categories, by sales and then by
    alphabet, each with its mean price of a unit; ``rest_price`` is that of all other products.
    ``levels`` has all values of country, channel and category, of each where they are few: they
    hold for the lines that they were learned from. ``engagement_days`` are the ends of active and
    quiet, where the plan wants them learned.
    """

    mean_gap_days: float | None = None
    gap_count: int = 0
    at_risk_ratio: float | None = None
    lapsed_ratio: float | None = None
    month_shares: tuple[float, ...] = ()
    prices: tuple[tuple[str, float], ...] = ()
    rest_price: float | None = None
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    engagement_days: tuple[int, int] | None = None


def learn_habits(
    order_lines: ir.Table, *, as_of: datetime.date, products: ir.Table | None = None
) -> Habits:
    """Learn from accepted lines until ``as_of`` what all customers do, in the engine.

    A gap is set against what the customer's other gaps, shrunk as in `describe_rhythm`, let expect.
    Of the gaps that ended with an order, nine in ten are at most ``at_risk_ratio`` times as long,
    and 99 in 100 at most ``lapsed_ratio`` times, rounded up to tenths; at least `LEAST_GAPS` gaps
    are needed. Gaps that have not ended yet are not among them.
    """
    lines = keep_until(order_lines, "ordered_at", as_of).filter(_.customer_id.notnull())
    sales = lines.filter(is_sale(lines))
    prices, rest_price, categories = _learn_prices(sales, products)
    return replace(
        learn_gaps(sales),
        month_shares=_learn_months(lines.filter(is_income(lines))),
        prices=prices,
        rest_price=rest_price,
        levels=_learn_levels(sales, categories),
    )


def learn_gaps(sales: ir.Table) -> Habits:
    """Learn from lines with a sale how long all customers wait, and nothing else."""
    gaps = _list_gaps(sales).cache()  # two queries read it
    gap_count, mean_gap_days = _measure_gaps(gaps)
    at_risk_ratio = lapsed_ratio = None
    if gap_count >= LEAST_GAPS:
        at_risk_ratio, lapsed_ratio = _learn_ratios(gaps, mean_gap_days)
    return Habits(
        mean_gap_days=mean_gap_days,
        gap_count=gap_count,
        at_risk_ratio=at_risk_ratio,
        lapsed_ratio=lapsed_ratio,
    )


def _list_gaps(sales: ir.Table) -> ir.Table:
    """List the days between each customer's days with a sale: ``customer_id``, ``gap_``."""
    days = sales.select("customer_id", day=_.ordered_at.date()).distinct()
    day_before = days.day.lag().over(group_by="customer_id", order_by="day")
    gaps = days.mutate(gap_=days.day.delta(day_before, unit="day")).filter(_.gap_.notnull())
    return gaps.select("customer_id", "gap_")


def _sum_gaps(gaps: ir.Table) -> ir.Table:
    """Count and sum each customer's gaps: ``customer_id``, ``count_``, ``days_``."""
    return gaps.group_by("customer_id").aggregate(count_=_.count(), days_=_.gap_.sum())


def _measure_gaps(gaps: ir.Table) -> tuple[int, float | None]:
    """Return the number of gaps, and the mean of the customers' mean gaps; None without any."""
    own = _sum_gaps(gaps)
    sums = own.aggregate(count_=own.count_.sum(), mean_=(own.days_ / own.count_).mean())
    found = sums.to_pandas().fillna(0).iloc[0]
    gap_count = int(found["count_"])
    mean_gap_days = round(float(found["mean_"]), 6) if gap_count else None
    return gap_count, mean_gap_days


def _learn_ratios(gaps: ir.Table, mean_gap_days: float) -> tuple[float, float]:
    """Return what nine in ten, and 99 in 100, of the gaps are over those to be expected."""
    gaps = gaps.join(_sum_gaps(gaps), "customer_id")
    other_days = PRIOR_GAPS * mean_gap_days + gaps.days_ - gaps.gap_
    expected = other_days / (PRIOR_GAPS + gaps.count_ - 1)
    tenths = gaps.group_by(tenth=(gaps.gap_ / expected * 10).round(6).ceil().cast("int64"))
    table = tenths.aggregate(gap_count=_.count()).order_by("tenth").to_pandas()
    share_below = table["gap_count"].cumsum() / table["gap_count"].sum()
    at_risk_row = (share_below >= AT_RISK_SHARE - 1e-12).idxmax()
    lapsed_row = (share_below >= LAPSED_SHARE - 1e-12).idxmax()
    return float(table["tenth"][at_risk_row] / 10), float(table["tenth"][lapsed_row] / 10)


def _learn_months(sales: ir.Table) -> tuple[float, ...]:
    """Return the months' shares of sales, from January on; nothing without sales."""
    months = sales.group_by(month=_.ordered_at.month()).aggregate(sales=sum_money(_.line_amount))
    by_month = months.to_pandas().set_index("month")["sales"].clip(lower=0)
    by_month = by_month.reindex(range(1, 13)).fillna(0)
    return tuple((by_month / by_month.sum()).round(9)) if by_month.sum() > 0 else ()


def _learn_levels(sales: ir.Table, categories: pd.Series) -> dict[str, tuple[str, ...]]:
    """Return all values of category, country and channel, of each where they are few."""
    values = {"category": categories}
    for column in ("country", "channel"):
        if column in sales.columns:
            some = sales.select(column).distinct().limit(MOST_LEVELS + 2)  # one may be null
            values[column] = some.to_pandas()[column]
    levels = {name: tuple(sorted(found.dropna())) for name, found in values.items()}
    return {name: found for name, found in levels.items() if 0 < len(found) <= MOST_LEVELS}


def _learn_prices(
    sales: ir.Table, products: ir.Table | None
) -> tuple[tuple[tuple[str, float], ...], float | None, pd.Series]:
    """Return the largest categories with mean prices, that of the rest, and all categories."""
    sales = sales.filter(_.is_product.fill_null(True))
    sales = sales.mutate(quantity=find_column(sales, "quantity", "float64"))
    sums = sales.group_by("product_id")
    sums = sums.aggregate(sales=sum_money(_.line_amount), units=_.quantity.sum())
    if products is not None and "category" in products.columns:
        sums = sums.left_join(products.select("product_id", "category"), "product_id")
        sums = sums.group_by("category").aggregate(sales=sum_money(_.sales), units=_.units.sum())
        table = sums.to_pandas()
    else:
        table = sums.aggregate(sales=_.sales.sum(), units=_.units.sum()).to_pandas()
        table["category"] = None
    categories = table["category"]
    table = table.query("sales > 0 and units > 0")
    table = table.sort_values(["sales", "category"], ascending=[False, True])
    known = table[table["category"].notna()].head(MOST_CATEGORIES)
    rest = table.drop(known.index)[["sales", "units"]].sum()
    price = round(rest["sales"] / rest["units"], 6) if rest["units"] > 0 else None
    prices = (known["sales"] / known["units"]).round(6)
    return tuple(zip(known["category"], map(float, prices), strict=True)), price, categories
