"""How customers of each segment spread over the values of a descriptor."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from segkit.features.own_features import OWN_BASE, describe_feature
from segkit.models.columns import require_column
from segkit.models.kinds import find_kind
from segkit.profiles.base_summaries import MOST_LEVELS, UNKNOWN, pool_levels
from segkit.profiles.differences import compare_shares
from segkit.segmentation.members import join_segments

MOST_VALUES = 12
SMALLEST_SHARE = 0.05
ANYBODY = "anybody"
CUSTOMERS = "customers"
# Bases of columns that are known of a person before she buys.
KNOWN_BEFORE = {
    "demographic",
    "geographic",
    "technographic",
    "firmographic",
    "generational",
    "source",
    "psychographic",
    "needs",
    "benefit",
}


def count_descriptor(
    customers: pd.DataFrame, segments: pd.DataFrame, column: str, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Count a descriptor's values in each segment.

    Missing values are counted as ``unknown``; all but the twelve most frequent values, and those
    of fewer than ``smallest_cell`` customers, as ``other``.

    Returns
    -------
    pandas.DataFrame
        One row a segment and value: ``segment``, ``segment_name``, ``value``, ``customer_count``,
        ``share`` (of the segment), ``base_share`` (of all customers), ``index`` (100 is the base),
        ``segment_count`` (customers of the segment), ``value_count`` (those with the value, of all
        segments), ``base_count`` (all customers), ``difference``, ``difference_low``,
        ``difference_high``, ``p_value`` and ``residual`` (see `compare_shares`).
    """
    require_column(customers, column)
    joined = join_segments(customers[["customer_id", column]], segments)
    return _count_joined(joined, column, smallest_cell=smallest_cell)


def count_descriptors(
    customers: pd.DataFrame,
    segments: pd.DataFrame,
    columns: Sequence[str],
    *,
    smallest_cell: int = 5,
) -> list[pd.DataFrame]:
    """Count the values of each of some descriptors in each segment, see `count_descriptor`."""
    joined = join_segments(customers[["customer_id", *columns]], segments)
    return [_count_joined(joined, column, smallest_cell=smallest_cell) for column in columns]


def _count_joined(joined: pd.DataFrame, column: str, *, smallest_cell: int) -> pd.DataFrame:
    values, _ = pool_levels(
        joined[column], most=MOST_VALUES, smallest=smallest_cell, others="other"
    )
    grid = pd.crosstab([joined["segment"], joined["segment_name"]], values.rename("value"))
    table = grid.stack().rename("customer_count").reset_index()
    sizes = grid.sum(axis=1).droplevel("segment_name")
    table["segment_count"] = table["segment"].map(sizes)
    table["value_count"] = table["value"].map(grid.sum())
    table["base_count"] = len(joined)
    table["share"] = table["customer_count"] / table["segment_count"]
    table["base_share"] = table["value_count"] / table["base_count"]
    table["index"] = 100 * table["share"] / table["base_share"]
    return table.join(compare_shares(grid.to_numpy(), sizes.to_numpy()))


def list_descriptors(customers: pd.DataFrame) -> list[str]:
    """Return the categories that describe customers, but those with over forty values or one."""
    others = customers.columns.drop("customer_id", errors="ignore")
    names = [name for name in others if find_kind(customers[name]) in ("category", "boolean")]
    return [name for name in names if 1 < customers[name].nunique() <= MOST_LEVELS]


def list_known_before(customers: pd.DataFrame) -> list[str]:
    """Return the columns that are known of a person before she buys.

    Who they are, where they live, what they use and what brought them; of one's own features the
    categories, for what a number of one's own counts is not known.
    """
    described = {name: describe_feature(name).base for name in customers.columns}
    categories = list_descriptors(customers)
    return [
        name
        for name, base in described.items()
        if base in KNOWN_BEFORE or (base == OWN_BASE and name in categories)
    ]


def find_source(column: str, *, base: str = "") -> str:
    """Say who can tell the value of a column: "anybody", or "customers", of what they did before.

    A feature of one's own belongs to the ``base`` of the scheme that reads it.

    Examples
    --------
    >>> find_source("age_band"), find_source("order_count"), find_source("motive_sun", base="needs")
    ('anybody', 'customers', 'anybody')
    """
    found = describe_feature(column).base
    found = base if found == OWN_BASE else found
    return ANYBODY if found in KNOWN_BEFORE else CUSTOMERS


def keep_telling_levels(descriptors: pd.DataFrame, *, count: int) -> pd.DataFrame:
    """Keep the ``count`` levels whose share in a segment differs most from that among all.

    Hidden cells, unknown values, and levels below one in twenty both in the segment and among
    all are left out.
    """
    shown = descriptors.dropna(subset=["customer_count", "share", "base_share"])
    shown = shown[shown["value"] != UNKNOWN]
    shown = shown[shown[["share", "base_share"]].max(axis=1) >= SMALLEST_SHARE]
    difference = (shown["share"] - shown["base_share"]).abs()
    order = difference.sort_values(ascending=False, kind="stable").index[:count]
    return shown.loc[order].reset_index(drop=True)
