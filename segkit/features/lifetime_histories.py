"""The history of purchases that the models of lifetime value read: one row a customer.

A purchase is a day with a sale, as in `segkit.features.purchases`; its value is gross sales, before
returns and costs. The engine sums each history up.
"""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from segkit.core.arguments import SettingError, require_date
from segkit.core.errors import SegkitError
from segkit.core.frames import read_frame
from segkit.features.expressions import (
    count_true,
    days_until,
    keep_until,
    round_ratio,
    share_of,
    sum_money,
)
from segkit.features.sales import is_income, is_sale
from segkit.models.kinds import holds_times
from segkit.models.lifetime.peaks import History, check_history

HISTORY_COLUMNS = (
    "customer_id", "repeat_count", "active_days", "tenure_days", "mean_repeat_value",
)  # fmt: skip
LINE_COLUMNS = ("customer_id", "ordered_at", "line_type", "line_amount")
LINES_FIX = "Raw lines become order lines by segkit.prepare_lines."
HISTORY_FIX = "Use summarise_histories."
REGULAR_COLUMNS = ("log_gap_sum", "same_value_count")
# A purchase is worth the same as the one before it if it differs by at most so much of that.
SAME_VALUE = 0.02
# Contracts: of customers with three repeat purchases or more, so many pay the same, at times whose
# geometric mean is nearly the arithmetic one (.97 where one month in twelve is left out).
CONTRACT_REPEATS = 3
CONTRACT_REGULARITY = 0.97
CONTRACT_SAME = 0.8
CONTRACT_SHARE = 0.5
CONTRACT_CUSTOMERS = 30


def list_sale_days(order_lines: ir.Table, *, as_of: datetime.date) -> ir.Table:
    """List each customer's days with a sale: ``day``, ``value`` (gross sales), ``first_day``.

    A day whose only lines are discounts is none. ``order_lines`` may be a DataFrame too, or a table
    of polars or pyarrow.

    Raises
    ------
    SettingError
        If it is no table of order lines, or ``as_of`` no date.
    """
    as_of = require_date("as_of", as_of)
    lines = keep_until(take_lines(order_lines), "ordered_at", as_of)
    lines = lines.filter(lines.customer_id.notnull() & is_income(lines))
    days = lines.group_by("customer_id", day=lines.ordered_at.date())
    days = days.aggregate(value=sum_money(lines.line_amount), has_sale_=is_sale(lines).any())
    days = days.filter(days.has_sale_).drop("has_sale_")
    return days.mutate(first_day=days.day.min().over(group_by="customer_id"))


def take_lines(order_lines: object) -> ir.Table:
    """Return order lines as an engine's table that has what a history is made of.

    Raises
    ------
    SettingError
        If it is no table, a column is missing, a time is text, or an amount is no number.
    """
    if not isinstance(order_lines, ir.Table):
        frame = read_frame(order_lines)
        if frame is None:
            raise SettingError("order lines are a table", found=type(order_lines).__name__)
        order_lines = ibis.memtable(frame)
    missing = [name for name in LINE_COLUMNS if name not in order_lines.columns]
    if missing:
        raise SettingError(f"the order lines lack {', '.join(missing)}", fix=LINES_FIX)
    when = order_lines["ordered_at"].type()
    if not (when.is_timestamp() or when.is_date()):
        raise SettingError(
            "ordered_at of the order lines holds no times", found=str(when), fix=LINES_FIX
        )
    amount = order_lines["line_amount"].type()
    if not amount.is_numeric():
        raise SettingError(
            "line_amount of the order lines holds no numbers", found=str(amount), fix=LINES_FIX
        )
    return order_lines


def summarise_histories(order_lines: ir.Table, *, as_of: datetime.date) -> pd.DataFrame:
    """Summarise the histories that the models read, in the engine.

    Returns
    -------
    pandas.DataFrame
        One row for each customer with a sale until ``as_of``, sorted: ``customer_id``,
        ``repeat_count`` (days with a sale after the first), ``active_days`` (from the first to
        the last), ``tenure_days`` (from the first until ``as_of``), ``mean_repeat_value`` (gross
        sales of a repeat day, a plain mean; missing without one), ``log_gap_sum`` (the sum of the
        natural logarithms of the days between two purchases, which tells regular from random
        ones) and ``same_value_count`` (repeat days worth the same as the day before, within 2 %).
        The first day is left out of the mean, as in Fader and Hardie (2013).
    """
    as_of = require_date("as_of", as_of)
    days = list_sale_days(order_lines, as_of=as_of)
    by_day = ibis.window(group_by="customer_id", order_by="day")
    days = days.mutate(last_day_=days.day.lag().over(by_day), last_=days.value.lag().over(by_day))
    gap = days.day.delta(days.last_day_, unit="day").cast("float64")
    sums = days.group_by("customer_id").aggregate(
        repeat_count=days.count() - 1,
        active_days=days.day.max().delta(days.day.min(), unit="day"),
        tenure_days=days_until(days.day.min(), as_of),
        repeat_value_=sum_money(days.value, where=days.day > days.first_day),
        log_gap_sum=round_ratio(gap.ln().sum().fill_null(0.0)),
        same_value_count=count_true((days.value - days.last_).abs() <= SAME_VALUE * days.last_),
    )
    sums = sums.mutate(mean_repeat_value=share_of(sums.repeat_value_, sums.repeat_count))
    histories = sums.select(*HISTORY_COLUMNS, *REGULAR_COLUMNS).order_by("customer_id").to_pandas()
    counts = ("repeat_count", "active_days", "tenure_days", "same_value_count")
    kinds = {**dict.fromkeys(counts, "int64"), "mean_repeat_value": float, "log_gap_sum": float}
    return histories.astype(kinds)


def read_histories(histories: pd.DataFrame) -> tuple[History, np.ndarray]:
    """Return what the models read, and the mean value of a repeat purchase, NaN where unknown.

    ``histories`` may be a table of polars or pyarrow too. A mean of 0 or less is 0: whoever's
    purchases brought nothing is known to bring little.

    Raises
    ------
    SettingError
        If it is no table, a column is missing or holds no numbers, a customer has no name or stands
        there twice, or a history is not possible.
    """
    frame = take_histories(histories)
    count, active, tenure, mean = (_read_number(frame, name) for name in HISTORY_COLUMNS[1:])
    history = check_history(History(count, active, tenure))
    mean = np.where(np.isfinite(mean) & (count > 0), np.maximum(mean, 0.0), np.nan)
    return history._replace(repeats=count.astype(np.int64)), mean


def take_histories(histories: object) -> pd.DataFrame:
    """Return histories as a DataFrame with all columns that the models read, a row a customer.

    Raises
    ------
    SettingError
        If it is no table, a column is missing, or a customer has no name or stands there twice.
    """
    frame = read_frame(histories)
    if frame is None:
        raise SettingError("histories are a table", found=type(histories).__name__, fix=HISTORY_FIX)
    missing = [name for name in HISTORY_COLUMNS if name not in frame]
    if missing:
        raise SettingError(f"the histories lack {', '.join(missing)}", fix=HISTORY_FIX)
    _check_customers(frame["customer_id"])
    return frame


def _check_customers(customer_ids: pd.Series) -> None:
    """Refuse customers of no name, and those who stand twice: each would count for two."""
    missing = int(customer_ids.isna().sum())
    if missing:
        raise SettingError(
            "histories of customers without a customer_id",
            found=f"{missing} of {len(customer_ids)}",
            fix="Leave them out, or name them.",
        )
    doubled = int(customer_ids.duplicated().sum())
    if doubled:
        raise SettingError(
            "customers stand more than once in the histories",
            found=f"{doubled} rows too many of {len(customer_ids)}",
            fix="A history is one row a customer: add up the purchases of each first.",
        )


def _read_number(frame: pd.DataFrame, name: str) -> np.ndarray:
    try:
        if holds_times(frame[name]):
            raise TypeError("times are not numbers")
        return frame[name].to_numpy(float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise SettingError(
            f"column '{name}' of the histories does not hold numbers",
            found=str(error),
            fix="Count days, as numbers.",
        ) from None


def check_groups(groups: object, histories: pd.DataFrame) -> None:
    """Refuse groups that do not fit to histories, so that nobody would be in one.

    Raises
    ------
    SettingError
        If they are no Series, an index value stands twice, or none is in common.
    """
    if not isinstance(groups, pd.Series):
        raise SettingError(
            "groups are a Series with the index of histories", found=type(groups).__name__
        )
    if not groups.index.is_unique or not histories.index.is_unique:
        raise SettingError("an index value stands twice, so that groups cannot be told apart")
    if len(histories) and not groups.index.isin(histories.index).any():
        raise SettingError(
            "groups and histories have no index value in common",
            found=f"{groups.index[:1].tolist()} and {histories.index[:1].tolist()}",
            fix="Give the groups the index of histories, as in "
            "histories['customer_id'].map(segments).",
        )


def refuse_contracts(histories: pd.DataFrame) -> None:
    """Raise where most customers pay equal amounts at equal times, as for a contract.

    Whoever has a contract buys until it ends, and its end is seen: models of people who come and
    go unseen say nothing of them (Fader and Hardie 2009, "Probability models for customer-base
    analysis"). Nothing is said of histories without `REGULAR_COLUMNS`, nor where fewer than thirty
    customers bought four times: contracts by the year take four years to be seen.
    """
    if not set(REGULAR_COLUMNS) <= set(histories):
        return
    often = histories[histories["repeat_count"] >= CONTRACT_REPEATS]
    if len(often) < CONTRACT_CUSTOMERS:
        return
    usual = np.exp(often["log_gap_sum"] / often["repeat_count"])
    is_regular = usual >= CONTRACT_REGULARITY * often["active_days"] / often["repeat_count"]
    is_same = often["same_value_count"] >= CONTRACT_SAME * often["repeat_count"]
    share = (is_regular & is_same).mean()
    if share >= CONTRACT_SHARE:
        raise SegkitError(
            "these are contracts or subscriptions, of which models of purchases say nothing",
            found=f"{share:.0%} of {len(often)} customers with four purchases or more pay the "
            "same amount at the same distance",
            fix="Look at how many contracts are renewed instead; give the order lines of sales "
            "beyond the contracts alone, if there are any.",
        )
