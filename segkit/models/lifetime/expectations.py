"""What a fitted model of purchases says of histories given as arrays, and of a grid of them.

The words of others: ``frequency`` is ``repeat_count`` here, ``recency`` is ``active_days`` (from
the first purchase to the last, and not the days since) and ``T`` is ``tenure_days``. Times are in
the unit in which the model was fitted, days as a rule.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from segkit.core.arguments import SettingError, require_number
from segkit.models.lifetime.bg_nbd import BgNbd
from segkit.models.lifetime.mbg_cnbd import MbgCnbd
from segkit.models.lifetime.pareto_nbd import ParetoNbd
from segkit.models.lifetime.peaks import History, check_history

# Steps of the times of a grid that nobody gave.
GRID_STEPS = 12
MOST_REPEATS = 10

PurchaseModel = BgNbd | ParetoNbd | MbgCnbd


def expect_purchases(
    model: PurchaseModel,
    *,
    repeat_count: object,
    active_days: object,
    tenure_days: object,
    horizon_days: float | Sequence[float],
) -> np.ndarray:
    """Return the purchases that are expected of customers with these histories.

    Parameters
    ----------
    model : BgNbd, ParetoNbd or MbgCnbd
        As `segkit.features.lifetime_value.fit_purchases` returns it, or with parameters that are
        known; of a `Lifetime` it is ``purchases``.
    repeat_count : array-like of whole numbers, (n,), or one number
        Purchases after the first.
    active_days : array-like, (n,), or one number
        From the first purchase to the last; 0 without a repeat purchase.
    tenure_days : array-like, (n,), or one number
        From the first purchase until now.
    horizon_days : float, or sequence of float, (m,)
        How far ahead.

    Returns
    -------
    ndarray of float64, (n,), or (m, n) for several horizons

    Raises
    ------
    SettingError
        If a history is not possible, a horizon is below 0, or the model's parameters are not
        positive.

    References
    ----------
    BG/NBD: Fader, Hardie and Lee (2005), equation 10. Pareto/NBD: Schmittlein, Morrison and
    Colombo (1987), equation 22. MBG/CNBD-k: Reutterer, Platzer and Schröder (2021).

    Examples
    --------
    The customer of Fader, Hardie and Lee (2005): two repeat purchases, the last after 30.43 weeks,
    in 38.86 weeks; 1.226 are expected in the next 39 weeks.

    >>> model = BgNbd(0.243, 4.414, 0.793, 2.426)
    >>> found = expect_purchases(
    ...     model, repeat_count=2, active_days=30.43, tenure_days=38.86, horizon_days=39
    ... )
    >>> found.round(3).tolist()
    [1.226]
    """
    _check_model(model)
    history = _read_history(repeat_count, active_days, tenure_days)
    horizons = np.atleast_1d(np.asarray(horizon_days, dtype=object))
    if horizons.ndim > 1:
        raise SettingError("horizon_days is a number, or a list of them", found=repr(horizon_days))
    ends = [require_number("horizon_days", horizon, least=0) for horizon in horizons]
    found = model.expect_purchases(history, ends)
    return found[0] if np.ndim(horizon_days) == 0 else found


def find_active_probability(
    model: PurchaseModel, *, repeat_count: object, active_days: object, tenure_days: object
) -> np.ndarray:
    """Return the probability, (n,), that customers with these histories still buy.

    Parameters and errors are those of `expect_purchases`.

    Examples
    --------
    >>> model = BgNbd(0.243, 4.414, 0.793, 2.426)
    >>> found = find_active_probability(
    ...     model, repeat_count=[0, 2], active_days=[0, 30.43], tenure_days=38.86
    ... )
    >>> found.round(3).tolist()
    [1.0, 0.727]
    """
    _check_model(model)
    return model.find_active_probability(_read_history(repeat_count, active_days, tenure_days))


def tabulate_active_probability(
    model: PurchaseModel,
    *,
    tenure_days: float,
    repeat_counts: Sequence[int] | None = None,
    active_days: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Tabulate how probable it is that a customer still buys, by number and time of purchases.

    Parameters
    ----------
    model : BgNbd, ParetoNbd or MbgCnbd
    tenure_days : float
        The days since the first purchase, the same in every cell.
    repeat_counts : sequence of int, optional
        The columns; 0 to 10 without it.
    active_days : sequence of float, optional
        The rows; without it thirteen times from 0 to ``tenure_days``.

    Returns
    -------
    pandas.DataFrame
        A row a time from the first purchase to the last (``active_days``), a column a number of
        repeat purchases (``repeat_count``), ready for a heat map; missing where there is no such
        history: with a repeat purchase but no time for it, or the reverse.

    Raises
    ------
    SettingError
        If a count or a time is not possible.

    Examples
    --------
    Of two who bought as often, the one whose last purchase is long ago has rather left.

    >>> model = BgNbd(0.243, 4.414, 0.793, 2.426)
    >>> grid = tabulate_active_probability(
    ...     model, tenure_days=39, repeat_counts=[0, 2, 8], active_days=[0, 13, 39]
    ... )
    >>> grid.loc[[13, 39], 8].round(2).tolist()
    [0.01, 0.92]
    >>> grid.shape
    (3, 3)
    """
    grid, history = _lay_grid(repeat_counts, active_days, tenure_days)
    _check_model(model)
    return _fill_grid(grid, model.find_active_probability(history))


def tabulate_expected_purchases(
    model: PurchaseModel,
    *,
    tenure_days: float,
    horizon_days: float,
    repeat_counts: Sequence[int] | None = None,
    active_days: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Tabulate the purchases expected of a customer, by number and time of those made so far.

    The matrix of frequency and recency. ``horizon_days`` is how far ahead, above 0; the rest is as
    in `tabulate_active_probability`.

    Examples
    --------
    >>> model = BgNbd(0.243, 4.414, 0.793, 2.426)
    >>> grid = tabulate_expected_purchases(
    ...     model, tenure_days=39, horizon_days=39, repeat_counts=[0, 2, 8], active_days=[0, 39]
    ... )
    >>> grid.loc[39].round(2).tolist()
    [nan, 1.37, 5.42]
    """
    grid, history = _lay_grid(repeat_counts, active_days, tenure_days)
    _check_model(model)
    horizon_days = require_number("horizon_days", horizon_days, above=0)
    return _fill_grid(grid, model.expect_purchases(history, [horizon_days])[0])


def _check_model(model: object) -> None:
    if not isinstance(model, PurchaseModel):
        raise SettingError(
            "model is a model of purchases: BgNbd, ParetoNbd or MbgCnbd",
            found=type(model).__name__,
            fix="Of what fit_lifetime gives it is `purchases`.",
        )
    for name, value in zip(model._fields, model, strict=True):
        require_number(f"{name} of {model.title}", value, above=0)


def _read_history(repeat_count: object, active_days: object, tenure_days: object) -> History:
    """Return a history of which single numbers stand for every customer."""
    columns = []
    for column in (repeat_count, active_days, tenure_days):
        try:
            columns.append(np.atleast_1d(np.asarray(column, dtype=float)))
        except (TypeError, ValueError) as error:
            raise SettingError("a history has three columns of numbers", found=str(error)) from None
    try:
        return check_history(History(*np.broadcast_arrays(*columns)))
    except SettingError:
        raise
    except ValueError:
        shapes = ", ".join(str(column.shape) for column in columns)
        raise SettingError(
            "a history has an entry a customer in each column", found=f"shapes {shapes}"
        ) from None


def _lay_grid(
    repeat_counts: Sequence[int] | None, active_days: Sequence[float] | None, tenure_days: float
) -> tuple[pd.DataFrame, History]:
    """Return an empty grid, with True where a history is possible, and these histories."""
    tenure_days = require_number("tenure_days", tenure_days, above=0)
    counts = np.arange(MOST_REPEATS + 1) if repeat_counts is None else np.asarray(repeat_counts)
    times = np.linspace(0, tenure_days, GRID_STEPS + 1) if active_days is None else active_days
    times = np.asarray(times)
    for name, values in (("repeat_counts", counts), ("active_days", times)):
        if values.ndim != 1 or not values.size or values.dtype.kind not in "iuf":
            raise SettingError(f"{name} is a list of numbers", found=repr(values.tolist()))
    rows = pd.Index(times, name="active_days")
    columns = pd.Index(counts, name="repeat_count")
    active, repeats = np.meshgrid(times.astype(float), counts.astype(float), indexing="ij")
    is_odd = (active < 0) | (active > tenure_days) | (repeats < 0) | (repeats % 1 != 0)
    if is_odd.any() or not np.isfinite(active + repeats).all():
        raise SettingError(
            "the grid has counts or times that are not possible",
            found=f"{counts.tolist()} and {times.tolist()}",
            fix="Counts are whole numbers from 0, active_days lie between 0 and tenure_days.",
        )
    possible = (repeats > 0) == (active > 0)
    grid = pd.DataFrame(possible, index=rows, columns=columns)
    history = History(repeats[possible], active[possible], np.full(possible.sum(), tenure_days))
    return grid, history


def _fill_grid(grid: pd.DataFrame, values: np.ndarray) -> pd.DataFrame:
    filled = np.full(grid.shape, np.nan)
    filled[grid.to_numpy()] = values
    return pd.DataFrame(filled, index=grid.index, columns=grid.columns)
