"""Customers counted by what describes them, for all customers and by RFM scores."""

from __future__ import annotations

import pandas as pd

from segkit.features.dictionary import FEATURES
from segkit.segments.profiles import UNKNOWN
from segkit.segments.rules import RFM_COLUMNS, fit_rfm

MOST_VALUES = 40
OTHERS = "all others"


def list_descriptors(customers: pd.DataFrame) -> list[str]:
    """Return the categories that describe customers, but those with over forty values or one."""
    return [
        name
        for name in customers.columns
        if name in FEATURES
        and FEATURES[name].kind in ("category", "boolean")
        and 1 < customers[name].nunique() <= MOST_VALUES
    ]


def count_descriptors(
    customers: pd.DataFrame, *, value: str, most_levels: int = 6, smallest_cell: int = 5
) -> pd.DataFrame:
    """Count customers and sum their value by each level of each descriptor.

    Parameters
    ----------
    customers : DataFrame
        One row a customer.
    value : str
        Column that measures a customer's value.
    most_levels : int, optional
        The largest levels of each descriptor stay; the others are put together.
    smallest_cell : int, optional
        Levels with fewer customers join the others, which are left out if they are too few.

    Returns
    -------
    DataFrame
        ``base``, ``descriptor``, ``level``, ``customer_count``, ``customer_share``,
        ``value_share``, largest levels first within a descriptor.
    """
    tables = []
    for name in list_descriptors(customers):
        level = customers[name].astype(object).where(customers[name].notna(), UNKNOWN).astype(str)
        counts = level.value_counts()
        counts = counts.sort_index().sort_values(ascending=False, kind="stable")
        kept = counts[counts >= smallest_cell].index[:most_levels]
        level = level.where(level.isin(kept), OTHERS)
        table = (
            customers[value].fillna(0).groupby(level).agg(customer_count="size", value_sum="sum")
        )
        table = table.reindex([*kept, OTHERS]).dropna(subset=["customer_count"])
        table = table[table["customer_count"] >= smallest_cell]
        table = table.rename_axis("level").reset_index().astype({"customer_count": int})
        whole = customers[value].sum()
        tables.append(
            table.assign(
                base=FEATURES[name].base,
                descriptor=name.replace("_", " "),
                customer_share=table["customer_count"] / len(customers),
                value_share=table["value_sum"] / whole if whole > 0 else float("nan"),
            )
        )
    columns = ["base", "descriptor", "level", "customer_count", "customer_share", "value_share"]
    if not tables:
        return pd.DataFrame(columns=columns)
    return pd.concat(tables, ignore_index=True)[columns]


def count_rfm(customers: pd.DataFrame) -> pd.DataFrame:
    """Count customers by recency score and frequency score, each 1 (low) to 5 (high).

    Returns
    -------
    DataFrame
        ``recency_score``, ``frequency_score``, ``customer_count``.
    """
    rules, _ = fit_rfm(customers, RFM_COLUMNS, 6)
    recency, frequency, _ = rules.scores
    scores = pd.DataFrame(
        {
            "recency_score": _score(customers[recency.column], recency.cuts, -1),
            "frequency_score": _score(customers[frequency.column], frequency.cuts, 1),
        }
    )
    return scores.value_counts(sort=False).rename("customer_count").reset_index()


def _score(values: pd.Series, cuts: tuple[float, ...], sign: int) -> pd.Series:
    numbers = values.astype("float64") * sign
    return 1 + sum((numbers > cut * sign).astype(int) for cut in cuts)


def keep_largest_differences(profile: pd.DataFrame, *, count: int) -> pd.DataFrame:
    """Keep the features of a profile that differ most between segments, in the profile's order."""
    reach = profile.groupby("feature", sort=False)["difference_sd"].agg(lambda d: d.abs().max())
    kept = reach.dropna().sort_values(ascending=False, kind="stable").index[:count]
    return profile[profile["feature"].isin(kept)]


def keep_telling_levels(
    descriptors: pd.DataFrame, *, count: int, smallest_share: float = 0.05
) -> pd.DataFrame:
    """Keep the levels whose share in a segment differs most from their share among all.

    Parameters
    ----------
    descriptors : DataFrame
        ``descriptor``, ``segment_name``, ``value``, ``customer_count``, ``share``, ``base_share``,
        ``index``; suppressed cells are left out.
    count : int
        Most rows to keep.
    smallest_share : float, optional
        Levels with a smaller share, in the segment and among all, are left out.
    """
    shown = descriptors.dropna(subset=["customer_count", "share", "base_share"])
    shown = shown[shown["value"] != UNKNOWN]
    shown = shown[shown[["share", "base_share"]].max(axis=1) >= smallest_share]
    difference = (shown["share"] - shown["base_share"]).abs()
    columns = ["segment_name", "descriptor", "value", "customer_count", "share", "base_share"]
    order = difference.sort_values(ascending=False, kind="stable").index[:count]
    return shown.loc[order, [*columns, "index"]].reset_index(drop=True)
