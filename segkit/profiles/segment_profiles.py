"""What sets each segment apart from all customers, feature by feature.

``segments`` is what `Segmentation.assign` returned, or any table with ``customer_id``, ``segment``
and ``segment_name``. Customers without a segment are left out of every figure.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from pandas.api.typing import DataFrameGroupBy

from segkit.core.measures import LARGEST, OF_A_MEAN, SECOND, add_contributions, find_largest
from segkit.features.own_features import describe_feature
from segkit.models.columns import read_numbers
from segkit.models.kinds import find_kind
from segkit.profiles.differences import (
    add_sources,
    compare_means,
    correct_comparisons,
    mark_columns,
)
from segkit.segmentation.members import KEYS, join_segments

PROFILE_COLUMNS = [
    "segment",
    "segment_name",
    "feature",
    "unit",
    "known_count",
    "mean",
    "median",
    "base_count",
    "base_mean",
    "index",
    "difference_sd",
    "is_binary",
    "effect_size",
    "effect_low",
    "effect_high",
    "p_value",
    *(f"{name}{end}" for name in ("mean", "base_mean") for end in (OF_A_MEAN, LARGEST, SECOND)),
]


def profile_segments(
    customers: pd.DataFrame,
    segments: pd.DataFrame,
    *,
    columns: list[str] | None = None,
    made_by: Collection[str] = (),
) -> pd.DataFrame:
    """Compare each segment's mean with that of all customers, by numeric ``columns`` or by all.

    ``made_by`` names the columns that the segments were made from: they get no p-value.

    Returns
    -------
    pandas.DataFrame
        One row a segment and feature: ``segment``, ``segment_name``, ``feature``, ``unit``,
        ``known_count`` (customers of the segment with a value), ``mean``, ``median``,
        ``base_count`` and ``base_mean`` (of all customers with a value), ``index`` (100 is the
        base's mean; NaN where that is not positive),
        ``difference_sd`` (difference from the base's mean in standard deviations of all customers),
        ``is_binary`` (zeros and ones), ``effect_size``, ``effect_low``, ``effect_high`` and
        ``p_value`` (against all other customers, see `compare_means`), ``by_construction``,
        ``is_marker`` (see `mark_columns`), ``adjusted_p_value`` and ``set_apart`` (see
        `correct_comparisons`); the sums that the means are made of, with their largest
        contributions, for the gate.
    """
    chosen = list(columns) if columns is not None else _list_numbers(customers)
    numbers = {column: read_numbers(customers, column) for column in chosen}
    joined = join_segments(customers.assign(**numbers), segments).sort_values("customer_id")
    grouped = joined.groupby(KEYS)
    parts = [_profile_feature(joined, feature, grouped) for feature in chosen]
    profile = pd.concat(parts or [pd.DataFrame(columns=PROFILE_COLUMNS)])
    profile["by_construction"] = profile["feature"].isin(add_sources(made_by))
    profile["p_value"] = profile["p_value"].mask(profile["by_construction"])
    profile["is_marker"] = mark_columns(profile)
    return correct_comparisons(profile).sort_values("segment", kind="stable", ignore_index=True)


def _list_numbers(customers: pd.DataFrame) -> list[str]:
    others = customers.columns.drop("customer_id", errors="ignore")
    return [name for name in others if find_kind(customers[name]) == "number"]


def _profile_feature(joined: pd.DataFrame, feature: str, grouped: DataFrameGroupBy) -> pd.DataFrame:
    """Compare one feature's mean in each segment with that of all customers."""
    values = joined[feature]
    base_mean = values.mean()
    base_sd = values.std(ddof=0)
    part = grouped[feature].agg(["count", "mean", "median"])
    part = part.reset_index().rename(columns={"count": "known_count"})
    part["feature"] = feature
    part["unit"] = describe_feature(feature).unit
    part[f"mean{OF_A_MEAN}"] = part["mean"] * part["known_count"]
    names = joined["segment_name"]
    part = add_contributions(part, values, names, key="segment_name", name="mean")
    part["base_count"] = int(values.count())
    part[f"base_mean{OF_A_MEAN}"] = values.sum()
    part[f"base_mean{LARGEST}"], part[f"base_mean{SECOND}"] = find_largest(values)
    part["base_mean"] = base_mean
    part["index"] = 100 * part["mean"] / base_mean if base_mean > 0 else np.nan
    part["difference_sd"] = (part["mean"] - base_mean) / base_sd if base_sd > 0 else np.nan
    part["is_binary"] = bool(values.dropna().isin([0, 1]).all() and base_sd > 0)
    numbers = joined["segment"].to_numpy()
    compared = [compare_means(values.to_numpy(), numbers == number) for number in part["segment"]]
    return part.join(pd.DataFrame(compared, index=part.index))[PROFILE_COLUMNS]


def keep_own_differences(profile: pd.DataFrame, *, count: int) -> pd.DataFrame:
    """Keep ``count`` features of a profile: each segment's strongest in turn, then its next."""
    strength = profile["difference_sd"].abs()
    turn = strength.groupby(profile["segment"]).rank(ascending=False, method="first")
    order = turn.dropna().sort_values(kind="stable").index
    kept = profile.loc[order, "feature"].drop_duplicates().head(count)
    return profile[profile["feature"].isin(kept)]
