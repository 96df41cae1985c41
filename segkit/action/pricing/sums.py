"""What each customer paid in each group of products, beside what all customers pay for the same."""

from __future__ import annotations

from ibis import _, ir

from segkit.features.expressions import sum_money

FEWEST_BUYERS = 5  # customers whose mean price others are compared with
SUMS = ("paid", "regular", "discount", "on_offer", "compared", "expected")


def sum_lines(rows: ir.Table) -> ir.Table:
    """Return one row a customer and product group with the sums of `SUMS`, in the engine.

    ``expected`` is what the units cost at the mean price of all customers for the same product in
    the same month, or, where fewer than five bought it then, in the same year; ``compared`` is what
    was paid for those of which that is known. ``on_offer`` is the regular value of lines with a
    discount.

    Parameters
    ----------
    rows : ibis.Table
        As of `segkit.action.pricing.lines.Priced`.
    """
    rows = _add_expected(rows)
    by = ("product_group", "segment_name", "customer_id")
    return rows.group_by(*by).agg(**_list_sums(rows))


def _add_expected(rows: ir.Table) -> ir.Table:
    """Add what a line's units cost all customers, and what was paid where that is known."""
    rows = rows.mutate(month=rows.day.truncate("M"), year=rows.day.truncate("Y"))
    for level in ("month", "year"):
        means = rows.group_by("product_id", level).agg(
            mean=(_.paid.sum() / _.quantity.sum()).round(6), buyers=_.customer_id.nunique()
        )
        means = means.filter(means.buyers >= FEWEST_BUYERS)
        means = means.select("product_id", level, **{f"price_of_{level}": means.mean})
        rows = rows.left_join(means, ["product_id", level])
        rows = rows.drop("product_id_right", f"{level}_right")
    rows = rows.mutate(expected=rows.quantity * rows.price_of_month.coalesce(rows.price_of_year))
    return rows.mutate(compared=rows.expected.notnull().ifelse(rows.paid, 0.0))


def _list_sums(rows: ir.Table) -> dict[str, ir.Value]:
    """Return what is summed, see `SUMS`."""
    on_offer = (rows.discount > 0).ifelse(rows.regular, 0.0)
    values = {name: on_offer if name == "on_offer" else rows[name] for name in SUMS}
    return {name: sum_money(value) for name, value in values.items()}
