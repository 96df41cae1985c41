"""Orders in time: days with an order, the gaps between them, and who is overdue (base B4)."""

from __future__ import annotations

import ibis
from ibis import _, ir

from segkit.features.expressions import share_of, sum_money
from segkit.features.habits import PRIOR_GAPS, Habits
from segkit.features.sales import is_income, is_sale


def list_orders(lines: ir.Table) -> ir.Table:
    """List orders with a sale, and beside them each customer's other days.

    The sales of an order, less its discounts, are one row, on the day of its first sale; all other
    lines of a customer and day are one row.

    Returns
    -------
    ibis.Table
        ``customer_id``, ``order_`` (null where there is no sale), ``at_``, ``day_``, ``amount_``,
        ``is_sale_``.
    """
    income = is_income(lines)
    measures = {
        "at_": ibis.coalesce(lines.ordered_at.min(where=is_sale(lines)), lines.ordered_at.min()),
        "amount_": sum_money(lines.line_amount),
        "is_sale_": is_sale(lines).any(),
    }
    keys = {
        "order_": ibis.ifelse(income, lines.order_id, ibis.null(lines.order_id.type())),
        "other_day_": ibis.ifelse(income, ibis.null("date"), lines.ordered_at.date()),
    }
    orders = lines.group_by("customer_id", **keys).aggregate(**measures).drop("other_day_")
    return orders.mutate(day_=_.at_.date())


def add_gaps(orders: ir.Table) -> ir.Table:
    """Add ``gap_``, days since the order before: null for the first, 0 on the same day.

    Orders of a day are in no order, since only the sums of gaps are used.
    """
    orders = orders.drop("order_")
    before = orders.day_.lag().over(group_by=["customer_id", "is_sale_"], order_by="day_")
    return orders.mutate(gap_=orders.day_.delta(before, unit="day"))


def describe_rhythm(table: ir.Table, habits: Habits) -> ir.Table:
    """Add gaps between orders, and how overdue the next order is, to one row a customer.

    The expected gap is the mean of a customer's gaps and of `PRIOR_GAPS` gaps of all customers'
    mean length: (2 m + sum of gaps) / (2 + number of gaps), the mean of the posterior if gaps are
    exponential and their means differ by an inverse gamma distribution. Its variation is the
    standard deviation of the gaps over their mean.

    References
    ----------
    Gelman et al. (2013), *Bayesian Data Analysis*, section 2.6, exponential model.
    """
    gap_count = ibis.greatest(table.order_days_ - 1, 0)
    mean = share_of(table.active_days, gap_count)
    squares = table.gap_squares_ - gap_count * mean * mean
    sd = ibis.greatest(share_of(squares, gap_count - 1), 0.0).sqrt()
    sd = ibis.ifelse(gap_count > 1, sd, ibis.null("float64"))
    usual = ibis.literal(habits.mean_gap_days, "float64")
    expected = (PRIOR_GAPS * usual + table.active_days) / (gap_count + PRIOR_GAPS)
    return table.mutate(
        mean_days_between_orders=mean,
        gap_variation=share_of(sd, mean),
        expected_gap_days=expected,
        overdue_ratio=share_of(table.recency_days, expected),
    )
