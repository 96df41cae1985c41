"""How long until something happens, when for some it has not happened yet.

Everything works on counts: a row says how many ended, and how many were still waiting when they
were last looked at (censored), after each duration. So rows of millions can be counted in the
engine, and only as many rows come here as there are different durations. It agrees with
statsmodels' ``SurvfuncRight`` and ``survdiff`` (tests/test_survival.py), which want a row each and
take a second to import.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from segkit.core.errors import SegkitError
from segkit.core.statistics import find_reach

COUNTS = ["event_count", "censored_count"]
NEEDED = ["duration", *COUNTS]
HALF = 0.5
# A product of shares such as 1/2 is a little off where it cannot be stored exactly.
TINY = 1e-12


class LogRank(NamedTuple):
    """The log-rank test of groups: chi-square, degrees of freedom, p-value; NaN without a test."""

    statistic: float
    freedom: int
    p_value: float


def estimate_survival(table: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """Return the share for whom it has not happened yet, after each duration.

    The estimate of Kaplan and Meier (1958), *Journal of the American Statistical Association* 53.
    Its standard error is Greenwood's (1926); its 95 % interval is that of the logarithm of the
    negative logarithm, which stays within 0 and 1: Kalbfleisch and Prentice (1980), *The
    Statistical Analysis of Failure Time Data*, section 1.4.

    Parameters
    ----------
    table : DataFrame
        duration (in any unit, 0 or more), event_count (to how many it happened then) and
        censored_count (how many had waited so long when they were last looked at). A duration may
        stand in several rows. Where both happen at one duration, the events come first.
    by : str, optional
        A column of groups, each with a curve of its own.

    Returns
    -------
    DataFrame
        The group, duration (ascending), at_risk (how many waited at least so long), event_count,
        censored_count, survival, error (its standard error), low and high. The interval is missing
        before the first event and where nobody is left.

    Raises
    ------
    SegkitError
        If a column is missing, a group is, or a duration or a count is missing or below 0.

    Examples
    --------
    >>> waits = pd.DataFrame(
    ...     {"duration": [1, 2, 3], "event_count": [1, 1, 1], "censored_count": [0, 1, 0]}
    ... )
    >>> estimate_survival(waits)[["duration", "at_risk", "survival"]].round(3).values.tolist()
    [[1.0, 4.0, 0.75], [2.0, 3.0, 0.5], [3.0, 1.0, 0.0]]
    """
    curve = _count_durations(table, by)
    keys = _find_keys(curve, by)
    ended = curve["event_count"] + curve["censored_count"]
    at_risk = ended[::-1].groupby(keys[::-1]).cumsum()[::-1]
    left = at_risk - curve["event_count"]
    kept = left / at_risk.where(at_risk > 0, 1.0)
    kept = kept.where(at_risk > 0, 1.0)
    part = curve["event_count"] / (at_risk * left).where(left > 0)
    survival = kept.groupby(keys).cumprod()
    variance = part.fillna(0.0).groupby(keys).cumsum()
    error = (survival * np.sqrt(variance)).where(survival > 0)
    low, high = bound_survival(survival, error)
    curve.insert(curve.columns.get_loc("duration") + 1, "at_risk", at_risk)
    return curve.assign(survival=survival, error=error, low=low, high=high)


def bound_survival(survival: pd.Series, error: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return both ends of the 95 % interval of survival from its standard error.

    As `estimate_survival` does; for errors that were made larger since. Missing where survival is 0
    or 1.
    """
    is_between = (survival > 0) & (survival < 1)
    share = survival.where(is_between)
    spread = find_reach() * error / (share * np.log(share).abs())
    return share ** np.exp(spread), share ** np.exp(-spread)


def find_survival_median(curve: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """Return the duration after which it has happened to half, with its 95 % interval.

    The interval is that of Brookmeyer and Crowley (1982), *Biometrics* 38: the durations of which
    the survival's own interval leaves a half possible.

    Parameters
    ----------
    curve : DataFrame
        Of `estimate_survival`.
    by : str, optional
        Its column of groups.

    Returns
    -------
    DataFrame
        The group, median, low and high, one row a group. What was not reached is missing: more than
        half were still waiting at the end.

    Examples
    --------
    >>> waits = pd.DataFrame(
    ...     {"duration": [1, 2, 3], "event_count": [1, 1, 1], "censored_count": [0, 1, 0]}
    ... )
    >>> find_survival_median(estimate_survival(waits))["median"].tolist()
    [2.0]
    """
    found = []
    for key, rows in _list_groups(curve, by):
        duration = rows["duration"]
        is_gone = rows["survival"] <= 0  # its interval is missing; nobody is left
        ends = {
            "median": rows["survival"] <= HALF + TINY,
            "low": (rows["low"] <= HALF + TINY) | is_gone,
            "high": rows["high"] < HALF,
        }
        reached = {end: duration[is_past].min() for end, is_past in ends.items()}
        found.append(key | reached)
    columns = [*_list_names(by), "median", "low", "high"]
    return pd.DataFrame(found, columns=columns)


def read_survival(
    curve: pd.DataFrame, durations: Sequence[float], *, by: str | None = None
) -> pd.DataFrame:
    """Return the survival after given durations; missing beyond the last one that was seen.

    Returns
    -------
    DataFrame
        The group, duration, at_risk (how many waited longer), survival, error, low and high; one
        row a group and duration. Before the first event survival is 1.
    """
    found = []
    for key, rows in _list_groups(curve, by):
        known = rows["duration"].to_numpy(float)
        is_gone = rows["survival"].iloc[-1] <= 0
        for duration in durations:
            place = int(np.searchsorted(known, duration, side="right")) - 1
            is_seen = is_gone or duration <= known[-1]
            found.append(key | {"duration": duration} | _read_row(rows, place, is_seen=is_seen))
    columns = [*_list_names(by), "duration", "at_risk", "survival", "error", "low", "high"]
    return pd.DataFrame(found, columns=columns)


def find_restricted_mean(
    curve: pd.DataFrame, *, until: float, by: str | None = None
) -> pd.DataFrame:
    """Return the mean time waited up to ``until``: the area under the survival curve.

    Who waits longer counts with ``until``; so the mean needs no guess about what was not seen.
    Its variance is of Klein and Moeschberger (2003), *Survival Analysis*, equation 4.5.2.

    Returns
    -------
    DataFrame
        The group, restricted_mean, low and high (95 %), one row a group; missing where nobody was
        watched so long.

    Raises
    ------
    SegkitError
        If ``until`` is not above 0.
    """
    if not until > 0:
        raise SegkitError(
            "a mean up to a time needs a time above 0", where="until", found=f"{until}"
        )
    found = []
    for key, rows in _list_groups(curve, by):
        is_seen = rows["survival"].iloc[-1] <= 0 or until <= rows["duration"].iloc[-1]
        mean, error = _find_area(rows, until) if is_seen else (np.nan, np.nan)
        reach = find_reach() * error
        low, high = np.clip([mean - reach, mean + reach], 0, until)
        found.append(key | {"restricted_mean": mean, "low": low, "high": high})
    columns = [*_list_names(by), "restricted_mean", "low", "high"]
    return pd.DataFrame(found, columns=columns)


def compare_survival(table: pd.DataFrame, *, by: str) -> LogRank:
    """Test whether the groups wait equally long: the log-rank test (Mantel 1966).

    *Cancer Chemotherapy Reports* 50; of several groups as Peto and Peto (1972) have it. It takes
    every row as independent of the others.

    Parameters
    ----------
    table : DataFrame
        As of `estimate_survival`.
    by : str
        The column of groups. A group in which nobody waits is none.

    Returns
    -------
    LogRank
        NaN and no degrees of freedom where there are fewer than two groups, or no event while two
        of them wait.
    """
    expected, covariance = find_log_rank_parts(table, by=by)
    surplus = expected["event_count"] - expected["expected_count"]
    return judge_surplus(surplus.to_numpy(float), covariance)


def find_log_rank_parts(table: pd.DataFrame, *, by: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return what the log-rank test compares: events and those expected, and their covariance.

    Returns
    -------
    DataFrame
        The group, event_count and expected_count (had all groups waited equally long), in the order
        of the groups.
    array (groups, groups)
        The covariance of their difference: the multivariate hypergeometric's, summed up.
    """
    counted = _count_durations(table, by)
    at_risk, events = _spread_groups(counted, by)
    risk = at_risk.sum(axis=1, keepdims=True)
    event = events.sum(axis=1, keepdims=True)
    share = np.divide(at_risk, risk, out=np.zeros_like(at_risk), where=risk > 0)
    # Where a single one waits, nothing varies.
    factor = event * (risk - event) / np.maximum(risk - 1, 1)
    own = np.diag((factor * share).sum(axis=0))
    covariance = own - (factor * share).T @ share
    names = sorted(counted[by].unique())
    expected = pd.DataFrame({by: names, "event_count": events.sum(axis=0)})
    return expected.assign(expected_count=(event * share).sum(axis=0)), covariance


def judge_surplus(surplus: np.ndarray, covariance: np.ndarray) -> LogRank:
    """Return the test that differences (k,) with a covariance (k, k) are 0, and add up to 0.

    The covariance has a rank of k - 1 at most; what varies is tested, by its pseudo-inverse.
    """
    from scipy.special import chdtrc

    varies = np.diag(covariance) > TINY
    freedom = int(varies.sum()) - 1
    if freedom < 1:
        return LogRank(np.nan, 0, np.nan)
    surplus, covariance = surplus[varies], covariance[np.ix_(varies, varies)]
    # The differences add up to 0, so that the last one says nothing more.
    solved = np.linalg.lstsq(covariance[:-1, :-1], surplus[:-1], rcond=None)[0]
    statistic = float(surplus[:-1] @ solved)
    return LogRank(statistic, freedom, float(chdtrc(freedom, statistic)))


def _count_durations(table: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """Return one row a group and duration, in their order; what cannot be counted is refused."""
    groups = _list_names(by)
    missing = [column for column in [*groups, *NEEDED] if column not in table]
    if missing:
        raise SegkitError(
            "survival is estimated from counts by duration",
            where="columns of the table",
            found=f"no {', '.join(missing)}",
            fix=f"Count first: {', '.join(NEEDED)}.",
        )
    numbers = table[NEEDED].astype(float)
    is_wrong = ~(np.isfinite(numbers) & (numbers >= 0)).all(axis=1)
    is_wrong |= table[groups].isna().any(axis=1)
    if is_wrong.any():
        raise SegkitError(
            "a group, a duration or a count is missing, infinite or below 0",
            where="table of durations",
            found=f"{int(is_wrong.sum())} rows of {len(table)}",
            fix="Leave out what ended before it began, and say how many there were.",
        )
    numbers = pd.concat([table[groups], numbers], axis=1)
    return numbers.groupby([*groups, "duration"], as_index=False, observed=True)[COUNTS].sum()


def _spread_groups(counted: pd.DataFrame, by: str) -> tuple[np.ndarray, np.ndarray]:
    """Return how many wait, and to how many it happens: arrays (durations, groups)."""
    ended = counted.assign(ended=counted[COUNTS].sum(axis=1))
    events, ended = (
        ended.pivot(index="duration", columns=by, values=column).fillna(0.0).to_numpy(float)
        for column in ("event_count", "ended")
    )
    return ended[::-1].cumsum(axis=0)[::-1], events


def _find_area(rows: pd.DataFrame, until: float) -> tuple[float, float]:
    """Return the area under a curve up to a time, and its standard error."""
    before = rows[rows["duration"] < until]
    starts = np.concatenate([[0.0], before["duration"]])
    heights = np.concatenate([[1.0], before["survival"]])
    widths = np.diff([*starts, until])
    areas = heights * widths
    left = before["at_risk"] - before["event_count"]
    part = before["event_count"] / (before["at_risk"] * left).where(left > 0)
    after = areas[::-1].cumsum()[::-1][1:]
    return float(areas.sum()), float(np.sqrt((after**2 * part.fillna(0.0)).sum()))


def _read_row(rows: pd.DataFrame, place: int, *, is_seen: bool) -> dict[str, float]:
    """Return the survival at a place of a curve; before its first row nothing has happened."""
    names = ["survival", "error", "low", "high"]
    at_risk = float(rows["at_risk"].iloc[min(place + 1, len(rows) - 1)])
    if place + 1 == len(rows):
        at_risk = 0.0
    if not is_seen:
        return {"at_risk": 0.0} | dict.fromkeys(names, np.nan)
    if place < 0:
        return {"at_risk": at_risk, "survival": 1.0, "error": 0.0, "low": np.nan, "high": np.nan}
    return {"at_risk": at_risk} | rows[names].iloc[place].to_dict()


def _find_keys(table: pd.DataFrame, by: str | None) -> pd.Series:
    """Return each row's group; one for all without groups."""
    return pd.Series(0, index=table.index) if by is None else table[by]


def _list_groups(table: pd.DataFrame, by: str | None) -> list[tuple[dict, pd.DataFrame]]:
    """Return each group's name, as the start of a row, with its rows."""
    if by is None:
        return [({}, table)] if len(table) else []
    return [({by: name}, rows) for name, rows in table.groupby(by, observed=True)]


def _list_names(by: str | None) -> list[str]:
    """Return the columns that name a group."""
    return [] if by is None else [by]
