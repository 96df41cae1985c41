"""Histories, equal ones counted once, and the maximum of their likelihood by Newton's steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from segkit.core.arguments import SettingError

LOG_BOUND = 8.0
LAST_STEP = 1e-3
MOST_STEPS = 100
# A likelihood that so many steps raise by less than this is flat.
LEAST_GAIN = 1e-3
MOST_FLAT = 5
THIN_ROWS = 20_000
THIN = 8
MOST_WHOLE = 10_000
# Draws: nobody leaves less often, and nobody buys more often, than this.
LEAST_DROPOUT = 1e-9
MOST_RATE = 1e9


class Peak(NamedTuple):
    """A maximum of a likelihood; ``covariance`` is that of the logarithms of ``values``."""

    values: np.ndarray
    log_likelihood: float
    covariance: np.ndarray
    converged: bool


class History(NamedTuple):
    """What the models of purchases read, an entry a customer, in any unit of time.

    ``repeats`` are the purchases after the first, ``active`` is the time from the first to the
    last, ``tenure`` the time from the first until now.
    """

    repeats: np.ndarray
    active: np.ndarray
    tenure: np.ndarray


def check_history(history: History) -> History:
    """Return a history as arrays of float64, or refuse one that is not possible.

    Raises
    ------
    SettingError
        If the entries are no numbers or not as many each, a count or a time is negative, missing or
        infinite, the active time is longer than the tenure, or it is above 0 without a repeat
        purchase, or 0 with one.

    Examples
    --------
    >>> check_history(History([0, 2], [0, 30], [90, 60])).active.tolist()
    [0.0, 30.0]
    """
    try:
        repeats, active, tenure = (np.asarray(column, dtype=float) for column in history)
    except (TypeError, ValueError) as error:
        raise SettingError("a history has three columns of numbers", found=str(error)) from None
    shapes = {repeats.shape, active.shape, tenure.shape}
    if len(shapes) > 1 or repeats.ndim != 1:
        raise SettingError(
            "a history has an entry a customer in each column",
            found=f"shapes {repeats.shape}, {active.shape} and {tenure.shape}",
        )
    possible = (repeats >= 0) & (repeats == np.floor(repeats)) & np.isfinite(repeats)
    possible &= (active >= 0) & (active <= tenure) & np.isfinite(tenure)
    possible &= (repeats > 0) == (active > 0)
    if not possible.all():
        raise SettingError(
            "a history is not possible",
            found=f"{int((~possible).sum())} of {len(repeats)}",
            fix="Counts and days may not be negative, missing or infinite, active_days is at most "
            "tenure_days, and above 0 just where somebody bought again.",
        )
    return History(repeats, active, tenure)


class Alike(NamedTuple):
    """Histories of which equal ones are counted once.

    ``keys`` number the different ones, ``counts`` says how often each is there; ``values`` are the
    counts, active times and tenures that occur, in order, and times are in units of ``scale``.
    """

    keys: np.ndarray
    counts: np.ndarray
    values: list[np.ndarray]
    scale: float

    def list_places(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return for each history the places of its count, active time and tenure."""
        rest, at_tenure = np.divmod(self.keys, len(self.values[2]))
        at_count, at_active = np.divmod(rest, len(self.values[1]))
        return at_count, at_active, at_tenure

    def list_histories(self) -> tuple[np.ndarray, ...]:
        """Return count, active time and tenure of each different history, and how often it is."""
        columns = [values[at] for values, at in zip(self.values, self.list_places(), strict=True)]
        return *columns, self.counts.astype(float)


def count_alike(history: History) -> Alike:
    """Count equal histories once, with times in units of the mean tenure."""
    if not len(history.tenure):
        raise SettingError("there is no customer to fit a model to")
    keys = np.zeros(len(history.tenure), dtype=np.int64)
    known = []
    for column in history:
        codes, values = _number_values(np.asarray(column, dtype=float))
        keys *= len(values)
        keys += codes
        known.append(values)
    scale = float(np.bincount(codes) @ values) / len(codes) or 1.0  # the mean tenure
    keys, counts = np.unique(keys, return_counts=True)
    known[1:] = [values / scale for values in known[1:]]
    return Alike(keys, counts, known, scale)


def list_pairs(history: History) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the different pairs of count and tenure, and the place of each history among them."""
    places, pairs = pd.factorize(np.asarray(history.repeats) + 1j * np.asarray(history.tenure))
    return pairs.real, pairs.imag, places


def rescale(peak: Peak, alike: Alike, *, are_times: Sequence[bool], events: int = 1) -> Peak:
    """Return the peak of scaled times in the times' own unit; some parameters are times.

    Each event has the density of its time, hence the likelihood's change; a purchase is so many.
    """
    at_count, _, _ = alike.list_places()
    purchases = alike.counts @ alike.values[0][at_count]
    return peak._replace(
        values=peak.values * np.where(are_times, alike.scale, 1.0),
        log_likelihood=peak.log_likelihood - events * purchases * np.log(alike.scale),
    )


def _number_values(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of each value, and the values in order; whole ones need no search."""
    low = column.min()
    high = column.max()
    if high - low > MOST_WHOLE or (column != np.floor(column)).any():
        values, codes = np.unique(column, return_inverse=True)
        return codes, values
    return (column - low).astype(np.int64), np.arange(low, high + 1)


def climb(
    likelihood: Callable,
    rows: tuple[np.ndarray, ...],
    starts: tuple,
    *,
    thin_rows: int | None = None,
) -> Peak:
    """Climb from each start until one leads to a peak; first on an eighth of many rows.

    The peak of the eighth is near that of all. Where it has none, neither have all as a rule: they
    start where it ended, and nowhere else.
    """
    measure = likelihood(*rows)
    if len(rows[0]) > (thin_rows or THIN_ROWS):
        few = tuple(column[::THIN] for column in rows)
        part = climb(likelihood, few, starts, thin_rows=thin_rows)
        starts = (np.log(part.values), *(starts[:1] if part.converged else ()))
    best = None
    for start in starts:
        peak = _end_climb(measure, np.array(start))
        if best is None or peak.log_likelihood > best.log_likelihood:
            best = peak
        if peak.converged:
            break
    return best


def _end_climb(measure: Callable, logs: np.ndarray) -> Peak:
    """Climb by Newton's steps by the parameters' logarithms, which stay within their bounds.

    Where the likelihood bends upwards a step goes uphill all the same (Nocedal and Wright 2006,
    "Numerical optimization", section 3.4), by one at most, and is shortened until it leads up.
    """

    def look(logs: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        values = np.exp(logs)
        value, slopes, bends = measure(values)
        return value, slopes * values, bends * np.outer(values, values) + np.diag(slopes * values)

    here = look(logs)
    reach = 1.0
    flat = 0
    for _ in range(MOST_STEPS):
        value, slopes, bends = here
        step = slopes
        held = np.zeros(len(logs), dtype=bool)
        for _ in logs:  # whatever leads out of the bounds is held
            held |= (np.abs(logs) > LOG_BOUND - 1e-9) & (logs * step > 0)
            free = np.outer(~held, ~held)
            roots, axes = np.linalg.eigh(np.where(free, -bends, np.eye(len(logs))))
            step = axes @ (axes.T @ np.where(held, 0, slopes) / np.maximum(np.abs(roots), 1e-300))
        size = np.abs(step).max()
        if min(size, reach) < LAST_STEP:
            break
        room = (LOG_BOUND - logs * np.sign(step)) / np.maximum(np.abs(step), 1e-300)
        further = logs + step * min(1, reach / size, room.min())
        there = look(further)
        flat = flat + 1 if abs(there[0] - value) < LEAST_GAIN else 0
        if flat == MOST_FLAT:
            break
        if there[0] >= value - 1e-12 * abs(value):
            logs = further
            here = there
            reach = min(1, 4 * reach)
        else:
            reach = min(size, reach) / 4
    is_sound = roots[0] > 0 and np.abs(logs).max() < LOG_BOUND - 0.01
    covariance = np.linalg.inv(-bends) if is_sound else np.full_like(bends, np.nan)
    has_converged = bool(is_sound and size < LAST_STEP)
    if has_converged:  # what is left is of the step's square
        logs = logs + step
        value = value + slopes @ step / 2
    return Peak(np.exp(logs), float(value), covariance, has_converged)
