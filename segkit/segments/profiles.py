"""How large each segment is and what sets it apart from all customers.

``segments`` is what `Segmentation.assign` returned, or any table with ``customer_id``, ``segment``
and ``segment_name``. Customers without a segment are left out of every figure.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.errors import SegkitError, suggest_name
from segkit.features.dictionary import FEATURES

UNKNOWN = "unknown"
OTHER = "other"
MOST_VALUES = 12
KEYS = ["segment", "segment_name"]


def size_segments(customers: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Return the size and the value of each segment.

    Returns
    -------
    pandas.DataFrame
        One row a segment, in the order of its number: ``segment``, ``segment_name``,
        ``customer_count``, ``customer_share``, ``total_spend``, ``spend_share`` (of all spend; may
        be negative where returns outweigh sales), ``mean_spend``, ``median_spend``; where the
        columns are there also ``median_recency_days``, ``mean_order_count``,
        ``mean_order_value`` and ``total_profit``.
    """
    joined = join_segments(customers, segments)
    parts = {
        "customer_count": ("customer_id", "size"),
        "total_spend": ("total_spend", "sum"),
        "mean_spend": ("total_spend", "mean"),
        "median_spend": ("total_spend", "median"),
        "median_recency_days": ("recency_days", "median"),
        "mean_order_count": ("order_count", "mean"),
        "mean_order_value": ("mean_order_value", "mean"),
        "total_profit": ("total_profit", "sum"),
    }
    there = {name: part for name, part in parts.items() if part[0] in joined}
    sizes = joined.groupby(KEYS, as_index=False).agg(**there)
    sizes["customer_share"] = sizes["customer_count"] / sizes["customer_count"].sum()
    whole = sizes["total_spend"].sum()
    sizes["spend_share"] = sizes["total_spend"] / whole if whole > 0 else np.nan
    first = [*KEYS, "customer_count", "customer_share", "total_spend", "spend_share"]
    return sizes[[*first, *[c for c in sizes.columns if c not in first]]]


def profile_segments(
    customers: pd.DataFrame, segments: pd.DataFrame, *, columns: list[str] | None = None
) -> pd.DataFrame:
    """Compare each segment's mean with that of all customers, feature by feature.

    Parameters
    ----------
    customers : pandas.DataFrame
        One row a customer.
    segments : pandas.DataFrame
        Who is in which segment.
    columns : list of str, optional
        Numeric features; by default all that the customer table has.

    Returns
    -------
    pandas.DataFrame
        One row a segment and feature: ``segment``, ``segment_name``, ``feature``, ``unit``,
        ``known_count`` (customers of the segment with a value), ``mean``, ``median``,
        ``base_mean``, ``index`` (100 is the base's mean; NaN where that is not positive),
        ``difference_sd`` (difference from the base's mean in standard deviations of all customers).
    """
    joined = join_segments(customers, segments)
    numeric = [c for c in customers.select_dtypes("number").columns if c in FEATURES]
    chosen = numeric if columns is None else list(columns)
    for column in chosen:
        if column not in customers.columns:
            raise SegkitError(
                f"the customer table has no column '{column}'", fix=suggest_name(column, numeric)
            )
    base_mean, base_sd = joined[chosen].mean(), joined[chosen].std(ddof=0)
    long = joined.melt(id_vars=KEYS, value_vars=chosen, var_name="feature")
    profile = (
        long.groupby([*KEYS, "feature"], sort=False)["value"]
        .agg(known_count="count", mean="mean", median="median")
        .reset_index()
    )
    profile["unit"] = [FEATURES[f].unit if f in FEATURES else "" for f in profile["feature"]]
    profile["base_mean"] = profile["feature"].map(base_mean)
    positive = profile["base_mean"].where(profile["base_mean"] > 0)
    profile["index"] = 100 * profile["mean"] / positive
    spread = profile["feature"].map(base_sd).replace(0, np.nan)
    profile["difference_sd"] = (profile["mean"] - profile["base_mean"]) / spread
    place = profile["feature"].map({name: i for i, name in enumerate(chosen)})
    profile = profile.assign(place_=place).sort_values(["segment", "place_"], ignore_index=True)
    return profile[
        [
            *KEYS,
            "feature",
            "unit",
            "known_count",
            "mean",
            "median",
            "base_mean",
            "index",
            "difference_sd",
        ]
    ]


def count_descriptor(
    customers: pd.DataFrame, segments: pd.DataFrame, column: str, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Count a descriptor's values in each segment, small cells suppressed.

    A cell of fewer than ``smallest_cell`` customers is not shown; where it could be worked out
    from the rest of its segment or of its value, the next smallest cell there is hidden as well.
    Missing values are counted as ``unknown``; all but the twelve most frequent values, and those
    of fewer than ``smallest_cell`` customers, as ``other``.

    Returns
    -------
    pandas.DataFrame
        One row a segment and value: ``segment``, ``segment_name``, ``value``, ``customer_count``,
        ``share`` (of the segment), ``base_share`` (of all customers), ``index`` (100 is the base),
        ``suppressed``. The figures of a suppressed cell are NaN.
    """
    if column not in customers.columns:
        texts = customers.select_dtypes(exclude="number").columns
        raise SegkitError(
            f"the customer table has no column '{column}'", fix=suggest_name(column, texts)
        )
    joined = join_segments(customers, segments)
    # One kind of value: booleans and numbers become text, so that 'unknown' fits in.
    values = joined[column].astype(object).where(joined[column].notna(), UNKNOWN).astype(str)
    totals = values.value_counts()
    totals = totals[totals >= smallest_cell]
    kept = sorted(totals.index, key=lambda value: (-totals[value], value))[:MOST_VALUES]
    values = values.where(values.isin(kept), OTHER)
    grid = pd.crosstab([joined["segment"], joined["segment_name"]], values.rename("value"))
    shown = suppress_cells(grid, smallest_cell)
    base = grid.sum() / grid.to_numpy().sum()
    hidden_base = grid.sum().between(1, smallest_cell - 1)
    table = shown.stack().rename("customer_count").reset_index()
    sizes = grid.sum(axis=1).droplevel("segment_name")
    table["share"] = table["customer_count"] / table["segment"].map(sizes)
    table["base_share"] = table["value"].map(base.where(~hidden_base))
    table["index"] = 100 * table["share"] / table["base_share"]
    return table.assign(suppressed=table["customer_count"].isna())


def cross_schemes(
    customers: pd.DataFrame, column_a: str, column_b: str, *, smallest_cell: int = 1
) -> pd.DataFrame:
    """Count how the segments of two schemes overlap.

    Parameters
    ----------
    customers : pandas.DataFrame
        With one column of segment names a scheme (see `assign_schemes`).
    column_a, column_b : str
        The two columns.
    smallest_cell : int
        Smaller counts, but for 0, are NaN.

    Returns
    -------
    pandas.DataFrame
        One row for each segment of ``column_a``, one column for each of ``column_b``.
    """
    for column in (column_a, column_b):
        if column not in customers.columns:
            fix = suggest_name(column, customers.columns)
            raise SegkitError(f"there is no scheme column '{column}'", fix=fix)
    return suppress_cells(pd.crosstab(customers[column_a], customers[column_b]), smallest_cell)


def suppress_cells(grid: pd.DataFrame, smallest_cell: int) -> pd.DataFrame:
    """Hide counts from 1 to below ``smallest_cell``, and what would give them away.

    A lone hidden cell in a row or column is found by subtraction from its sum, so the next
    smallest count there is hidden too, until no row or column has just one.
    """
    counts = grid.to_numpy(float)
    hidden = (counts > 0) & (counts < smallest_cell)
    changed = hidden.any()
    while changed:
        changed = False
        for axis in (0, 1):
            lines = range(counts.shape[1 - axis])
            for line in lines:
                place = (slice(None), line) if axis == 0 else (line, slice(None))
                open_counts = np.where(hidden[place] | (counts[place] == 0), np.inf, counts[place])
                if hidden[place].sum() == 1 and np.isfinite(open_counts).any():
                    hidden[place][open_counts.argmin()] = True
                    changed = True
    return grid.astype(float).mask(hidden) if hidden.any() else grid.astype(float)


def join_segments(customers: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Add ``segment`` and ``segment_name`` to the customers who have one."""
    missing = [c for c in ("customer_id", *KEYS) if c not in segments.columns]
    if missing:
        raise SegkitError(
            f"the table of segments lacks {', '.join(missing)}", fix="Give what assign returned."
        )
    own = customers.drop(columns=[c for c in KEYS if c in customers.columns])
    return own.merge(
        segments[["customer_id", *KEYS]], on="customer_id", how="inner", validate="one_to_one"
    )
