"""Orders in time: days with an order, the gaps between them, and who is overdue (B4, B12, B14).

What is usual among all customers is learned from the lines by a few small aggregates, and is handed
to the features of each customer as `Habits`.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

import ibis
import pandas as pd
from ibis import _, ir

from segkit.core.absence import NO_PURCHASES, empty_table
from segkit.features.expressions import find_column, keep_until, share_of, sum_money
from segkit.features.favourites import MOST_LEVELS

NEW_DAYS = 90
ACTIVE_DAYS = 180
LAPSED_DAYS = 365
LOYAL_ORDERS = 5
PRIOR_GAPS = 2
LEAST_GAPS = 200
AT_RISK_SHARE, LAPSED_SHARE = 0.90, 0.99
MOST_CATEGORIES = 20


@dataclass(frozen=True)
class Habits:
    """What all customers do; the features of one customer are set against it.

    ``mean_gap_days`` is the mean of the customers' mean gaps, None where nobody bought on two days.
    ``at_risk_ratio`` and ``lapsed_ratio`` are None where there are too few gaps. ``month_shares``
    are those of sales from January on. ``prices`` has the largest categories, by sales and then by
    alphabet, each with its mean price of a unit; ``rest_price`` is that of all other products.
    ``levels`` has all values of country, channel and category, of each where they are few: they
    hold for the lines that they were learned from.
    """

    mean_gap_days: float | None = None
    gap_count: int = 0
    at_risk_ratio: float | None = None
    lapsed_ratio: float | None = None
    month_shares: tuple[float, ...] = ()
    prices: tuple[tuple[str, float], ...] = ()
    rest_price: float | None = None
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)


def list_orders(lines: ir.Table) -> ir.Table:
    """List orders with a sale, and beside them each customer's other days.

    The sales of an order are one row, on the day of its first sale; all other lines of a customer
    and day are one row.

    Returns
    -------
    ibis.Table
        ``customer_id``, ``order_`` (null where there is no sale), ``at_``, ``day_``, ``amount_``,
        ``is_sale_``.
    """
    sale = lines.line_type == "sale"
    measures = {"at_": lines.ordered_at.min(), "amount_": sum_money(lines.line_amount)}
    keys = {
        "order_": ibis.ifelse(sale, lines.order_id, ibis.null(lines.order_id.type())),
        "other_day_": ibis.ifelse(sale, ibis.null("date"), lines.ordered_at.date()),
    }
    orders = lines.group_by("customer_id", **keys).aggregate(**measures).drop("other_day_")
    return orders.mutate(day_=_.at_.date(), is_sale_=_.order_.notnull())


def add_gaps(orders: ir.Table) -> ir.Table:
    """Add ``gap_``, days since the order before: null for the first, 0 on the same day.

    Orders of a day are in no order, since only the sums of gaps are used.
    """
    orders = orders.drop("order_")
    before = orders.day_.lag().over(group_by=["customer_id", "is_sale_"], order_by="day_")
    return orders.mutate(gap_=orders.day_.delta(before, unit="day"))


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
    sales = lines.filter(_.line_type == "sale")
    days = sales.select("customer_id", day=_.ordered_at.date()).distinct()
    before = days.day.lag().over(group_by="customer_id", order_by="day")
    gaps = days.mutate(gap_=days.day.delta(before, unit="day")).filter(_.gap_.notnull())
    gaps = gaps.select("customer_id", "gap_").cache()  # two queries read it
    own = gaps.group_by("customer_id").aggregate(count_=_.count(), days_=_.gap_.sum())
    found = own.aggregate(count_=own.count_.sum(), mean_=(own.days_ / own.count_).mean())
    count, mean = found.to_pandas().fillna(0).iloc[0]
    count, mean, at_risk, lapsed = int(count), round(float(mean), 6) or None, None, None
    if count >= LEAST_GAPS:
        gaps = gaps.join(own, "customer_id")
        others = (PRIOR_GAPS * mean + gaps.days_ - gaps.gap_) / (PRIOR_GAPS + gaps.count_ - 1)
        tenths = gaps.group_by(tenth=(gaps.gap_ / others * 10).round(6).ceil().cast("int64"))
        table = tenths.aggregate(gap_count=_.count()).order_by("tenth").to_pandas()
        running = table["gap_count"].cumsum() / table["gap_count"].sum()
        at_risk, lapsed = (
            float(table["tenth"][(running >= share - 1e-12).idxmax()] / 10)
            for share in (AT_RISK_SHARE, LAPSED_SHARE)
        )
    months = sales.group_by(month=_.ordered_at.month()).aggregate(sales=sum_money(_.line_amount))
    months = months.to_pandas().set_index("month")["sales"].clip(lower=0)
    months = months.reindex(range(1, 13)).fillna(0)
    shares = tuple((months / months.sum()).round(9)) if months.sum() > 0 else ()
    prices, rest, categories = _learn_prices(sales, products)
    levels = {"category": categories}
    for column in ("country", "channel"):
        if column in sales.columns:
            some = sales.select(column).distinct().limit(MOST_LEVELS + 2)  # one may be null
            levels[column] = some.to_pandas()[column]
    levels = {name: tuple(sorted(values.dropna())) for name, values in levels.items()}
    levels = {name: values for name, values in levels.items() if 0 < len(values) <= MOST_LEVELS}
    return Habits(mean, count, at_risk, lapsed, shares, prices, rest, levels)


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


def describe_rhythm(table: ir.Table, habits: Habits) -> ir.Table:
    """Add rhythm and journey stage to one row a customer.

    The expected gap is the mean of a customer's gaps and of `PRIOR_GAPS` gaps of all customers'
    mean length: (2 m + sum of gaps) / (2 + number of gaps), the mean of the posterior if gaps are
    exponential and their means differ by an inverse gamma distribution. Its variation is the
    standard deviation of the gaps over their mean.

    References
    ----------
    Gelman et al. (2013), *Bayesian Data Analysis*, section 2.6, exponential model.
    """
    gaps = ibis.greatest(table.order_days_ - 1, 0)
    mean = share_of(table.active_days, gaps)
    spread = table.gap_squares_ - gaps * mean * mean
    sd = ibis.greatest(share_of(spread, gaps - 1), 0.0).sqrt()
    usual = ibis.literal(habits.mean_gap_days, "float64")
    expected = (PRIOR_GAPS * usual + table.active_days) / (gaps + PRIOR_GAPS)
    table = table.mutate(
        mean_days_between_orders=mean,
        gap_variation=share_of(ibis.ifelse(gaps > 1, sd, ibis.null("float64")), mean),
        expected_gap_days=expected,
        overdue_ratio=share_of(table.recency_days, expected),
    )
    lapsed, at_risk = table.recency_days > LAPSED_DAYS, table.recency_days > ACTIVE_DAYS
    if habits.lapsed_ratio:
        lapsed = table.overdue_ratio > habits.lapsed_ratio
        at_risk = table.overdue_ratio > habits.at_risk_ratio
    stage = ibis.cases(
        (table.recency_days.isnull(), "never bought"),
        (lapsed, "lapsed"),
        (at_risk, "at risk"),
        (table.tenure_days <= NEW_DAYS, "new"),
        (table.order_count == 1, "one order"),
        (table.order_count >= LOYAL_ORDERS, "loyal"),
        else_="active",
    )
    return table.mutate(journey_stage=stage)


def list_cuts(customers: pd.DataFrame) -> pd.DataFrame:
    """List the cut points of the journey stages that a customer table was built with.

    Returns
    -------
    pandas.DataFrame
        ``stage``, ``rule`` (in words), ``cut``, ``unit`` (days, orders, or times the expected gap),
        ``is_learned``, ``limit`` (cut and unit in words), ``gap_count`` (the gaps learned from);
        the first rule that holds names the stage. No rows where nobody buys.
    """
    columns = ["stage", "rule", "cut", "unit", "is_learned"]
    if "journey_stage" not in customers.columns:
        return empty_table([*columns, "limit", "gap_count"], NO_PURCHASES)
    habits = Habits(**customers.attrs["habits"])
    learned, unit = habits.lapsed_ratio is not None, "times the expected gap"
    lapsed, at_risk = habits.lapsed_ratio, habits.at_risk_ratio
    if not learned:
        lapsed, at_risk, unit = LAPSED_DAYS, ACTIVE_DAYS, "days"
    rows = [
        ("lapsed", "no order for more than", lapsed, unit, learned),
        ("at risk", "no order for more than", at_risk, unit, learned),
        ("new", "first order ago, at most", NEW_DAYS, "days", False),
        ("one order", "orders, exactly", 1, "order", False),
        ("loyal", "orders, at least", LOYAL_ORDERS, "orders", False),
    ]
    table = pd.DataFrame(rows, columns=columns)
    limits = table["cut"].map("{:g} ".format) + table["unit"]
    return table.assign(limit=limits, gap_count=habits.gap_count)
