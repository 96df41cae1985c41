"""How far a segment differs from all other customers, how surely, and which columns mark it.

Segments were made to differ in the columns that they were made from: there a test says nothing
(Gao, Bien and Witten 2024, *JASA* 119, on testing after clustering), so such columns get an effect
size but no p-value. All other comparisons are corrected together.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from segkit.core.statistics import (
    ALPHA,
    bound_share_difference,
    correct_p_values,
    find_clean_division_p_value,
    find_mean_p_value,
    find_share_p_value,
    measure_effect,
)
from segkit.features.journey import STAGE_COLUMNS

MEAN_FIGURES = ("effect_size", "effect_low", "effect_high", "p_value")
SHARE_FIGURES = ("difference", "difference_low", "difference_high", "p_value", "residual")
MARKER_DIFFERENCE = 0.25
MARKER_RATIO = 0.5
MARKER_SD = 0.5


def compare_means(values: np.ndarray, here: np.ndarray) -> dict[str, float]:
    """Compare the mean of those ``here`` with that of all others, in standard deviations.

    Parameters
    ----------
    values : numpy.ndarray
        Numbers (n,); NaN is left out.
    here : numpy.ndarray
        Whether each belongs to the segment (n,), boolean.

    Returns
    -------
    dict
        ``effect_size``, ``effect_low``, ``effect_high``, see `measure_effect`, and ``p_value`` of
        Welch's t test; where neither side varies, the exact probability of so clean a division by
        lot. NaN where a side has fewer than two values.
    """
    known = np.isfinite(values)
    one = values[known & here]
    other = values[known & ~here]
    figures = dict.fromkeys(MEAN_FIGURES, float("nan"))
    if min(len(one), len(other)) < 2:
        return figures
    scale = max(np.abs(one).max(), np.abs(other).max()) or 1.0
    one = one / scale  # huge numbers, squared, would overflow
    other = other / scale
    if max(one.std(), other.std()) < 1e-12:
        is_apart = abs(one.mean() - other.mean()) > 1e-12
        by_lot = find_clean_division_p_value(len(one), len(other))
        return figures | {"p_value": by_lot if is_apart else 1.0}
    effect, low, high = measure_effect(one, other)
    p_value = find_mean_p_value(one, other)
    return dict(zip(MEAN_FIGURES, (effect, low, high, p_value), strict=True))


def compare_shares(hits: np.ndarray, counts: np.ndarray) -> pd.DataFrame:
    """Compare the share of each cell's segment with that of all other customers.

    Parameters
    ----------
    hits : numpy.ndarray
        Customers by segment and level (s, l).
    counts : numpy.ndarray
        Customers of each segment (s,).

    Returns
    -------
    pandas.DataFrame
        One row a cell, segment by segment: ``difference`` of the shares, ``difference_low`` and
        ``difference_high``, see `bound_share_difference`, ``p_value``, see `find_share_p_value`,
        and ``residual``, Pearson's: (count - expected) / sqrt(expected). NaN without others.
    """
    here = hits.astype(float)
    there = here.sum(axis=0) - here
    size = np.broadcast_to(counts[:, None].astype(float), here.shape)
    others = counts.sum() - size
    low, high = bound_share_difference(here, size, other_hits=there, other_trials=others)
    p_value = find_share_p_value(here, size, other_hits=there, other_trials=others)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = here / size - there / others
        expected = size * (here + there) / (size + others)
        residual = (here - expected) / np.sqrt(expected)
    figures = [difference, low, high, p_value, residual]
    return pd.DataFrame({n: f.ravel() for n, f in zip(SHARE_FIGURES, figures, strict=True)})


def correct_comparisons(table: pd.DataFrame) -> pd.DataFrame:
    """Correct all p-values of a table together, and say what is still set apart.

    See `correct_p_values`: the risk that even one difference is called real by chance is 5 %.

    Returns
    -------
    pandas.DataFrame
        The table with ``adjusted_p_value`` and ``set_apart``; a missing p-value is no comparison.
    """
    adjusted = correct_p_values(table["p_value"].to_numpy(dtype=float, na_value=np.nan))
    return table.assign(adjusted_p_value=adjusted, set_apart=adjusted < ALPHA)


def add_sources(made_by: Collection[str]) -> set[str]:
    """Return the columns that made the segments, and those that the stage among them comes from."""
    sources = STAGE_COLUMNS if "journey_stage" in made_by else ()
    return {*made_by, *sources}


def judge_levels(levels: pd.DataFrame, *, made_by: Collection[str] = ()) -> pd.DataFrame:
    """Correct the comparisons of all descriptors' levels together.

    ``levels`` is what `count_descriptor` returned, with ``descriptor``. Adds ``by_construction``
    and what `correct_comparisons` adds; levels of unknown and pooled values are not compared.
    """
    made = levels["descriptor"].isin(add_sources(made_by))
    hidden = made | levels["value"].isin(["unknown", "other"])
    judged = levels.assign(by_construction=made, p_value=levels["p_value"].mask(hidden))
    return correct_comparisons(judged)


def mark_columns(profile: pd.DataFrame) -> pd.Series:
    """Say which rows of a profile are markers: columns that a segment is known by.

    A column of zeros and ones is a marker where the segment's share differs from that of all
    customers by more than .25, or by more than half of it (Dolnicar and Leisch 2014, *Marketing
    Letters* 25; Dolnicar, Gruen and Leisch 2018, *Market Segmentation Analysis*, step 6). Other
    numbers have no such rule: here it is more than half a standard deviation of all customers,
    a medium effect (Cohen 1988), which is the same .25 at a share of one half.
    """
    difference = (profile["mean"] - profile["base_mean"]).abs()
    binary = difference > np.minimum(MARKER_DIFFERENCE, MARKER_RATIO * profile["base_mean"].abs())
    numeric = profile["difference_sd"].abs() > MARKER_SD
    return binary.where(profile["is_binary"].astype(bool), numeric).astype(bool)


def rank_descriptors(levels: pd.DataFrame) -> pd.DataFrame:
    """Rank descriptors by how far they go with the segments, the strongest first.

    Cramer's V (Cramer 1946) of the cells shown: the root of the mean squared Pearson residual, 0
    where every segment has the same shares, 1 where the descriptor and the segments are one.
    Hidden cells count nothing, so V is at least what is stated. ``levels`` is what `judge_levels`
    returned; descriptors that made the segments are left out.

    Returns
    -------
    pandas.DataFrame
        ``descriptor``, ``level_count``, ``cramers_v``, ``set_apart_count`` (cells that hold after
        the correction).
    """
    rows = []
    for name, part in levels.groupby("descriptor", sort=False):
        smaller = min(part["segment"].nunique(), part["value"].nunique()) - 1
        whole = part["base_count"].iloc[0]
        evidence = not part["by_construction"].any() and part["residual"].notna().any()
        if evidence and smaller > 0:
            residuals = part["residual"].astype(float)
            strength = np.sqrt(np.nansum(residuals**2) / whole / smaller)
            sure = int(part["set_apart"].fillna(False).sum())
            rows.append((name, part["value"].nunique(), min(strength, 1.0), sure))
    columns = ["descriptor", "level_count", "cramers_v", "set_apart_count"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("cramers_v", ascending=False, kind="stable", ignore_index=True)
