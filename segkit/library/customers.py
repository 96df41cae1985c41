"""One row a customer, from order lines that were prepared or are prepared on the way."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from segkit.core.errors import SegkitError
from segkit.features import customer_table
from segkit.library.inputs import is_expression, read_customers, read_day, refuse_table
from segkit.library.lines import LINES, PreparedLines, prepare_lines
from segkit.segmentation import rfm_scores

if TYPE_CHECKING:
    from ibis import ir

AS_OF = "as_of"  # the attribute of a DataFrame of customers that says until when was counted
# What only the checks add to lines.
CHECKED_COLUMNS = ("line_amount", "line_type")


class LinesWarning(UserWarning):
    """Order lines were rejected on the way; `prepare_lines` says which and why."""


def build_customers(lines: Any, *, as_of: str | datetime.date | None = None) -> pd.DataFrame:
    """Build one row a customer: what was bought, when and how often, and what a year will bring.

    Parameters
    ----------
    lines : PreparedLines or table
        What `prepare_lines` returned, or its ``table``. Raw lines, of any kind that `prepare_lines`
        takes, are prepared on the way; if some are rejected a warning says how many. Of accepted
        tables of one engine there may be several, by name: ``{"order_lines": ..., "customers":
        ...}``.
    as_of : str or datetime.date, optional
        The last day counted, YYYY-MM-DD; without it that of the prepared lines, else the last day
        in the lines.

    Returns
    -------
    pandas.DataFrame
        One row for each customer with an order until ``as_of``, sorted by ``customer_id``. The
        columns carry their unit in their name, such as ``recency_days``, ``order_count`` and
        ``total_spend`` (net, in the lines' currency); docs/features.md has them all.
        ``lifetime_value`` is missing throughout where no model may be used, see
        `predict_lifetime_value`.

    Raises
    ------
    SegkitError
        If the lines cannot be used, or none lies on or before ``as_of``.

    Examples
    --------
    >>> from segkit import build_customers, load_sample_lines, prepare_lines
    >>> prepared = prepare_lines(load_sample_lines())
    >>> customers = build_customers(prepared, as_of="2025-06-23")
    >>> customers[["customer_id", "recency_days", "order_count"]].head(2)
      customer_id  recency_days  order_count
    0        C000           293            1
    1        C001             7           23
    """
    tables, day = read_tables(lines, as_of=as_of)
    frame = customer_table.build_customers(tables, as_of=day).frame
    if frame.empty:
        message = "no customer has an order until as_of"
        fix = "Give a later as_of, or none for the last day in the lines."
        raise SegkitError(message, where="build_customers", found=str(day), fix=fix)
    frame.attrs[AS_OF] = day.isoformat()
    return frame


def read_tables(
    lines: Any, *, as_of: str | datetime.date | None
) -> tuple[dict[str, ir.Table], datetime.date]:
    """Return accepted tables by name, and the last day counted; raw lines are prepared.

    Raises
    ------
    SegkitError
        If they are no tables that can be used.
    """
    day = read_day(as_of)
    if isinstance(lines, Mapping):
        tables = _read_several(lines)
    elif is_expression(lines) and set(CHECKED_COLUMNS) <= set(lines.columns):
        tables = {LINES: lines}
    else:
        prepared = lines if isinstance(lines, PreparedLines) else _prepare(lines, day)
        tables = {LINES: prepared.table}
        day = day or prepared.as_of
    return tables, day or _find_last_day(tables)


def _prepare(lines: Any, day: datetime.date | None) -> PreparedLines:
    prepared = prepare_lines(lines, as_of=day)
    rejected = prepared.counts["rejected"]
    if rejected:
        message = (
            f"{rejected:,} of {prepared.counts['read']:,} order lines were rejected; "
            "prepare_lines(lines).describe() says why"
        )
        warnings.warn(message, LinesWarning, stacklevel=4)
    return prepared


def _read_several(given: Mapping[str, Any]) -> dict[str, ir.Table]:
    """Return accepted tables by name, as Ibis's."""
    tables = {}
    for name, table in given.items():
        tables[name] = table.table if isinstance(table, PreparedLines) else table
        if not is_expression(tables[name]):
            raise refuse_table(table, name)
    lines = tables.get(LINES)
    if lines is not None and not set(CHECKED_COLUMNS) <= set(lines.columns):
        message = "these order lines have not been checked"
        fix = 'Give {"order_lines": prepare_lines(lines).table}.'
        raise SegkitError(message, where=LINES, found=", ".join(lines.columns), fix=fix)
    if not tables:
        fix = 'Give {"order_lines": prepare_lines(lines).table}.'
        raise SegkitError("there is no table", where="build_customers", fix=fix)
    return tables


def _find_last_day(tables: Mapping[str, ir.Table]) -> datetime.date:
    """Return the last day in the order lines."""
    if LINES in tables:
        last = read_day(tables[LINES].ordered_at.max().to_pyarrow().as_py())
        if last is not None:
            return last
    message = "as_of cannot be told without order lines"
    raise SegkitError(message, where="build_customers", fix='Write as_of="YYYY-MM-DD".')


def score_rfm(customers: Any) -> pd.DataFrame:
    """Score recency, frequency and money of each customer from 1 (low) to 5 (high).

    Cut points are quintiles of these customers (Hughes 1994, *Strategic Database Marketing*);
    customers with the same value always have the same score.

    Parameters
    ----------
    customers : table
        One row a customer, with ``recency_days``, ``order_count`` and ``total_spend``.

    Returns
    -------
    pandas.DataFrame
        ``customer_id``, ``recency``, ``frequency``, ``money`` (1 to 5) and ``cell``, their digits;
        in the customers' order.

    Raises
    ------
    SegkitError
        If a column is not there or is not a number.

    Examples
    --------
    >>> import pandas as pd
    >>> from segkit import score_rfm
    >>> shop = {"recency_days": [5, 40, 200], "order_count": [9, 3, 1], "total_spend": [90, 60, 8]}
    >>> score_rfm(pd.DataFrame(shop))
      customer_id  recency  frequency  money  cell
    0           1        5          5      5   555
    1           2        3          3      3   333
    2           3        1          1      1   111
    """
    frame = read_customers(customers, customer_table.RFM_COLUMNS)
    points = rfm_scores.score_rfm(frame)
    points.insert(0, "customer_id", frame["customer_id"].to_numpy())
    return points
