"""How large each segment is, what sets it apart, and how customers spread over descriptors.

``segments`` is what `Segmentation.assign` returned, or any table with ``customer_id``, ``segment``
and ``segment_name``. Customers without a segment are left out of every figure.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from segkit.errors import SegkitError, suggest_name
from segkit.features.bases import RFM_COLUMNS
from segkit.features.dictionary import FEATURES
from segkit.features.missing import NO_PURCHASES, empty_table
from segkit.features.own import OWN_BASE, describe_feature
from segkit.features.summaries import MOST_LEVELS, UNKNOWN, pool_levels
from segkit.plan import Scheme
from segkit.segments.differences import (
    compare_means,
    compare_shares,
    correct_comparisons,
    mark_columns,
)
from segkit.segments.preparation import read_numbers
from segkit.segments.rules import fit_rfm
from segkit.segments.segmentation import Segmentation

MOST_VALUES = 12
SMALLEST_SHARE = 0.05
KNOWN_BEFORE = {"demographic", "geographic", "technographic", "firmographic", "generational"}
KNOWN_BEFORE |= {"source", "psychographic", "needs", "benefit"}
KEYS = ["segment", "segment_name"]
_PROFILE = "segment segment_name feature unit known_count mean median base_mean index difference_sd"
_PROFILE += " is_binary effect_size effect_low effect_high p_value"
_GIVEN = _PROFILE.split()[:4]
_EMPTY_PROFILE = pd.DataFrame(columns=_PROFILE.split())


def size_segments(customers: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Return the size and the value of each segment, in the order of its number.

    Returns
    -------
    pandas.DataFrame
        ``segment``, ``segment_name``, ``customer_count``, ``customer_share``; where the columns
        are there also ``total_spend``, ``spend_share`` (of all spend; negative where returns
        outweigh sales), ``mean_spend``, ``median_spend``, ``median_recency_days``,
        ``mean_order_count``, ``mean_order_value`` and ``total_profit``.
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
    sizes.insert(3, "customer_share", sizes["customer_count"] / len(joined))
    if "total_spend" in sizes:
        whole = sizes["total_spend"].sum()
        sizes.insert(5, "spend_share", sizes["total_spend"] / whole if whole > 0 else np.nan)
    return sizes


def profile_segments(
    customers: pd.DataFrame,
    segments: pd.DataFrame,
    *,
    columns: list[str] | None = None,
    made_by: Collection[str] = (),
    smallest_cell: int = 1,
) -> pd.DataFrame:
    """Compare each segment's mean with that of all customers, by numeric ``columns`` or by all.

    ``made_by`` names the columns that the segments were made from: they get no p-value. Where
    fewer than ``smallest_cell`` customers of a segment have a value, its figures are missing, and
    so are those of the next smallest segment if they would give it away.

    Returns
    -------
    pandas.DataFrame
        One row a segment and feature: ``segment``, ``segment_name``, ``feature``, ``unit``,
        ``known_count`` (customers of the segment with a value), ``mean``, ``median``,
        ``base_mean``, ``index`` (100 is the base's mean; NaN where that is not positive),
        ``difference_sd`` (difference from the base's mean in standard deviations of all customers),
        ``is_binary`` (zeros and ones), ``effect_size``, ``effect_low``, ``effect_high`` and
        ``p_value`` (against all other customers, see `compare_means`), ``by_construction``,
        ``is_marker`` (see `mark_columns`), ``adjusted_p_value`` and ``set_apart`` (see
        `correct_comparisons`).
    """
    numeric = [c for c in customers.select_dtypes("number").columns if c != "customer_id"]
    chosen = numeric if columns is None else list(columns)
    numbers = {column: read_numbers(customers, column) for column in chosen}
    joined = join_segments(customers.assign(**numbers), segments).sort_values("customer_id")
    base, parts = (joined[chosen].mean(), joined[chosen].std(ddof=0)), [_EMPTY_PROFILE]
    for feature, base_mean, base_sd in zip(chosen, *base, strict=True):
        values = joined[feature]
        part = values.groupby([joined[key] for key in KEYS]).agg(["count", "mean", "median"])
        part = part.reset_index().rename(columns={"count": "known_count"})
        part.insert(2, "feature", feature)
        part.insert(3, "unit", describe_feature(feature).unit)
        part["base_mean"] = base_mean
        part["index"] = 100 * part["mean"] / base_mean if base_mean > 0 else np.nan
        part["difference_sd"] = (part["mean"] - base_mean) / base_sd if base_sd > 0 else np.nan
        part["is_binary"] = bool(values.dropna().isin([0, 1]).all() and base_sd > 0)
        here = [joined["segment"].to_numpy() == number for number in part["segment"]]
        compared = [compare_means(values.to_numpy(), own) for own in here]
        part = part.join(pd.DataFrame(compared, index=part.index))
        if part["known_count"].between(1, smallest_cell - 1).any():
            counts = part["known_count"].to_frame().T
            hidden = suppress_cells(counts, smallest_cell).loc["known_count"].isna()
            figures = part.columns.difference([*_GIVEN, "base_mean", "is_binary"])
            part[figures] = part[figures].mask(hidden)
        parts.append(part)
    profile = pd.concat(parts[1:] or parts)
    profile["by_construction"] = profile["feature"].isin(made_by)
    profile["p_value"] = profile["p_value"].mask(profile["by_construction"])
    profile["is_marker"] = mark_columns(profile)
    return correct_comparisons(profile).sort_values("segment", kind="stable", ignore_index=True)


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
        ``segment_count`` (customers of the segment), ``difference``, ``difference_low``,
        ``difference_high``, ``p_value`` and ``residual`` (see `compare_shares`), ``suppressed``.
        The figures of a suppressed cell are NaN.
    """
    _need_column(customers, column)
    joined = join_segments(customers[["customer_id", column]], segments)
    values, _ = pool_levels(joined[column], MOST_VALUES, smallest_cell, "other")
    grid = pd.crosstab([joined["segment"], joined["segment_name"]], values.rename("value"))
    shown = suppress_cells(grid, smallest_cell)
    base = grid.sum() / grid.to_numpy().sum()
    hidden_base = grid.sum().between(1, smallest_cell - 1)
    table = shown.stack().rename("customer_count").reset_index()
    sizes = grid.sum(axis=1).droplevel("segment_name")
    table["share"] = table["customer_count"] / table["segment"].map(sizes)
    table["base_share"] = table["value"].map(base.where(~hidden_base))
    table["index"] = 100 * table["share"] / table["base_share"]
    table["segment_count"] = table["segment"].map(sizes)
    compared = compare_shares(grid.to_numpy(), sizes.to_numpy())
    table = table.join(compared.mask(table["customer_count"].isna()))
    return table.assign(suppressed=table["customer_count"].isna())


def list_descriptors(customers: pd.DataFrame) -> list[str]:
    """Return the categories that describe customers, but those with over forty values or one."""
    others = customers.select_dtypes(["number", "datetime"]).columns.union(["customer_id"])
    others = others.union([name for name, f in FEATURES.items() if f.kind == "date"])
    names = [name for name in customers.columns if name not in others]
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


def count_rfm(customers: pd.DataFrame, *, smallest_cell: int = 5) -> pd.DataFrame:
    """Count customers by ``recency_score`` and ``frequency_score``, each 1 (low) to 5 (high).

    Small cells are missing, see `suppress_cells`. Without the three columns there are no rows.
    """
    if not set(RFM_COLUMNS) <= set(customers.columns):
        columns = ["recency_score", "frequency_score", "customer_count"]
        reason = f"{NO_PURCHASES[:-1]}, and not all of {', '.join(RFM_COLUMNS)} of its own."
        return empty_table(columns, reason)
    scores = score_rfm(customers)[["recency", "frequency"]].add_suffix("_score")
    grid = scores.value_counts(sort=False).unstack(fill_value=0)
    return suppress_cells(grid, smallest_cell).stack().rename("customer_count").reset_index()


def score_rfm(customers: pd.DataFrame) -> pd.DataFrame:
    """Return ``recency``, ``frequency`` and ``money``, each 1 (low) to 5 (high), and the ``cell``.

    Cut points are quintiles of these customers, as in `fit_rfm`; a missing value scores lowest.
    """
    scheme = Scheme(name="rfm", goal="rfm", base="behavioural", method="rfm")
    scores, cells = {}, 0
    for score in fit_rfm(customers, scheme, 6)[0].scores:
        sign = 1 if score.higher_is_better else -1
        values = sign * read_numbers(customers, score.column)
        points = 1 + (values[:, None] > sign * np.array(score.cuts)).sum(axis=1)
        scores[score.name], cells = points, cells * 10 + points
    return pd.DataFrame({**scores, "cell": cells})


def keep_own_differences(profile: pd.DataFrame, *, count: int) -> pd.DataFrame:
    """Keep ``count`` features of a profile: each segment's strongest in turn, then its next."""
    strength = profile["difference_sd"].abs()
    turn = strength.groupby(profile["segment"]).rank(ascending=False, method="first")
    order = turn.dropna().sort_values(kind="stable").index
    kept = profile.loc[order, "feature"].drop_duplicates().head(count)
    return profile[profile["feature"].isin(kept)]


def keep_telling_levels(descriptors: pd.DataFrame, *, count: int) -> pd.DataFrame:
    """Keep the ``count`` levels whose share in a segment differs most from that among all.

    Suppressed cells, unknown values, and levels below one in twenty both in the segment and among
    all are left out.
    """
    shown = descriptors.dropna(subset=["customer_count", "share", "base_share"])
    shown = shown[shown["value"] != UNKNOWN]
    shown = shown[shown[["share", "base_share"]].max(axis=1) >= SMALLEST_SHARE]
    difference = (shown["share"] - shown["base_share"]).abs()
    order = difference.sort_values(ascending=False, kind="stable").index[:count]
    return shown.loc[order].reset_index(drop=True)


def assign_schemes(customers: pd.DataFrame, segmentations: dict[str, Segmentation]) -> pd.DataFrame:
    """Return ``customer_id`` and a column ``segment_<scheme>`` of segment names for each scheme."""
    columns = {
        f"segment_{name}": segmentation.assign(customers)["segment_name"]
        for name, segmentation in segmentations.items()
    }
    return customers[["customer_id"]].assign(**columns)


def cross_all_schemes(
    segments: pd.DataFrame, scheme: str, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Count customers by segment of one scheme and segment of each other scheme.

    Returns ``other_scheme``, ``other_segment`` and one column of counts for each segment of
    ``scheme``; small cells are missing.
    """
    own = f"segment_{scheme}"
    _need_column(segments, own)
    tables = [pd.DataFrame(columns=["other_scheme", "other_segment"])]
    for other in segments.columns:
        if other.startswith("segment_") and other != own:
            crossed = suppress_cells(pd.crosstab(segments[other], segments[own]), smallest_cell)
            crossed = crossed.rename_axis(index="other_segment", columns=None).reset_index()
            crossed.insert(0, "other_scheme", other.removeprefix("segment_").replace("_", " "))
            tables.append(crossed)
    return pd.concat(tables[1:] or tables, ignore_index=True)


def suppress_cells(grid: pd.DataFrame, smallest_cell: int) -> pd.DataFrame:
    """Hide counts from 1 to below ``smallest_cell``, and what would give them away.

    A lone hidden cell in a row or column is found by subtraction from its sum, so the next
    smallest count there is hidden too, until no row or column has just one.
    """
    counts = grid.to_numpy(float)
    hidden = (counts > 0) & (counts < smallest_cell)
    changed = True
    while changed:
        changed = False
        for covered, line in zip([*hidden.T, *hidden], [*counts.T, *counts], strict=True):
            shown = np.where(covered | (line == 0), np.inf, line)
            if covered.sum() == 1 and np.isfinite(shown).any():
                covered[shown.argmin()] = changed = True  # a view: it marks the grid
    return grid.astype(float).mask(hidden)


def _need_column(table: pd.DataFrame, column: str) -> None:
    if column not in table.columns:
        fix = suggest_name(column, table.columns)
        raise SegkitError(f"the customer table has no column '{column}'", fix=fix)


def join_segments(customers: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Add ``segment`` and ``segment_name`` to the customers who have one."""
    missing = [c for c in ("customer_id", *KEYS) if c not in segments.columns]
    if missing:
        fix = "Give what assign returned."
        raise SegkitError(f"the table of segments lacks {', '.join(missing)}", fix=fix)
    own = customers.drop(columns=KEYS, errors="ignore")
    placed = segments[["customer_id", *KEYS]].dropna(subset=["segment"])
    return own.merge(placed, on="customer_id", validate="one_to_one")


def name_numbers(joined: pd.DataFrame) -> pd.Series:
    """Return the segments' names by number, ascending."""
    return joined.drop_duplicates("segment").set_index("segment")["segment_name"].sort_index()
