"""What sets each segment apart from all customers, feature by feature.

``segments`` is what `Segmentation.assign` returned, or any table with ``customer_id``, ``segment``
and ``segment_name``. Customers without a segment are left out of every figure.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from segkit.core.privacy import suppress_cells
from segkit.features.own_features import describe_feature
from segkit.models.columns import read_numbers
from segkit.models.kinds import find_kind
from segkit.profiles.descriptors import KNOWN_BEFORE
from segkit.profiles.differences import (
    add_sources,
    compare_means,
    correct_comparisons,
    mark_columns,
)
from segkit.segmentation.members import join_segments

KNOWN_BEFORE |= {"source", "psychographic", "needs", "benefit"}
KEYS = ["segment", "segment_name"]
_PROFILE = "segment segment_name feature unit known_count mean median base_mean index difference_sd"
_PROFILE += " is_binary effect_size effect_low effect_high p_value"
_GIVEN = _PROFILE.split()[:4]
_EMPTY_PROFILE = pd.DataFrame(columns=_PROFILE.split())


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
    if columns is None:
        others = customers.columns.drop("customer_id", errors="ignore")
        columns = [name for name in others if find_kind(customers[name]) == "number"]
    chosen = list(columns)
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
    profile["by_construction"] = profile["feature"].isin(add_sources(made_by))
    profile["p_value"] = profile["p_value"].mask(profile["by_construction"])
    profile["is_marker"] = mark_columns(profile)
    return correct_comparisons(profile).sort_values("segment", kind="stable", ignore_index=True)


def keep_own_differences(profile: pd.DataFrame, *, count: int) -> pd.DataFrame:
    """Keep ``count`` features of a profile: each segment's strongest in turn, then its next."""
    strength = profile["difference_sd"].abs()
    turn = strength.groupby(profile["segment"]).rank(ascending=False, method="first")
    order = turn.dropna().sort_values(kind="stable").index
    kept = profile.loc[order, "feature"].drop_duplicates().head(count)
    return profile[profile["feature"].isin(kept)]
