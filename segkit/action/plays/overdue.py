"""When a customer is overdue: longer without a purchase than nine in ten gaps like theirs.

A customer's gaps between days with a purchase are taken to follow a gamma distribution whose scale
differs between customers; the few gaps of one are eked out by those of all. The limit is then set
so that so many of all gaps that ended with a purchase were shorter, and looked at on later gaps.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis import _, ir

from segkit.action.plays.histories import has_lines, list_sale_days
from segkit.core.absence import NO_PURCHASES
from segkit.core.statistics import bound_clustered_share
from segkit.features.expressions import keep_until
from segkit.features.sales import is_sale

FEWEST_GAPS = 200
MOST_FITTED = 20_000  # customers whose gaps the distribution is learned from
MOST_BEFORE = 40  # further gaps of a customer change the limit no more
BIN = 0.02  # gaps are counted in steps of 2 % of what they are set against
TOO_FEW_GAPS = "Too few gaps between purchases, fewer than 200, to tell who is overdue."
NOT_FOUND = "The gaps between purchases follow no distribution that could be found."


@dataclass(frozen=True)
class Rhythm:
    """How long customers wait, and from when on one is overdue.

    Attributes
    ----------
    shape, prior_count, prior_days : float
        k, a and b: gaps of a customer are gamma with shape k; their rates differ as a gamma with
        shape a and rate b.
    share : float
        The part of gaps that shall be shorter than the limit.
    level : float
        The quantile of the distribution that does it.
    reason : str
        Why nobody can be called overdue; empty where somebody can.
    """

    shape: float = np.nan
    prior_count: float = np.nan
    prior_days: float = np.nan
    share: float = 0.9
    level: float = np.nan
    reason: str = ""

    def find_ratios(self, gap_count: np.ndarray) -> np.ndarray:
        """Return the limit over (b + days between the purchases so far), by how many gaps.

        The quantile of the beta prime distribution, to which a gamma whose rate is gamma itself
        leads (Johnson, Kotz and Balakrishnan 1995, *Continuous Univariate Distributions* 2, 27).
        """
        from scipy.special import betaincinv

        seen = np.minimum(np.asarray(gap_count, dtype=float), MOST_BEFORE)
        part = betaincinv(self.shape, self.prior_count + self.shape * seen, self.level)
        return part / (1 - part)

    def find_limits(self, gap_count: np.ndarray, active_days: np.ndarray) -> np.ndarray:
        """Return the days after the last purchase from which each customer is overdue.

        Parameters
        ----------
        gap_count, active_days : ndarray, (n,)
            Gaps so far, and the days from the first purchase to the last. Of more than forty
            gaps the mean counts as if it were of forty.
        """
        gap_count = np.asarray(gap_count, dtype=float)
        seen = np.minimum(gap_count, MOST_BEFORE)
        days = np.asarray(active_days, dtype=float) * seen / np.maximum(gap_count, 1)
        return self.find_ratios(gap_count) * (self.prior_days + days)


def learn_rhythm(
    tables: Mapping[str, ir.Table],
    histories: pd.DataFrame,
    *,
    until: datetime.date,
    share: float = 0.9,
) -> Rhythm:
    """Learn from the purchases until a day how long customers wait.

    The last third of the time is left out of the gaps that set the limit: of those that began
    there only the short ones have ended.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
    histories : DataFrame
        Of `fetch_histories` on that day: ``day_count``, ``active_days``,
        ``recency_days``, ``log_gap_sum``.
    until : date
    share : float
        The part of gaps that shall be shorter than the limit.
    """
    if not has_lines(tables):
        return Rhythm(share=share, reason=NO_PURCHASES)
    if (histories["day_count"] - 1).sum() < FEWEST_GAPS:
        return Rhythm(share=share, reason=TOO_FEW_GAPS)
    values = fit_gaps(histories)
    if values is None:
        return Rhythm(share=share, reason=NOT_FOUND)
    rhythm = Rhythm(*values, share=share)
    gaps = list_gaps(tables, until=until)
    # From the first purchase until the day; what began in the last third is left out.
    whole = int((histories["active_days"] + histories["recency_days"]).max())
    settled = until - datetime.timedelta(days=whole // 3)
    counts = _count_gaps(gaps.filter(gaps.before <= ibis.literal(settled)), rhythm)
    if counts["gap_count"].sum() < FEWEST_GAPS:
        return Rhythm(share=share, reason=TOO_FEW_GAPS)
    return Rhythm(*values, share=share, level=_find_level(counts, rhythm))


def fit_gaps(histories: pd.DataFrame) -> tuple[float, float, float] | None:
    """Fit shape, prior count and prior days of gaps by maximum marginal likelihood.

    Of a customer with n gaps that sum up to S, and whose logarithms sum up to L, the logarithm of
    the likelihood is (k - 1) L - n log G(k) + a log b - log G(a) + log G(a + k n) - (a + k n)
    log(b + S), with the gamma function G: gamma gaps whose rate is gamma itself.

    Parameters
    ----------
    histories : DataFrame
        ``day_count``, ``active_days``, ``log_gap_sum``, one row a customer.

    Returns
    -------
    tuple of float or None
        k, a and b (days); None where no maximum is found.
    """
    from scipy.optimize import minimize
    from scipy.special import gammaln

    known = histories[histories["day_count"] > 1]
    known = known.iloc[:: max(1, -(-len(known) // MOST_FITTED))]
    count = (known["day_count"] - 1).to_numpy(float)
    scale = float((known["active_days"] / count).mean())
    days = known["active_days"].to_numpy(float) / scale
    logs = known["log_gap_sum"].to_numpy(float) - count * np.log(scale)

    def read_values(logarithms: np.ndarray) -> tuple[float, float, float]:
        # Where all customers are alike the prior count grows without end: it stops at e ** 8.
        shape, prior, middle = np.exp(np.clip(logarithms, -8, 8))
        return shape, prior, middle * prior / shape

    def measure_loss(logarithms: np.ndarray) -> float:
        shape, prior, rate = read_values(logarithms)
        total = prior + shape * count
        each = (shape - 1) * logs - count * gammaln(shape) + prior * np.log(rate)
        each = each - gammaln(prior) + gammaln(total) - total * np.log(rate + days)
        return float(-each.mean())

    found = minimize(
        measure_loss,
        np.log([1.0, 2.0, 1.0]),
        method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-8, "maxiter": 800},
    )
    shape, prior, rate = read_values(found.x)
    is_sound = np.isfinite(found.fun) and abs(found.x[0]) < 8 and abs(found.x[2]) < 8
    if not found.success or not is_sound:
        return None
    return float(shape), float(prior), float(rate * scale)


def list_gaps(tables: Mapping[str, ir.Table], *, until: datetime.date) -> ir.Table:
    """List the gaps that ended until a day, in the engine.

    Returns
    -------
    ibis.Table
        ``customer_id``, ``before`` and ``day`` (the days it began and ended on), ``gap``,
        ``seen_count`` (the customer's gaps before it), ``seen_days`` (their sum).
    """
    lines = keep_until(tables["order_lines"], "ordered_at", until)
    sales = lines.filter(lines.customer_id.notnull() & is_sale(lines))
    days = list_sale_days(sales)
    gaps = days.filter(days.before.notnull())
    seen = ibis.least(gaps.place - 1, MOST_BEFORE)
    before = gaps.before.delta(gaps["first"], unit="day")
    return gaps.select(
        "customer_id",
        "before",
        "day",
        gap=gaps.day.delta(gaps.before, unit="day"),
        seen_count=seen,
        seen_days=before * seen / ibis.greatest(gaps.place - 1, 1),
    )


def check_rhythm(
    tables: Mapping[str, ir.Table],
    rhythm: Rhythm,
    *,
    learned_until: datetime.date,
    as_of: datetime.date,
) -> pd.DataFrame:
    """Count how many gaps that began after a rhythm was learned were longer than its limit.

    Those that began in the second half of the time since are left out: of them only the short
    ones have ended.

    Returns
    -------
    DataFrame
        One row: ``customer_count``, ``gap_count``, ``stated_share``, ``over_share``, ``over_low``,
        ``over_high`` (gaps of a customer taken together); no rows where there are no gaps.
    """
    middle = learned_until + (as_of - learned_until) / 2
    gaps = list_gaps(tables, until=as_of)
    begun = (gaps.before > ibis.literal(learned_until)) & (gaps.before <= ibis.literal(middle))
    gaps = gaps.filter(begun)
    seen = np.arange(MOST_BEFORE + 1)
    limits = pd.DataFrame({"seen_count": seen, "ratio": rhythm.find_ratios(seen)})
    gaps = gaps.inner_join(ibis.memtable(limits), "seen_count")
    is_over = gaps.gap > gaps.ratio * (rhythm.prior_days + gaps.seen_days)
    own = gaps.group_by("customer_id").agg(trials=gaps.count(), hits=is_over.sum())
    own = own.select(trials=own.trials.cast("float64"), hits=own.hits.cast("float64"))
    sums = own.agg(
        customer_count=own.count(),
        gap_count=own.trials.sum(),
        hits=own.hits.sum(),
        hit_squares=(own.hits * own.hits).sum(),
        products=(own.hits * own.trials).sum(),
        trial_squares=(own.trials * own.trials).sum(),
    )
    found = sums.to_pandas()
    if not found["customer_count"].iloc[0]:
        return pd.DataFrame(columns=["customer_count", "gap_count", "stated_share", "over_share"])
    low, high = bound_clustered_share(
        found["hits"],
        found["gap_count"],
        hit_squares=found["hit_squares"],
        products=found["products"],
        trial_squares=found["trial_squares"],
        clusters=found["customer_count"],
    )
    return pd.DataFrame(
        {
            "customer_count": found["customer_count"].astype("int64"),
            "gap_count": found["gap_count"].astype("int64"),
            "stated_share": 1 - rhythm.share,
            "over_share": found["hits"] / found["gap_count"],
            "over_low": low,
            "over_high": high,
        }
    )


def _count_gaps(gaps: ir.Table, rhythm: Rhythm) -> pd.DataFrame:
    """Count gaps by how many there were before, and by their length over what is known."""
    ratio = gaps.gap / (rhythm.prior_days + gaps.seen_days)
    step = (ratio.ln() / BIN).floor().cast("int64")
    counts = gaps.group_by("seen_count", step=step).agg(gap_count=_.count())
    return counts.to_pandas()


def _find_level(counts: pd.DataFrame, rhythm: Rhythm) -> float:
    """Return the quantile that the wanted share of gaps lies below."""
    from scipy.special import betainc

    ratio = np.exp((counts["step"].to_numpy(float) + 0.5) * BIN)
    prior = rhythm.prior_count + rhythm.shape * counts["seen_count"].to_numpy(float)
    level = betainc(rhythm.shape, prior, ratio / (1 + ratio))
    order = np.argsort(level, kind="stable")
    below = np.cumsum(counts["gap_count"].to_numpy(float)[order])
    place = np.searchsorted(below, rhythm.share * below[-1])
    return float(np.clip(level[order][min(place, len(order) - 1)], 1e-6, 1 - 1e-6))
