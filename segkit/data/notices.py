"""What a check noticed about a column or a table, as the quality table has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import NamedTuple

MOST_VALUES = 5  # of a column are shown as found
LONGEST_VALUE = 40  # characters
# What notices are called, a column's name after it where they are of one: the plan accepts them so.
NOTICED = (
    "ambiguous_date",
    "called_total",
    "cancellation_of_no_sale",
    "capitals_differ",
    "capitals_part",
    "carried",
    "column_without_name",
    "columns_of_one_name",
    "counts",
    "currency_in",
    "customer_of_one_order",
    "customer_of_returns_only",
    "decimal_id",
    "decimal_told",
    "doubtful_thousands",
    "failed_formula",
    "includes_tax",
    "leading_zeros",
    "looks_like_amounts",
    "looks_like_dates",
    "looks_like_identifier",
    "looks_like_percentages",
    "malformed_line",
    "matched_by_sale",
    "mixed",
    "mixed_encoding",
    "mixed_zones",
    "negative",
    "no_option",
    "nobody_customer_id",
    "numbered_rows",
    "order_discount_too_large",
    "order_of_two_customers",
    "order_taken_back",
    "other_encoding",
    "placeholder_dates",
    "repeated_customer",
    "repeated_header",
    "return_of_whole_order",
    "rounded",
    "running_quantity",
    "same_columns_in_sheet",
    "sheet_not_read",
    "spellings",
    "status_words",
    "sum_of_the_others",
    "two_decimal_marks",
    "two_orders",
    "unit",
    "unreadable",
    "unseen_signs",
    "western_encoding",
    "zeros_differ",
    "zeros_part",
    "zones",
)


class Notice(NamedTuple):
    """What was noticed, as an entry of the quality table.

    ``severity`` is reject, warning or note; ``row_count`` counts the rows that it concerns, one at
    least. ``found`` has values as they were found, for who checks the tables; it is private and
    never published.
    """

    rule: str
    severity: str
    row_count: int
    reason: str
    treatment: str
    found: str = ""


def list_values(counts: Iterable[tuple[object, int]]) -> str:
    """Write values with their counts, most frequent first.

    Examples
    --------
    >>> list_values([("Prefer not to say", 39), ("5+", 3)])
    "'Prefer not to say' (39), '5+' (3)"
    """
    told = [f"{str(value)[:LONGEST_VALUE]!r} ({count:,})" for value, count in counts]
    more = ", ..." if len(told) > MOST_VALUES else ""
    return ", ".join(told[:MOST_VALUES]) + more


def say_column(column: str) -> str:
    """Return a column's name in words.

    Examples
    --------
    >>> say_column("ordered_at"), say_column("signed_up_on"), say_column("order_id")
    ('ordered time', 'signed up date', 'order id')
    """
    words = re.sub("_at$", " time", column)
    words = re.sub("_on$", " date", words)
    return words.replace("_", " ")


def tell_failed(name: str, count: int) -> Notice:
    """Return the note of values that are failed formulas of a spreadsheet."""
    return Notice(
        f"failed_formula_{name}",
        severity="note",
        row_count=count,
        reason=f"The value of {name} is a spreadsheet's failed formula, such as #DIV/0!.",
        treatment="Read as a missing value.",
    )


def quote_toml(text: str) -> str:
    """Write a text as a plan does, whatever signs it has.

    Examples
    --------
    >>> print(quote_toml('19" rack'))
    "19\\" rack"
    """
    return json.dumps(text, ensure_ascii=False)
