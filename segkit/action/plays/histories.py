"""What was known of each customer at the end of a day, as plays need it, and what came later.

The engine works it out; one row a customer comes back. The same is asked of today and of an
earlier day, so that what a play's list is followed by can be looked at.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import ibis
import pandas as pd
from ibis import _, ir

from segkit.core.absence import is_missing
from segkit.core.periods import YEAR_DAYS
from segkit.features.expressions import (
    days_until,
    fetch,
    keep_until,
    round_ratio,
    sum_money,
    take_first,
)
from segkit.features.sales import is_sale

FEWEST_TIMES = 3  # purchases of a product before it has a rhythm
DUE_FROM, DUE_UNTIL = 0.8, 2.0  # of the product's own mean gap, in which it is due again
MOST_CATEGORIES = 20
HAS = "bought: "  # before the name of a category in the name of its column
LINE_COLUMNS = ("customer_id", "ordered_at", "line_type", "line_amount")


def has_lines(tables: Mapping[str, ir.Table]) -> bool:
    """Return whether there are order lines that tell who bought when."""
    return not is_missing(tables.get("order_lines"), *LINE_COLUMNS)


def fetch_histories(
    tables: Mapping[str, ir.Table],
    on: datetime.date,
    *,
    horizon_days: int,
    as_of: datetime.date,
    categories: Sequence[str] = (),
    attended: Sequence[str] = (),
) -> pd.DataFrame:
    """Fetch what was known of each buyer at the end of the day ``on``.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
    on : date
    horizon_days : int
        What came within so many days after ``on`` is summed up, as it was known on ``as_of``.
    as_of : date
    categories : sequence of str
        Of `list_categories`; whether each was bought by then.
    attended : sequence of str
        Kinds of events that are attendance, in small letters.

    Returns
    -------
    pandas.DataFrame
        One row a customer with a sale by then, sorted: ``customer_id``, ``day_count`` (days with a
        sale), ``active_days`` (from the first to the last), ``recency_days``, ``log_gap_sum``,
        ``year_spend`` (net, of the 365 days), ``later_value`` (net, within the horizon),
        ``due_product``, ``due_times``, ``due_gap``, ``due_since`` (of the product that is due
        again), ``attended_count``, ``attended_days`` (since the last), and a column of true and
        false a category, see `read_flags`.
    """
    lines = keep_until(tables["order_lines"], "ordered_at", on).filter(_.customer_id.notnull())
    sales = lines.filter(is_sale(lines))
    parts = [_sum_spend(lines, on), _find_due(sales, on)]
    parts.append(_sum_later(tables["order_lines"], on, horizon_days, as_of))
    if categories:
        parts.append(_flag_categories(sales, tables, categories))
    if not is_missing(tables.get("events"), "customer_id", "occurred_at", "event_type"):
        parts.append(_count_attended(tables["events"], on, attended))
    table = _sum_days(sales, on)
    for part in parts:
        table = table.left_join(part, "customer_id").drop("customer_id_right")
    found = fetch(table).sort_values("customer_id", ignore_index=True)
    found["customer_id"] = found["customer_id"].astype(str)
    for name in ("year_spend", "later_value", "attended_count"):
        found[name] = found[name].astype(float).fillna(0.0) if name in found else 0.0
    for name in categories:
        found[f"{HAS}{name}"] = found[f"{HAS}{name}"].fillna(False).astype(bool)
    return found


def read_flags(histories: pd.DataFrame) -> pd.DataFrame:
    """Return who bought in which category, a column of true and false each, by its name."""
    columns = [name for name in histories.columns if name.startswith(HAS)]
    return histories[columns].rename(columns=lambda name: name.removeprefix(HAS))


def list_categories(tables: Mapping[str, ir.Table], *, as_of: datetime.date) -> list[str]:
    """List the categories with most buyers, at most twenty; none where products have none."""
    products = tables.get("products")
    if is_missing(products, "product_id", "category") or not has_lines(tables):
        return []
    lines = keep_until(tables["order_lines"], "ordered_at", as_of)
    lines = lines.filter(lines.customer_id.notnull() & is_sale(lines))
    bought = lines.select("customer_id", "product_id").distinct()
    bought = bought.inner_join(products.select("product_id", "category"), "product_id")
    counts = bought.group_by("category").agg(buyers=_.customer_id.nunique()).to_pandas()
    counts = counts.dropna().sort_values(["buyers", "category"], ascending=[False, True])
    return [str(name) for name in counts["category"].head(MOST_CATEGORIES)]


def list_sale_days(sales: ir.Table) -> ir.Table:
    """List each customer's days with a sale, with the day before and the first of them."""
    days = sales.select("customer_id", day=sales.ordered_at.date()).distinct()
    by_day = ibis.window(group_by="customer_id", order_by="day")
    return days.mutate(
        before=days.day.lag().over(by_day),
        first=days.day.min().over(group_by="customer_id"),
        place=ibis.row_number().over(by_day),
    )


def fetch_days(tables: Mapping[str, ir.Table], on: datetime.date) -> pd.DataFrame:
    """Fetch what a rhythm is learned from alone, as `fetch_histories` has it."""
    lines = keep_until(tables["order_lines"], "ordered_at", on)
    sales = lines.filter(lines.customer_id.notnull() & is_sale(lines))
    found = fetch(_sum_days(sales, on))
    return found.sort_values("customer_id", ignore_index=True)


def _sum_days(sales: ir.Table, on: datetime.date) -> ir.Table:
    days = list_sale_days(sales)
    gap = days.day.delta(days.before, unit="day").cast("float64")
    return days.group_by("customer_id").agg(
        day_count=days.count(),
        active_days=days.day.max().delta(days.day.min(), unit="day"),
        recency_days=days_until(days.day.max(), on),
        log_gap_sum=round_ratio(gap.ln().sum().fill_null(0.0)),
    )


def _sum_spend(lines: ir.Table, on: datetime.date) -> ir.Table:
    first = on - datetime.timedelta(days=YEAR_DAYS)
    recent = lines.filter(lines.ordered_at.date() > ibis.literal(first))
    return recent.group_by("customer_id").agg(year_spend=sum_money(_.line_amount))


def _sum_later(
    lines: ir.Table, on: datetime.date, horizon_days: int, as_of: datetime.date
) -> ir.Table:
    """Sum up what came within the horizon, net of what had been taken back by ``as_of``."""
    last = on + datetime.timedelta(days=horizon_days)
    lines = keep_until(lines, "ordered_at", as_of).filter(_.customer_id.notnull())
    day = lines.ordered_at.date()
    later = lines.filter((day > ibis.literal(on)) & (day <= ibis.literal(last)))
    return later.group_by("customer_id").agg(later_value=sum_money(_.line_amount))


def _find_due(sales: ir.Table, on: datetime.date) -> ir.Table:
    """Find the product that each customer buys again and again and that is due by its rhythm."""
    if "is_product" in sales.columns:
        sales = sales.filter(sales.is_product.fill_null(True))
    days = sales.select("customer_id", "product_id", day=sales.ordered_at.date()).distinct()
    own = days.group_by("customer_id", "product_id").agg(
        due_times=_.count(), first_=_.day.min(), last_=_.day.max()
    )
    own = own.filter(own.due_times >= FEWEST_TIMES)
    gap = own.last_.delta(own.first_, unit="day").cast("float64") / (own.due_times - 1)
    own = own.mutate(due_gap=round_ratio(gap), due_since=days_until(own.last_, on))
    ratio = own.due_since / own.due_gap
    own = own.filter((ratio >= DUE_FROM) & (ratio <= DUE_UNTIL))
    first = take_first(own, [ibis.desc("due_times"), "due_gap", "product_id"])
    first = first.rename(due_product="product_id")
    return first.select("customer_id", "due_product", "due_times", "due_gap", "due_since")


def _flag_categories(
    sales: ir.Table, tables: Mapping[str, ir.Table], categories: Sequence[str]
) -> ir.Table:
    products = tables["products"].select("product_id", "category")
    bought = sales.select("customer_id", "product_id").distinct()
    bought = bought.inner_join(products, "product_id")
    flags = {f"{HAS}{name}": (bought.category == name).any() for name in categories}
    return bought.group_by("customer_id").agg(**flags)


def _count_attended(events: ir.Table, on: datetime.date, attended: Sequence[str]) -> ir.Table:
    events = keep_until(events, "occurred_at", on)
    is_attended = (
        events.event_type.lower().isin(list(attended) or [""]) & events.customer_id.notnull()
    )
    events = events.filter(is_attended.fill_null(False))
    return events.group_by("customer_id").agg(
        attended_count=_.count(), attended_days=days_until(events.occurred_at.max(), on)
    )
