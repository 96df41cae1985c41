"""Which value of a column has most of each customer's weight, for few values or for many."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
from ibis import ir

from segkit.features.expressions import MONEY_DIGITS, share_of, sum_money

MOST_LEVELS = 32
LOWEST = -1e300  # below every sum


def find_favourite(table: ir.Table, column: str, weight: ir.Value, *, name: str) -> ir.Table:
    """Return each customer's value of ``column`` with the largest sum of ``weight``.

    Ties go to the value that comes first in the alphabet. Rows without a value do not count.

    Returns
    -------
    ibis.Table
        ``customer_id``, the favourite as ``name``, its share of the customer's total weight
        (``<name>_share``), the number of values (``<name>_count``), the total (``<name>_total``),
        and ``<name>_diversity``: 1 less the sum of squared shares (Simpson 1949).
    """
    known = table.mutate(weight_=weight).filter(table[column].notnull())
    sums = known.group_by("customer_id", column).aggregate(weight_=sum_money(known.weight_))
    place = ibis.row_number().over(
        group_by="customer_id", order_by=[ibis.desc("weight_"), ibis.asc(column)]
    )
    sums = sums.mutate(place_=place)
    is_first = sums.place_ == 0
    table = sums.group_by("customer_id").aggregate(
        **{name: sums[column].min(where=is_first)},
        top_=sums.weight_.max(where=is_first),
        count_=sums.count(),
        total_=sum_money(sums.weight_),
        squares_=(sums.weight_ * sums.weight_).sum(),
    )
    return table.select(
        "customer_id",
        name,
        **_describe(name, table.top_, table.count_, table.total_, table.squares_),
    )


def sum_levels(column: ir.Column, weight: ir.Value, levels: Sequence[str]) -> dict[str, ir.Value]:
    """Return sums of ``weight``, null where there is no such row, and the largest of them.

    They are called ``<column>_<number of the level>_`` and ``<column>_top_``. A row a customer with
    all of them takes less time than a row for each customer and level, as long as they are few.
    """
    name = column.get_name()
    nothing = ibis.null("float64")
    sums = {
        f"{name}_{n}_": ibis.ifelse(column == level, weight, nothing).sum().round(MONEY_DIGITS)
        for n, level in enumerate(levels)
    }
    known = [one.fill_null(LOWEST) for one in sums.values()]
    return sums | ({f"{name}_top_": ibis.greatest(LOWEST, *known)} if known else {})


def describe_levels(
    table: ir.Table, column: str, levels: Sequence[str], *, name: str
) -> dict[str, ir.Value]:
    """Return from `sum_levels` of all levels, in order, what `find_favourite` returns."""
    sums = [table[f"{column}_{n}_"] for n in range(len(levels))]
    top = table[f"{column}_top_"]
    favourite = ibis.cases(*zip([one == top for one in sums], levels, strict=True))
    count = sum(one.notnull().cast("int64") for one in sums)
    total = sum(one.fill_null(0.0) for one in sums).round(MONEY_DIGITS)
    squares = sum((one * one).fill_null(0.0) for one in sums)
    return {name: favourite} | _describe(name, top, count, total, squares)


def _describe(
    name: str, top: ir.Value, count: ir.Value, total: ir.Value, squares: ir.Value
) -> dict[str, ir.Value]:
    return {
        f"{name}_share": share_of(top, total),
        f"{name}_count": count,
        f"{name}_total": total,
        f"{name}_diversity": 1 - share_of(squares, total * total),
    }
