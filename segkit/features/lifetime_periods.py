"""Histories of purchases by day, week or month, and what came after a day within them.

A purchase is a period with a sale, however many there were in it. Weeks begin on Monday. The models
of purchases take times in any unit: what they give then is in the same one.
"""

from __future__ import annotations

import datetime
from typing import Literal

import ibis
import pandas as pd
from ibis import ir

from segkit.core.arguments import SettingError, require_choice, require_date
from segkit.features.expressions import round_ratio, share_of, sum_money
from segkit.features.lifetime_histories import list_sale_days

TimeUnit = Literal["day", "week", "month"]
TIME_UNITS = ("day", "week", "month")
# A Monday before all sales, from which days and weeks are numbered.
FIRST_MONDAY = datetime.date(1, 1, 1)


def summarise_periods(
    order_lines: ir.Table, *, as_of: datetime.date, time_unit: TimeUnit = "week"
) -> pd.DataFrame:
    """Summarise each customer's history of purchases in days, weeks or months.

    Parameters
    ----------
    order_lines : ibis Table
        The accepted order lines.
    as_of : datetime.date
        The last day counted. The period in which it lies counts as one, whole or not.
    time_unit : {"day", "week", "month"}

    Returns
    -------
    pandas.DataFrame
        One row for each customer with a sale until ``as_of``, sorted: ``customer_id``,
        ``repeat_count`` (periods with a sale after the first), ``active_weeks`` (from the first to
        the last), ``tenure_weeks`` (from the first until that of ``as_of``), ``mean_repeat_value``
        (gross sales of a repeat period; missing without one) and ``log_gap_sum`` (the sum of the
        natural logarithms of the times between two). Times are named by their unit: in days or
        months they are ``active_days`` and ``tenure_months``, and so on.

    Raises
    ------
    SettingError
        If the unit or the date is none.

    References
    ----------
    Weeks are the unit of Fader, Hardie and Lee (2005).

    Examples
    --------
    >>> lines = ibis.memtable(
    ...     pd.DataFrame(
    ...         {
    ...             "customer_id": ["ann", "ann", "ann"],
    ...             "order_id": ["1", "2", "3"],
    ...             "ordered_at": pd.to_datetime(["2026-01-05", "2026-01-11", "2026-01-26"]),
    ...             "line_type": "sale",
    ...             "line_amount": [10.0, 5.0, 20.0],
    ...         }
    ...     )
    ... )
    >>> weeks = summarise_periods(lines, as_of=datetime.date(2026, 2, 8), time_unit="week")
    >>> weeks[["repeat_count", "active_weeks", "tenure_weeks"]].to_numpy().tolist()
    [[1, 3, 4]]
    >>> float(weeks.loc[0, "mean_repeat_value"])
    20.0
    """
    as_of = require_date("as_of", as_of)
    require_choice("time_unit", time_unit, TIME_UNITS)
    periods = _list_periods(order_lines, as_of=as_of, time_unit=time_unit)
    by_period = ibis.window(group_by="customer_id", order_by="period")
    periods = periods.mutate(
        last_=periods.period.lag().over(by_period),
        first_=periods.period.min().over(group_by="customer_id"),
    )
    gap = (periods.period - periods.last_).cast("float64")
    active = f"active_{time_unit}s"
    tenure = f"tenure_{time_unit}s"
    sums = periods.group_by("customer_id").aggregate(
        repeat_count=periods.count() - 1,
        **{
            active: periods.period.max() - periods.period.min(),
            tenure: number_period(as_of, time_unit) - periods.period.min(),
        },
        repeat_value_=sum_money(periods.value, where=periods.period > periods.first_),
        log_gap_sum=round_ratio(gap.ln().sum().fill_null(0.0)),
    )
    sums = sums.mutate(mean_repeat_value=share_of(sums.repeat_value_, sums.repeat_count))
    names = ["customer_id", "repeat_count", active, tenure, "mean_repeat_value", "log_gap_sum"]
    histories: pd.DataFrame = sums.select(*names).order_by("customer_id").to_pandas()
    kinds = dict.fromkeys(names[1:4], "int64") | dict.fromkeys(names[4:], "float64")
    return histories.astype(kinds)


def tabulate_holdout(
    order_lines: ir.Table,
    *,
    as_of: datetime.date,
    split_on: datetime.date,
    time_unit: TimeUnit = "day",
) -> pd.DataFrame:
    """Tabulate what was known of each customer until a day, and what came after it.

    The table of calibration and holdout: fit a model to the first columns, and compare what it
    expects with the last.

    Parameters
    ----------
    order_lines : ibis Table
        The accepted order lines.
    as_of : datetime.date
        The last day counted.
    split_on : datetime.date
        The last day that is known; the last day of a week or of a month where these are the unit.
    time_unit : {"day", "week", "month"}

    Returns
    -------
    pandas.DataFrame
        The columns of `summarise_periods` as of ``split_on``, of the customers known by then, and
        ``later_count`` (periods with a sale after it), ``later_value`` (their gross sales),
        ``mean_later_value`` (missing without one) and ``later_days``, or ``later_weeks`` or
        ``later_months``: how many periods were held out.

    Raises
    ------
    SettingError
        If ``split_on`` is not before ``as_of``, or no period ends on it.
    """
    as_of = require_date("as_of", as_of)
    split_on = require_date("split_on", split_on)
    if split_on >= as_of:
        raise SettingError("split_on is not before as_of", found=f"{split_on} and {as_of}")
    histories = summarise_periods(order_lines, as_of=split_on, time_unit=time_unit)
    known_until = number_period(split_on, time_unit)
    if number_period(split_on + datetime.timedelta(days=1), time_unit) == known_until:
        raise SettingError(
            f"split_on is not the last day of a {time_unit}",
            found=f"{split_on:%A} {split_on}",
            fix=f"Take {_find_end_before(split_on, time_unit)}.",
        )
    periods = _list_periods(order_lines, as_of=as_of, time_unit=time_unit)
    later = periods.filter(periods.period > known_until).group_by("customer_id")
    later = later.aggregate(later_count=ibis._.count(), later_value=sum_money(ibis._.value))
    later = later.to_pandas().set_index("customer_id").reindex(histories["customer_id"])
    counts = later["later_count"].fillna(0).to_numpy("int64")
    values = later["later_value"].astype(float).fillna(0.0).to_numpy()
    table = histories.assign(later_count=counts, later_value=values)
    table["mean_later_value"] = table["later_value"] / table["later_count"].where(counts > 0)
    table[f"later_{time_unit}s"] = number_period(as_of, time_unit) - known_until
    return table


def number_period(day: datetime.date, time_unit: TimeUnit) -> int:
    """Return the number of the day, week or month in which a day lies; the next has one more."""
    if time_unit == "month":
        return 12 * day.year + day.month - 1
    days = (day - FIRST_MONDAY).days
    return days // 7 if time_unit == "week" else days


def _find_end_before(day: datetime.date, time_unit: TimeUnit) -> datetime.date:
    number = number_period(day, time_unit)
    while number_period(day, time_unit) == number:
        day -= datetime.timedelta(days=1)
    return day


def _list_periods(order_lines: ir.Table, *, as_of: datetime.date, time_unit: TimeUnit) -> ir.Table:
    """List each customer's periods with a sale: ``period``, its number, and ``value``."""
    days = list_sale_days(order_lines, as_of=as_of)
    if time_unit == "month":
        number = 12 * days.day.year() + days.day.month() - 1
    else:
        number = days.day.delta(ibis.date(FIRST_MONDAY), unit="day")
        number = number // 7 if time_unit == "week" else number
    days = days.mutate(period=number.cast("int64"))
    return days.group_by("customer_id", "period").aggregate(value=sum_money(days.value))
