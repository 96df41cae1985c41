"""Each group's share against that of all others, corrected for all that are compared."""

from __future__ import annotations

import numpy as np

from segkit.core.statistics import ALPHA, correct_p_values, find_share_p_value


def compare_with_others(
    hits: np.ndarray, trials: np.ndarray, *, whole_hits: np.ndarray, whole_trials: np.ndarray
) -> dict[str, np.ndarray]:
    """Compare each group's share with that of all others, corrected for all comparisons (Holm).

    By the score test of two shares, see `segkit.core.statistics.find_share_p_value`. Of a group
    without trials, or without any others, nothing is known.

    Parameters
    ----------
    hits, trials : ndarray of float, (n,)
        Of each group.
    whole_hits, whole_trials : ndarray of float, (n,)
        Of the group and all others.

    Returns
    -------
    dict of str to ndarray, (n,)
        ``other_share`` (of all others), ``corrected_p_value`` and ``is_different``.

    Examples
    --------
    >>> whole = {"whole_hits": np.array([60.0, 60]), "whole_trials": np.array([100.0, 100])}
    >>> found = compare_with_others(np.array([40.0, 20]), np.array([50.0, 50]), **whole)
    >>> found["other_share"].tolist(), found["is_different"].tolist()
    ([0.4, 0.8], [True, True])
    """
    other_hits, other_trials = whole_hits - hits, whole_trials - trials
    is_compared = (trials > 0) & (other_trials > 0)
    other_share, p_values = np.full((2, len(hits)), np.nan)
    other_share[is_compared] = other_hits[is_compared] / other_trials[is_compared]
    p_values[is_compared] = find_share_p_value(
        hits[is_compared],
        trials[is_compared],
        other_hits=other_hits[is_compared],
        other_trials=other_trials[is_compared],
    )
    corrected = correct_p_values(p_values)
    return {
        "other_share": other_share,
        "corrected_p_value": corrected,
        "is_different": np.nan_to_num(corrected, nan=1.0) < ALPHA,
    }
