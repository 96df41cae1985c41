"""Control limits of a figure by month: what it does by itself, and which months are a signal.

A signal is a reason to look, not a cause: the limits say that a month is unlike the others, and
nothing of why.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FEWEST_POINTS = 12  # fewer do not tell what a figure does by itself
RUN_LENGTH = 8  # months on one side: Western Electric (1956), Statistical Quality Control Handbook
MOVING_RANGE = 2.66  # 3 / 1.128, of two values: Wheeler (1993), Understanding Variation
OF_A_RANGE = 1.128  # the mean range of two standard normal values
SIGMAS = 3.0
NO_LIMITS = "too few months for limits"
INDIVIDUALS = "individuals chart"
SHARES = "p chart"
LANEY = "Laney's p′ chart"


class Limits(NamedTuple):
    """The limits of a series.

    Attributes
    ----------
    chart : str
        *individuals chart*, *p chart* or *Laney's p′ chart*; empty where there are too few points.
    centre : float
    low, high : ndarray of float, (n,)
        Of each point, NaN where it is missing.
    is_outside : ndarray of bool, (n,)
        Which points lie outside the limits.
    is_run : ndarray of bool, (n,)
        Which points are the eighth or later of a run on one side of the centre of the points that
        lie within the limits.
    spread : float
        Of shares, how many times as much they vary as independent trials would (Laney's sigma z);
        NaN of others.
    """

    chart: str
    centre: float
    low: np.ndarray
    high: np.ndarray
    is_outside: np.ndarray
    is_run: np.ndarray
    spread: float = np.nan


def find_limits(values: np.ndarray, trials: np.ndarray | None = None) -> Limits:
    """Return the control limits of figures in their order in time.

    Without ``trials`` they are those of an individuals chart: the mean and 2.66 times the mean
    moving range to each side (Shewhart 1931; Wheeler 1993), of figures that are never below zero
    no lower than that. Shares with their ``trials`` have three
    standard errors to each side of the common share, wider where the trials are few (a p chart),
    and as many times wider as the shares vary more than independent trials would: Laney (2002),
    Improved control charts for attributes, *Quality Engineering* 14. Where they vary less, the
    limits stay those of the p chart.

    Parameters
    ----------
    values : ndarray of float, (n,)
        Missing ones are NaN, and no part of any range between neighbours.
    trials : ndarray of float, (n,), optional
        The trials behind each share.

    Returns
    -------
    Limits
        Without limits where fewer than twelve values are known.

    Examples
    --------
    >>> figures = np.array([10.0, 12, 10, 12, 10, 12, 10, 12, 10, 12, 10, 30])
    >>> limits = find_limits(figures)  # the mean is 12.5, the mean moving range 40 / 11
    >>> round(float(limits.high[0]), 2), limits.is_outside.nonzero()[0].tolist()
    (22.17, [11])
    """
    values = np.asarray(values, dtype=float)
    known = np.isfinite(values)
    if trials is not None:
        trials = np.asarray(trials, dtype=float)
        known &= trials > 0
    nothing = np.full(len(values), np.nan)
    never = np.zeros(len(values), dtype=bool)
    if known.sum() < FEWEST_POINTS:
        return Limits("", np.nan, nothing, nothing, never, never)
    if trials is None:
        centre = float(values[known].mean())
        reach = MOVING_RANGE * np.abs(np.diff(values[known])).mean()
        weights = known.astype(float)
        found = _mark(values, weights, INDIVIDUALS, centre, reach=np.full(len(values), reach))
        is_positive = bool((values[known] >= 0).all())
        return found._replace(low=np.clip(found.low, 0, None)) if is_positive else found
    weights = np.where(known, trials, 0.0)
    centre = float((values[known] * trials[known]).sum() / trials[known].sum())
    error = np.sqrt(centre * (1 - centre) / np.where(known, trials, np.nan))
    if not centre * (1 - centre) > 0:
        return _mark(values, weights, SHARES, centre, reach=np.zeros(len(values)))
    scores = (values[known] - centre) / error[known]
    spread = float(np.abs(np.diff(scores)).mean() / OF_A_RANGE)
    chart = LANEY if spread > 1 else SHARES
    found = _mark(values, weights, chart, centre, reach=SIGMAS * error * max(spread, 1.0))
    return found._replace(
        low=np.clip(found.low, 0, 1), high=np.clip(found.high, 0, 1), spread=spread
    )


def _mark(
    values: np.ndarray, weights: np.ndarray, chart: str, centre: float, *, reach: np.ndarray
) -> Limits:
    """Return limits at a reach around the centre, with the signals.

    Runs are those around the centre of the months within the limits: one far month moves the
    centre of all, and the others would lie on its other side.
    """
    known = weights > 0
    tiny = 1e-9 * max(abs(centre), 1e-9)  # what is equal must not lie outside by its last bits
    low = np.where(known, centre - reach, np.nan)
    high = np.where(known, centre + reach, np.nan)
    with np.errstate(invalid="ignore"):
        is_outside = known & ((values < low - tiny) | (values > high + tiny))
    within = np.where(is_outside, 0.0, weights)
    middle = centre
    if within.sum() > 0:
        middle = float((np.nan_to_num(values) * within).sum() / within.sum())
    shown = np.where(np.abs(values - middle) <= tiny, middle, values)
    return Limits(chart, centre, low, high, is_outside, find_runs(shown, middle))


def find_runs(values: np.ndarray, centre: float) -> np.ndarray:
    """Return which values are the eighth or later in a row on one side of the centre.

    A value on the centre, or a missing one, ends a run.

    >>> find_runs(np.array([1.0] * 9 + [-1.0]), 0.0).nonzero()[0].tolist()
    [7, 8]
    """
    found = np.zeros(len(values), dtype=bool)
    length = 0
    side = 0.0
    for place, value in enumerate(values):
        now = float(np.sign(value - centre)) if np.isfinite(value) else 0.0
        length = length + 1 if now and now == side else int(bool(now))
        side = now
        found[place] = length >= RUN_LENGTH
    return found
