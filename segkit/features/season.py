"""When in the year, the week and the day customers buy (bases B12 and B13)."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from segkit.core.absence import empty_table
from segkit.core.measures import CEILING, FLOOR, LARGEST, OF_A_MEAN, SECOND
from segkit.core.periods import name_months
from segkit.core.statistics import measure_agreement
from segkit.features.expressions import share_of, sum_money
from segkit.features.habits import Habits

PRIOR_ORDERS = 4
# The hour at which each part of the day ends.
DAY_PARTS = {"night": 6, "morning": 12, "afternoon": 18, "evening": 24}
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
SEASON_COLUMNS = ("month", "index", "index_percent", "customer_count")


def sum_seasons(orders: ir.Table) -> dict[str, ir.Value]:
    """Return sums of the sales of `list_orders` by time of the year, the week and the day.

    A time of exactly midnight is a day without an hour, and belongs to no part of the day.
    """
    amount = orders.amount_
    day = orders.day_
    month = day.month()
    day_of_year = month * 100 + day.day()
    hour = orders.at_.hour()
    has_hour = orders.is_sale_ & (orders.at_ != day.cast(orders.at_.type()))
    sums = {
        f"month_{m}_": sum_money(amount, where=orders.is_sale_ & (month == m)) for m in range(1, 13)
    }
    sums["weekend_"] = sum_money(amount, where=orders.is_sale_ & (day.day_of_week.index() >= 5))
    begin = 0
    for part, end in DAY_PARTS.items():
        sums[f"{part}_"] = sum_money(amount, where=has_hour & (hour >= begin) & (hour < end))
        begin = end
    other = orders.is_sale_ & ~day_of_year.between(1115, 1231)
    return sums | {"other_time_": other.cast("int64").sum()}


def describe_season(table: ir.Table, habits: Habits) -> dict[str, ir.Value]:
    """Return the features of season, week and day, from one row of `sum_seasons` a customer.

    A share of a season is that of the customer's own n orders and of `PRIOR_ORDERS` orders like all
    customers': (n share + 4 share of all) / (n + 4), as with a Dirichlet prior of that weight.
    ``season_concentration`` is half the sum of absolute differences between these shares and all
    customers', by month: 0 if alike. Of months with the same sales the earlier is the peak.
    """
    sales = table.gross_
    sums = [table[f"month_{m}_"] for m in range(1, 13)]
    top = ibis.greatest(*sums)
    no_peak = ibis.null("string")
    peak = ibis.cases(*zip([one == top for one in sums], MONTHS, strict=True), else_=no_peak)
    years_differ = table.last_order_on.year() > table.first_order_on.year()
    features = {
        "fourth_quarter_share": share_of(sums[9] + sums[10] + sums[11], sales),
        "weekend_share": share_of(table.weekend_, sales),
        "peak_month": ibis.ifelse(top > 0, peak, no_peak),
        "buys_only_at_christmas": (table.other_time_ == 0) & years_differ.fill_null(False),
    }
    timed = sum(table[f"{part}_"] for part in DAY_PARTS)
    features |= {f"{part}_share": share_of(table[f"{part}_"], timed) for part in DAY_PARTS}
    base = [ibis.literal(b, "float64") for b in habits.month_shares or [None] * 12]
    n = table.order_count
    shares = [
        (n * share_of(one, sales) + PRIOR_ORDERS * b) / (n + PRIOR_ORDERS)
        for one, b in zip(sums, base, strict=True)
    ]
    for quarter in range(4):
        features[f"quarter_{quarter + 1}_share"] = sum(shares[3 * quarter : 3 * quarter + 3])
    apart = sum((s - b).abs() for s, b in zip(shares, base, strict=True))
    return features | {"season_concentration": apart / 2}


def keep_whole_months(months: pd.DataFrame) -> pd.DataFrame:
    """Return the months that are over, so that each can be compared with the others."""
    return months[months["is_whole"].astype(bool)]


def name_time(months: pd.DataFrame) -> str:
    """Name the months from the first to the last, as a period; nothing where there are none."""
    return name_months(months["month"])


def name_whole_years(months: pd.DataFrame) -> str:
    """Name the months that `measure_season` reads, as a period; nothing without a whole year."""
    return name_months(_keep_whole_years(months)["month"])


def _keep_whole_years(months: pd.DataFrame) -> pd.DataFrame:
    """Return the last whole years of whole months."""
    whole = keep_whole_months(months)
    return whole.tail(12 * (len(whole) // 12))


def measure_season(months: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure how far sales follow the calendar, over the last whole years of whole months.

    A year without sales is left out. A straight line is taken out first, so that growth is no
    season. Friedman's test ranks the months of each year. One year alone cannot tell a season from
    an event, and a single month that stands out takes more than four years to tell.

    Parameters
    ----------
    months : pandas.DataFrame
        See `segkit.features.purchases.summarise_months`.

    Returns
    -------
    by_month : pandas.DataFrame
        ``month`` (name), ``index`` (sales over those of the year's mean month; 1 is average),
        ``index_percent`` (the same; 100 is average), ``customer_count`` (active customers of this
        month in the year with the fewest), and the largest contributions for the gate where the
        months have them.
    test : pandas.DataFrame
        One row: ``year_count``; from two years on ``statistic``, ``p_value`` and ``agreement`` of
        the years (Kendall's W: 0 none, 1 the same order of months every year).

    See `measure_agreement` for the test.
    """
    last = _keep_whole_years(months)
    year_count = len(last) // 12
    sales = last["total_spend"].to_numpy(float).reshape(year_count, 12)
    active = last["active_customers"].to_numpy(int).reshape(year_count, 12)
    kept = np.flatnonzero(sales.sum(axis=1) > 0)
    test = pd.DataFrame({"year_count": [len(kept)]})
    if not len(kept):
        return empty_table(SEASON_COLUMNS, "There is no whole year of sales."), test
    sales = sales[kept] / sales[kept].mean()
    index = (sales / sales.mean(axis=1, keepdims=True)).mean(axis=0).round(9)
    by_month = pd.DataFrame(
        {
            "month": [MONTHS[month - 1] for month in last["month"].dt.month.tail(12)],
            "index": index,
            "index_percent": 100 * index,
            "customer_count": active[kept].min(axis=0),
        }
    )
    if f"total_spend{LARGEST}" in last:
        by_month = by_month.assign(**_find_most_dominated(last, kept, index))
    if len(kept) > 1:
        time = (12 * kept[:, None] + np.arange(12)).ravel()
        line = np.polyval(np.polyfit(time, sales.ravel(), 1), time)
        rest = (sales.ravel() - line).reshape(sales.shape).round(9)  # what is alike must tie
        statistic, p_value, agreement = measure_agreement(rest)
        test = test.assign(statistic=statistic, p_value=p_value, agreement=agreement)
    return by_month, test


def _bound_index(
    total: np.ndarray, largest: np.ndarray, second: np.ndarray, index: np.ndarray
) -> dict[str, np.ndarray]:
    """Return each month's index without two customers, in the year where they change it most."""
    two = largest + second
    kept = np.divide(total - two, total, out=np.full(total.shape, np.nan), where=total > 0)
    ends = {FLOOR: kept.min(axis=0), CEILING: kept.max(axis=0)}
    shares = {FLOOR: np.fmin(ends[FLOOR], 1.0), CEILING: np.fmax(ends[CEILING], 1.0)}
    return {f"index_percent{end}": 100 * index * share for end, share in shares.items()}


def _find_most_dominated(
    months: pd.DataFrame, years: np.ndarray, index: np.ndarray
) -> dict[str, np.ndarray]:
    """Return, for the gate, the sales of each month of the year where one customer has most.

    An index is made of the sales of several years; it is hidden if those of one year would be.
    """
    columns = ["total_spend", f"total_spend{LARGEST}", f"total_spend{SECOND}"]
    parts = np.nan_to_num(months[columns].to_numpy(float)).reshape(-1, 12, 3)[years]
    total, largest, second = np.moveaxis(parts, 2, 0)
    rest = np.abs(total - largest - second)
    open_by = np.divide(rest, np.abs(largest), out=np.full(rest.shape, np.inf), where=largest != 0)
    worst = open_by.argmin(axis=0)
    places = (worst, np.arange(12))
    return {
        **_bound_index(total, largest, second, index),
        f"index{OF_A_MEAN}": total[places],
        f"index{LARGEST}": largest[places],
        f"index{SECOND}": second[places],
    }
