"""Small Ibis expressions that all features share: time, counting, and choosing with stated ties."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence

import ibis
import pandas as pd
from ibis import ir

from segkit.core.measures import LARGEST, SECOND
from segkit.features.sales import leave_out_taken_back
from segkit.plan.campaigns import CONTROL

MONEY_DIGITS = 4


def keep_until(table: ir.Table, column: str, as_of: datetime.date) -> ir.Table:
    """Return the rows whose ``column`` lies on or before the day ``as_of``.

    Rows without a time are left out as well: nobody can say that they are not later. So are lines
    of orders that had been taken back by then, see `leave_out_taken_back`.
    """
    table = leave_out_taken_back(table, as_of)
    next_day = ibis.date(as_of + datetime.timedelta(days=1))
    return table.filter(table[column] < next_day.cast(table[column].type()))


def fetch(table: ir.Table) -> pd.DataFrame:
    """Return a table of the engine as a DataFrame, by way of Arrow.

    ``Table.to_pandas`` makes a Python object of each value in a column with nulls.
    """
    return table.to_pyarrow().to_pandas(date_as_object=False)


def keep_known(table: ir.Table, column: str, as_of: datetime.date) -> ir.Table:
    """Return the rows that are not known to be later than ``as_of``; there need be no column."""
    if column not in table.columns:
        return table
    return table.filter((days_until(table[column], as_of) >= 0).fill_null(True))


def cut(value: ir.NumericValue, bands: Mapping[float, str]) -> ir.StringValue:
    """Name the first of ``bands``, by their last values in order, that takes in ``value``.

    The last value may be infinite; a missing value has no band.
    """
    ends = [
        (value <= last if math.isfinite(last) else value.notnull(), name)
        for last, name in bands.items()
    ]
    return ibis.cases(*ends)


def days_until(moment: ir.Value, as_of: datetime.date) -> ir.IntegerValue:
    """Return whole calendar days from the day of ``moment`` to ``as_of``; 0 on the day itself."""
    day = moment if moment.type().is_date() else moment.date()
    return ibis.date(as_of).delta(day, unit="day")


def sum_money(amount: ir.Value, where: ir.BooleanValue | None = None) -> ir.FloatingScalar:
    """Sum amounts, 0 where there are none.

    Rounded to 4 decimals, because a parallel sum may differ in its last bits from run to run.
    """
    if where is not None:
        amount = ibis.ifelse(where, amount, 0.0)
    return amount.sum().fill_null(0.0).round(MONEY_DIGITS)


def round_ratio(ratio: ir.Value) -> ir.FloatingValue:
    """Round to 4 decimals, alike in all engines: some round a number as it is written.

    A sum of money needs it not, for it has few decimals of its own; 1e11 and more stay as they are.
    """
    scale = 10.0**MONEY_DIGITS
    return ibis.ifelse(ratio.abs() < 1e11, (ratio * scale).round(0) / scale, ratio)


def share_of(part: ir.Value, whole: ir.Value) -> ir.FloatingValue:
    """Return ``part / whole``; null where the whole is not positive."""
    return ibis.ifelse(whole > 0, part.cast("float64") / whole, ibis.null("float64"))


def count_true(flag: ir.BooleanColumn) -> ir.IntegerScalar:
    """Count the rows where ``flag`` is true; null counts as false."""
    return flag.fill_null(False).sum().fill_null(0).cast("int64")


def is_delivered(messages: ir.Table) -> ir.BooleanValue:
    """Tell which messages were sent, not kept back for a control group, and did not bounce.

    The checks have given every arm its name in the plan, and refused those that it does not know.
    """
    return ~is_control(messages) & ~find_column(messages, "bounced", "boolean").fill_null(False)


def is_control(messages: ir.Table) -> ir.BooleanValue:
    """Tell which rows are of the control group, to which nothing was sent."""
    arm = find_column(messages, "arm", "string")
    return arm.fill_null("").strip().lower() == CONTROL


def find_column(table: ir.Table, name: str, kind: str) -> ir.Value:
    """Return a column, or null of the ``kind`` where the table does not have it."""
    return table[name] if name in table.columns else ibis.null(kind)


def add_columns(table: ir.Table, extra: ir.Table, *, by: str = "customer_id") -> ir.Table:
    """Add the columns of another table of one row a customer, or a product."""
    return table.left_join(extra, by).drop(f"{by}_right")


def take_first(table: ir.Table, order: list, *, by: Sequence[str] = ("customer_id",)) -> ir.Table:
    """Return the first row in ``order``, which must settle every tie, of each customer or group."""
    ranked = table.mutate(place_=ibis.row_number().over(group_by=by, order_by=order))
    return ranked.filter(ranked.place_ == 0).drop("place_")


def find_contributions(
    rows: ir.Table, amount: ibis.Deferred, *, name: str, by: Sequence[str]
) -> pd.DataFrame:
    """Find the two customers who contribute most to each group's sum, in the engine.

    Parameters
    ----------
    rows : ir.Table
        With ``customer_id`` and the columns of ``by``.
    amount : ibis.Deferred
        The sum.
    name : str
        What the sum is called.
    by : sequence of str
        Columns that make the groups.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``<name>_largest`` and ``<name>_second``; no row of a group without
        customers who are known.
    """
    each = rows.filter(rows.customer_id.notnull()).group_by(*by, "customer_id").agg(amount=amount)
    each = each.mutate(distance=each.amount.abs())
    window = ibis.window(group_by=by, order_by=[ibis.desc("distance"), "customer_id"])
    ranked = each.mutate(place=ibis.row_number().over(window)).filter(ibis._.place < 2)
    tops = ranked.select(*by, "place", "amount").to_pandas()
    first = tops[tops["place"] == 0].drop(columns="place")
    second = tops[tops["place"] == 1].drop(columns="place")
    first = first.rename(columns={"amount": f"{name}{LARGEST}"})
    second = second.rename(columns={"amount": f"{name}{SECOND}"})
    return first.merge(second, on=list(by), how="left")
