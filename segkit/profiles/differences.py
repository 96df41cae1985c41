"""How far a segment differs from all other customers, how surely, and which columns mark it.

Segments were made to differ in the columns that they were made from: there a test says nothing
(Gao, Bien and Witten 2024, *JASA* 119, on testing after clustering), so such columns get an effect
size but no p-value. All other comparisons are corrected together.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import binom, gammaln, stdtr, stdtrit

LEVEL = 0.05
SHARE_FIGURES = ("difference", "difference_low", "difference_high", "p_value", "residual")
MARKER_DIFFERENCE, MARKER_RATIO, MARKER_SD = 0.25, 0.5, 0.5


def compare_means(values: np.ndarray, here: np.ndarray) -> dict[str, float]:
    """Compare the mean of those ``here`` with that of all others, in standard deviations.

    The effect size is Hedges' g: the difference of the means over the pooled standard deviation,
    times the correction for small samples (Hedges 1981, *Journal of Educational Statistics* 6,
    equation 6e). Its 95 % interval assumes neither normal values nor equal variances, for spend
    has neither: the variance is that of the influence function of g (delta method), and the
    degrees of freedom are Welch's. With normal values and equal variances it is the variance of
    Hedges and Olkin (1985, page 86). Of very skewed values in a small segment it is still too
    narrow: of lognormal values, twenty against two hundred, it held the truth in 88 % of draws.

    Parameters
    ----------
    values : numpy.ndarray
        Numbers (n,); NaN is left out.
    here : numpy.ndarray
        Whether each belongs to the segment (n,), boolean.

    Returns
    -------
    dict
        ``effect_size``, ``effect_low``, ``effect_high`` and ``p_value`` of Welch's (1947) t test;
        where neither side varies, the exact probability of so clean a division by lot. NaN where a
        side has fewer than two values.
    """
    known = np.isfinite(values)
    one, other = values[known & here], values[known & ~here]
    names = ["effect_size", "effect_low", "effect_high", "p_value"]
    nothing = dict.fromkeys(names, float("nan"))
    n, m = len(one), len(other)
    if min(n, m) < 2:
        return nothing
    scale = max(np.abs(one).max(), np.abs(other).max()) or 1.0
    one, other = one / scale, other / scale  # huge numbers, squared, would overflow
    spread = (n - 1) * one.var(ddof=1) + (m - 1) * other.var(ddof=1)
    pooled, difference = np.sqrt(spread / (n + m - 2)), one.mean() - other.mean()
    if pooled < 1e-12:
        apart = abs(difference) > 1e-12
        return nothing | {"p_value": min(1.0, 2 / binom(n + m, n)) if apart else 1.0}
    effect = difference / pooled
    freedom = n + m - 2
    small = np.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / np.sqrt(freedom / 2)
    parts = []
    for own, sign in ((one, 1), (other, -1)):
        z = (own - own.mean()) / pooled
        share = (len(own) - 1) / freedom
        influence = sign * z - effect / 2 * share * (z**2 - (z**2).mean())
        parts.append(influence.var(ddof=1) / len(own))
    error, free = _join_variances(*parts, n, m)
    reach = stdtrit(free, 0.975) * error
    error, free = _join_variances(one.var(ddof=1) / n, other.var(ddof=1) / m, n, m)
    p_value = 2 * stdtr(free, -abs(difference) / error)
    figures = small * effect, small * (effect - reach), small * (effect + reach), p_value
    return dict(zip(names, map(float, figures), strict=True))


def _join_variances(one: float, other: float, n: int, m: int) -> tuple[float, float]:
    """Return the standard error of a difference of means, and Welch's degrees of freedom."""
    return np.sqrt(one + other), (one + other) ** 2 / (one**2 / (n - 1) + other**2 / (m - 1))


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
        ``difference_high``, its 95 % interval by the hybrid score method (Newcombe 1998,
        *Statistics in Medicine* 17, method 10), ``p_value`` of the score test with pooled variance,
        and ``residual``, Pearson's: (count - expected) / sqrt(expected). NaN without others.
    """
    size, here = counts[:, None].astype(float), hits.astype(float)
    others, there = size.sum() - size, here.sum(axis=0) - here
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = here / size, there / others
        (low, high), (low_two, high_two) = _bound_share(one, size), _bound_share(two, others)
        difference = one - two
        down = np.sqrt((one - low) ** 2 + (high_two - two) ** 2)
        up = np.sqrt((high - one) ** 2 + (two - low_two) ** 2)
        whole = (here + there) / (size + others)
        error = np.sqrt(whole * (1 - whole) * (1 / size + 1 / others))
        p_value = np.where(error > 0, 2 * stats.norm.sf(np.abs(difference) / error), 1.0)
        expected = size * whole
        residual = (here - expected) / np.sqrt(expected)
    figures = [difference, difference - down, difference + up, p_value, residual]
    table = pd.DataFrame({n: f.ravel() for n, f in zip(SHARE_FIGURES, figures, strict=True)})
    table.loc[table["difference"].isna(), "p_value"] = np.nan
    return table


def _bound_share(share: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Wilson's (1927) 95 % interval of a share."""
    z = stats.norm.ppf(0.975)
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = share * (1 - share) / count + z**2 / (4 * count**2)
    reach = z * np.sqrt(reach) / (1 + z**2 / count)
    return centre - reach, centre + reach


def correct_comparisons(table: pd.DataFrame) -> pd.DataFrame:
    """Correct all p-values of a table together, and say what is still set apart.

    By Holm (1979, *Scandinavian Journal of Statistics* 6), which holds however the comparisons
    depend on each other: the risk that even one difference is called real by chance is 5 %.

    Returns
    -------
    pandas.DataFrame
        The table with ``adjusted_p_value`` and ``set_apart``; a missing p-value is no comparison.
    """
    p_values = table["p_value"].to_numpy(dtype=float, na_value=np.nan)
    order = np.argsort(p_values, kind="stable")  # NaN comes last
    count = int(np.isfinite(p_values).sum())
    adjusted = np.full(len(p_values), np.nan)
    steps = p_values[order[:count]] * np.arange(count, 0, -1)
    adjusted[order[:count]] = np.minimum(np.maximum.accumulate(steps), 1)
    return table.assign(adjusted_p_value=adjusted, set_apart=adjusted < LEVEL)


def judge_levels(levels: pd.DataFrame, *, made_by: Collection[str] = ()) -> pd.DataFrame:
    """Correct the comparisons of all descriptors' levels together.

    ``levels`` is what `count_descriptor` returned, with ``descriptor``. Adds ``by_construction``
    and what `correct_comparisons` adds; levels of unknown and pooled values are not compared.
    """
    made = levels["descriptor"].isin(made_by)
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
