"""MBG/CNBD-k: regular purchases until a customer leaves, at once after one of them.

The time between two purchases is that of k events of a Poisson process, of which each k-th is a
purchase (Erlang-k): the larger k, the more regular. Customers may leave after the first purchase
too. With k = 1 this is MBG/NBD. What is known of a customer who is still there is a mixture over
the events since the last purchase, 0 to k - 1; expectations are exact sums over it.

References
----------
Batislam, Denizel and Filiztekin (2007), "Empirical validation and comparison of models for
customer base analysis", *International Journal of Research in Marketing* 24(3);
Reutterer, Platzer and Schröder (2021), "Leveraging purchase regularity for predicting customer
behavior the easy way", *International Journal of Research in Marketing* 38(1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import betainc, betaln, digamma, gammaln, xlogy, zeta

from segkit.core.arguments import require_number
from segkit.models.lifetime.mixtures import share_causes, sum_mixture
from segkit.models.lifetime.peaks import (
    LEAST_DROPOUT,
    MOST_RATE,
    History,
    Peak,
    check_history,
    climb,
    count_alike,
    list_pairs,
    rescale,
)

PART_ROWS = 1 << 12
MOST_REGULAR = 12
LEAST_FROM_ONE = 1e-6
# A sum over events runs so many standard deviations around the mean, and down a tail to e^-22.
WIDTH = 9.0
LOG_TAIL = 22.0
POINTS = 32
CHEBYSHEV = np.cos((2 * np.arange(POINTS) + 1) * np.pi / (2 * POINTS))
STARTS = ((0.0, 0.0, 0.0, 0.0), (-1.0, -1.0, 0.0, 1.0), (1.0, 1.0, -1.0, 0.0))


class MbgCnbd(NamedTuple):
    """MBG/CNBD-k; ``alpha`` is in units of time.

    Events are Poisson at a rate that is Gamma(r, alpha) over customers, and each ``k``-th is a
    purchase; after each purchase, the first among them, a customer leaves with a probability that
    is Beta(a, b) over customers.
    """

    r: float
    alpha: float
    a: float
    b: float
    k: int = 1

    @property
    def title(self) -> str:
        """The model's name."""
        return f"MBG/CNBD-{self.k}" if self.k > 1 else "MBG/NBD"

    def find_active_probability(self, history: History) -> np.ndarray:
        """Return the probability that each customer is still there."""
        return 1 - self._share_stages(history)[:, 0]

    def measure_histories(self, history: History) -> np.ndarray:
        """Return the log-likelihood of each customer's history.

        Without (k - 1) times the sum of the logarithms of its gaps, which a history does not have.
        """
        r, alpha, a, b, k = self
        columns = [np.asarray(column, dtype=float) for column in history]
        x = columns[0]
        shared = gammaln(r + k * x) - gammaln(r) + r * np.log(alpha) - x * gammaln(k)
        shared += betaln(a, b + x + 1) - betaln(a, b)
        return shared + share_causes(_weigh_causes(self[:4], *columns, k=k))[1]

    def _share_stages(self, history: History) -> np.ndarray:
        """Return the probability of having left, and of 0 to k - 1 events since the last purchase.

        A row for each customer.
        """
        columns = [np.asarray(column, dtype=float) for column in history]
        return share_causes(_weigh_causes(self[:4], *columns, k=self.k))[0]

    def expect_purchases(self, history: History, horizons: Sequence[float]) -> np.ndarray:
        """Return the purchases expected within each horizon (rows) of each customer (columns).

        With j events since the last purchase the m-th purchase comes if there are mk - j more,
        whose number is negative binomial, and if the customer stays after the m - 1 before it.
        """
        count, tenure, places = list_pairs(history)
        stages = self._share_stages(history)[:, 1:]
        horizons = np.asarray(horizons, dtype=float)
        by_stage = self._expect_by_stage(count, tenure, horizons)
        return np.einsum("hcs,cs->hc", by_stage[:, places], stages)

    def _expect_by_stage(
        self, repeats: np.ndarray, tenure: np.ndarray, horizons: np.ndarray
    ) -> np.ndarray:
        """Return the purchases expected while active: (horizons, histories, stages).

        Where one count has many tenures the sum is taken at Chebyshev's points of ln(alpha +
        tenure) and read off between them.
        """
        kept = []
        plans = []
        for count in np.unique(repeats):
            rows = np.flatnonzero(repeats == count)
            logs = np.log(self.alpha + tenure[rows])
            low, high = logs.min(), logs.max()
            points, read = logs, None
            if len(np.unique(logs)) > POINTS:
                points = (low + high + (high - low) * CHEBYSHEV) / 2
                read = _read_between(CHEBYSHEV, (2 * logs - low - high) / (high - low))
            plans.append((rows, read, len(points)))
            kept.append(np.column_stack([np.full(len(points), count), np.exp(points)]))
        count, since = np.concatenate(kept).T
        stages = np.arange(self.k)
        shape = (len(horizons), len(count), self.k)
        chance = horizons[:, None] / (since + horizons[:, None])
        columns = np.broadcast_arrays(count[:, None], stages, chance[..., None])
        flat = [np.broadcast_to(column, shape).ravel() for column in columns]
        sums = self._sum_events(*flat).reshape(shape)
        found = np.empty((len(horizons), len(repeats), self.k))
        begin = 0
        for rows, read, size in plans:
            own = sums[:, begin : begin + size]
            found[:, rows] = own if read is None else np.einsum("rp,hps->hrs", read, own)
            begin += size
        return found

    def _sum_events(self, repeats: np.ndarray, stage: np.ndarray, chance: np.ndarray) -> np.ndarray:
        """Return the mean number of purchases over a negative binomial number of events.

        It has r + k x + stage as its size; with n events floor((n + stage) / k) purchases come, or
        as many as the customer stays for.
        """
        r, _, a, b, k = self
        if abs(a - 1) < LEAST_FROM_ONE:  # the limit is there, the quotient is not
            a += 2 * LEAST_FROM_ONE
        size = r + k * repeats + stage
        odds = chance / (1 - chance)
        spread = np.sqrt(size * odds / (1 - chance))
        begin = np.floor(np.maximum(size * odds - WIDTH * spread, 0))
        steps = size * odds + WIDTH * spread - LOG_TAIL / np.log(chance) - begin
        order = np.argsort(-steps, kind="stable")
        size, chance, begin, stage, repeats, steps = (
            column[order] for column in (size, chance, begin, stage, repeats, steps)
        )
        log_first = gammaln(size + begin) - gammaln(size) - gammaln(begin + 1)
        density = np.exp(log_first + size * np.log1p(-chance) + begin * np.log(chance))
        events = begin + stage
        bought, phase = np.divmod(events, k)
        stays = b + repeats + 1
        # The chance to stay for one more, and the mean of what comes of ``bought`` at most.
        log_stay = gammaln(stays + bought) - gammaln(stays) + gammaln(a + stays)
        stay = np.exp(log_stay - gammaln(a + stays + bought))
        mean = ((a + stays - 1) - (a + stays + bought - 1) * stay) / (a - 1)
        total = np.zeros(len(size))
        last = np.searchsorted(-steps, -np.arange(int(steps[0]) + 2), side="left")
        count = begin.copy()
        for open_count in last:
            if not open_count:
                break
            part = slice(0, open_count)
            total[part] += density[part] * mean[part]
            density[part] *= chance[part] * (size[part] + count[part]) / (count[part] + 1)
            count[part] += 1
            phase[part] += 1
            ends = phase[part] == k
            mean[part] += np.where(ends, stay[part], 0)
            more = stays[part] + bought[part]
            stay[part] *= np.where(ends, more / (a + more), 1)
            bought[part] += ends
            phase[part] = np.where(ends, 0, phase[part])
        found = np.empty(len(size))
        found[order] = total
        return found

    def draw_purchases(
        self, history: History, horizon: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw each customer's purchases within the horizon, from the posterior."""
        r, alpha, a, b, k = self
        size = len(history.repeats)
        reached = self._share_stages(history).cumsum(axis=1)[:, :-1]
        stage = (rng.random(size)[:, None] > reached).sum(axis=1) - 1  # -1 for who has left
        events = r + k * history.repeats + np.maximum(stage, 0)
        rate = rng.gamma(events, 1 / (alpha + history.tenure))
        leaves = np.maximum(rng.beta(a, b + history.repeats + 1), LEAST_DROPOUT)
        more = rng.poisson(np.minimum(rate * horizon, MOST_RATE))
        bought = np.minimum((more + np.maximum(stage, 0)) // k, rng.geometric(leaves))
        return np.where(stage >= 0, bought, 0)

    def share_counts(self, tenure: np.ndarray, *, most: int) -> np.ndarray:
        """Return the probability of 0 to ``most`` repeat purchases, a row for each tenure.

        At least m come if there are km events, and if the customer stays after m purchases.
        """
        r, alpha, a, b, k = self
        t = np.asarray(tenure, dtype=float)[:, None]
        m = np.arange(1, most + 2)
        at_least = betainc(k * m, r, t / (alpha + t)) * np.exp(betaln(a, b + m) - betaln(a, b))
        at_least = np.concatenate([np.ones_like(t), at_least], axis=1)
        return -np.diff(at_least, axis=1)


def fit_mbg_cnbd(history: History, log_gap_sum: float | None = None) -> tuple[Peak, int]:
    """Fit MBG/CNBD-k by maximum likelihood, with the likeliest k; equal histories count once.

    ``log_gap_sum`` is the sum of the logarithms of all times between two purchases, which tells
    regular from random ones; without it k is 1 (MBG/NBD). k rises until the likelihood falls.

    Returns a peak with r, alpha, a and b, and k.
    """
    if log_gap_sum is not None:
        log_gap_sum = require_number("log_gap_sum", log_gap_sum)
    alike = count_alike(check_history(history))
    rows = alike.list_histories()
    purchases = float(rows[0] @ rows[3])
    best = None
    starts = STARTS
    for k in range(1, MOST_REGULAR + 1):
        peak = climb(partial(_weigh_histories, k=k), rows, starts)
        starts = (np.log(peak.values * [1, k / (k + 1), 1, 1]), *STARTS)
        peak = rescale(peak, alike, are_times=(False, True, False, False), events=k)
        if k > 1:
            regular = (k - 1) * log_gap_sum - purchases * gammaln(k)
            peak = peak._replace(log_likelihood=peak.log_likelihood + regular)
            if peak.log_likelihood <= best[0].log_likelihood:
                break
        best = (peak, k)
        if log_gap_sum is None:
            break
    return best


def _weigh_histories(
    repeats: np.ndarray, active: np.ndarray, tenure: np.ndarray, weights: np.ndarray, *, k: int
) -> Callable:
    """Return the log-likelihood, with its first and second derivatives by the parameters.

    What depends on the count alone is added up once a count.
    """
    x, at_count = np.unique(repeats, return_inverse=True)
    w = np.bincount(at_count, weights)
    size = weights.sum()

    def measure(values: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        r, alpha, a, b = values
        value = w @ (gammaln(r + k * x) - gammaln(r) + betaln(a, b + x + 1) - betaln(a, b))
        value += size * r * np.log(alpha)
        by_r = size * (np.log(alpha) - digamma(r))
        shared = w @ (digamma(a + b) - digamma(a + b + x + 1))
        by_b = shared + w @ (digamma(b + x + 1) - digamma(b))
        by_a = shared
        slopes = np.array([by_r, size * r / alpha, by_a, by_b])
        bends = np.zeros((4, 4))
        bends[0, 0] = -size * zeta(2, r)
        bends[[0, 1], [1, 0]] = size / alpha
        bends[1, 1] = -size * r / alpha**2
        bends[2:, 2:] = w @ (zeta(2, a + b) - zeta(2, a + b + x + 1))
        bends[3, 3] += w @ (zeta(2, b + x + 1) - zeta(2, b))
        events = k * x[:, None] + np.maximum(np.arange(-1, k), 0)
        firsts = digamma(r + events)
        seconds = zeta(2, r + events)
        for start in range(0, len(weights), PART_ROWS):
            part = slice(start, start + PART_ROWS)
            columns = (repeats[part], active[part], tenure[part])
            logs = _weigh_causes(values, *columns, k=k)
            places = at_count[part]
            first, second = _bend_causes(
                values, columns, firsts=firsts[places], seconds=seconds[places]
            )
            added = sum_mixture(weights[part], logs, slopes=first, bends=second)
            value += added[0]
            slopes += added[1]
            bends += added[2]
        return value, slopes, bends

    return measure


def _weigh_causes(
    values: Sequence[float], repeats: np.ndarray, active: np.ndarray, tenure: np.ndarray, *, k: int
) -> np.ndarray:
    """Return the log-density of having left, and of 0 to k - 1 events since the last purchase.

    A row for each history; what all of them have in common, and depends on no time, is left out.
    """
    r, alpha, a, b = values
    events = r + k * repeats[:, None]
    stage = np.arange(k)
    left = np.log(a / (b + repeats))[:, None] - events * np.log(alpha + active)[:, None]
    stays = xlogy(stage, (tenure - active)[:, None]) - gammaln(stage + 1)
    stays = stays + gammaln(events + stage) - gammaln(events)
    stays -= (events + stage) * np.log(alpha + tenure)[:, None]
    return np.concatenate([left, stays], axis=1)


def _bend_causes(
    values: Sequence[float], columns: tuple[np.ndarray, ...], *, firsts, seconds
) -> tuple[np.ndarray, dict]:
    """Return first and second derivatives of the log-densities of `_weigh_causes`.

    ``firsts`` and ``seconds`` are those of the logarithm of the gamma function at r and the events
    of each cause; that at r alone is part of what is in common.
    """
    r, alpha, a, b = values
    repeats, active, tenure = columns
    has_left = (np.arange(firsts.shape[1]) == 0).astype(float)
    k = firsts.shape[1] - 1
    power = r + k * repeats[:, None] + np.maximum(np.arange(-1, k), 0)
    time = np.where(has_left, active[:, None], tenure[:, None])
    inverse = 1 / (alpha + time)
    stay = 1 / (b + repeats)[:, None]
    slopes = np.stack(
        [
            firsts + np.log(inverse),
            -power * inverse,
            np.broadcast_to(has_left / a, firsts.shape),
            -has_left * stay,
        ]
    )
    bends = {
        (0, 0): seconds,
        (0, 1): -inverse,
        (1, 1): power * inverse**2,
        (2, 2): -has_left / a**2,
        (3, 3): has_left * stay**2,
    }
    return slopes, bends


def _read_between(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the weights that read a function's value at places off Chebyshev's points.

    Berrut and Trefethen (2004), "Barycentric Lagrange interpolation", equations 4.2 and 5.3.
    """
    distance = places[:, None] - points
    is_point = distance == 0
    signs = np.where(np.arange(len(points)) % 2, -1.0, 1.0)
    weights = signs * np.sqrt(1 - points**2) / np.where(is_point, 1, distance)
    weights = np.where(is_point.any(axis=1, keepdims=True), is_point, weights)
    return weights / weights.sum(axis=1, keepdims=True)
