"""What a sale is, as of a day: the one place that says which order lines count, and as what.

A line's ``line_type`` says what it is: a ``sale``; a ``discount``, which lowers the amount of its
order and of nothing else; a ``return`` or ``cancellation``, which lowers spend but no order; an
``adjustment``; or ``nothing``, a line of an order whose amounts are all zero. An order that was
taken back whole until that day is no sale: ``taken_back_at`` of its lines, and of the returns that
took it back, says since when. Before that it is one, so that nothing is known too early.
"""

from __future__ import annotations

import datetime

import ibis
from ibis import ir

TAKEN_BACK_AT = "taken_back_at"
RETURNS = ("return", "cancellation")
INCOME = ("sale", "discount")


def leave_out_taken_back(lines: ir.Table, as_of: datetime.date) -> ir.Table:
    """Return the lines of a table that had not been taken back by the end of the day ``as_of``.

    A table without ``taken_back_at`` is returned as it is.
    """
    if TAKEN_BACK_AT not in lines.columns:
        return lines
    taken_back_at = lines[TAKEN_BACK_AT]
    next_day = ibis.date(as_of + datetime.timedelta(days=1)).cast(taken_back_at.type())
    return lines.filter(taken_back_at.isnull() | (taken_back_at >= next_day))


def is_sale(lines: ir.Table) -> ir.BooleanValue:
    """Tell which lines make an order."""
    return lines.line_type == "sale"


def is_income(lines: ir.Table) -> ir.BooleanValue:
    """Tell which lines make up what an order brings before returns: sales less discounts."""
    return lines.line_type.isin(INCOME)


def is_returned(lines: ir.Table) -> ir.BooleanValue:
    """Tell which lines take back a part of an order."""
    return lines.line_type.isin(RETURNS)
