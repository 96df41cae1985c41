"""What customers will be worth: a model of purchases and Gamma-Gamma for their value (base B10).

The models read one row a customer, see `segkit.features.lifetime_histories`; which of the models of
purchases is taken is the matter of `segkit.features.lifetime_choice`. They know no season and no
trend, and nothing of contracts.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import block_diag
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from segkit.core.arguments import SettingError, require_choice, require_number, require_whole
from segkit.core.errors import SegkitError
from segkit.core.measures import LARGEST, SECOND
from segkit.core.periods import YEAR_DAYS
from segkit.core.statistics import ALPHA, find_reach
from segkit.features.lifetime_histories import (
    check_groups,
    read_histories,
    refuse_contracts,
    take_histories,
)
from segkit.models.lifetime.bg_nbd import BgNbd, fit_bg_nbd
from segkit.models.lifetime.gamma_gamma import Spend, expect_spend, fit_spend
from segkit.models.lifetime.mbg_cnbd import MbgCnbd, fit_mbg_cnbd
from segkit.models.lifetime.pareto_nbd import ParetoNbd, fit_pareto_nbd
from segkit.models.lifetime.peaks import History, Peak

YEARLY_DISCOUNT = 0.10
LEAST_REPEAT_BUYERS = 30
TINY = 1e-300
VALUE_COLUMNS = (
    "group", "customer_count", "expected_order_count", "mean_lifetime_value", "mean_low",
    "mean_high", "total_lifetime_value", "total_low", "total_high",
)  # fmt: skip
ALL = "all customers"
BG_NBD = "BG/NBD"
PARETO_NBD = "Pareto/NBD"
MBG_CNBD = "MBG/CNBD-k"
_DRAWS = 1_000_000
_LEAST_MOST_ROUNDS = (40, 200)
_STEP = 1e-4
_PART_ROWS = 20_000

PurchaseModel = BgNbd | ParetoNbd | MbgCnbd


@dataclass(frozen=True)
class Lifetime:
    """Both models, in days and in the plan's currency; NaN where a model cannot be found.

    ``standard_errors`` are those of `parameters` (delta method); ``covariance`` is that of their
    logarithms, in this order, from the inverse of the second derivatives. The two models are
    independent, so their covariance is 0.
    """

    purchases: PurchaseModel
    spend: Spend
    log_likelihood: float
    spend_log_likelihood: float
    standard_errors: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    repeat_buyer_count: int
    spender_count: int
    converged: bool
    spend_converged: bool

    @property
    def parameters(self) -> dict[str, float]:
        """The seven estimated parameters: four of the purchases, and p, q and v of the spend."""
        purchases = dict(zip(self.purchases._fields[:4], self.purchases[:4], strict=True))
        return purchases | self.spend._asdict()

    @property
    def has_spend(self) -> bool:
        """Whether the spend has a model with a finite mean, which it has where q is above 1."""
        return bool(self.spend_converged and self.spend.q > 1)


@threadpool_limits.wrap(limits=1)  # threads would wait for each other
def fit_lifetime(
    histories: pd.DataFrame,
    *,
    kind: str = BG_NBD,
    purchases: tuple[PurchaseModel, Peak] | None = None,
) -> Lifetime:
    """Fit a model of purchases and Gamma-Gamma to histories by maximum likelihood.

    ``histories`` are those of `segkit.features.lifetime_histories.summarise_histories`; ``kind`` is
    "BG/NBD", "Pareto/NBD" or "MBG/CNBD-k". Only positive means enter Gamma-Gamma; with fewer than
    thirty of them it is left out. k is 1 where the histories have no ``log_gap_sum``. ``purchases``
    are those of `fit_purchases` on the same histories, where they are known already.

    Raises
    ------
    SegkitError
        If fewer than thirty customers bought on more than one day, a history is not possible, a
        customer stands there twice, most customers have contracts, or there is no such kind.
    """
    require_choice("kind", kind, [BG_NBD, PARETO_NBD, MBG_CNBD])
    histories = take_histories(histories)
    history, mean = read_usable(histories)
    spent = Peak(np.full(3, np.nan), np.nan, np.full((3, 3), np.nan), False)
    spends = np.flatnonzero(mean > 0)
    with ThreadPoolExecutor(1) as second_core:
        log_gap_sum = sum_log_gaps(histories)
        fitted = second_core.submit(
            lambda: purchases or fit_purchases(history, kind, log_gap_sum=log_gap_sum)
        )
        if len(spends) >= LEAST_REPEAT_BUYERS:
            spent = fit_spend(history.repeats[spends], mean[spends])
        model, bought = fitted.result()
    values = np.append(bought.values, spent.values)
    covariance = block_diag(bought.covariance, spent.covariance)
    return Lifetime(
        purchases=model,
        spend=Spend(*spent.values.tolist()),
        log_likelihood=bought.log_likelihood,
        spend_log_likelihood=spent.log_likelihood,
        standard_errors=tuple((values * np.sqrt(np.diag(covariance))).tolist()),
        covariance=tuple(map(tuple, covariance.tolist())),
        repeat_buyer_count=int((history.repeats > 0).sum()),
        spender_count=len(spends),
        converged=bought.converged,
        spend_converged=spent.converged,
    )


def read_usable(histories: pd.DataFrame) -> tuple[History, np.ndarray]:
    """Read histories as `read_histories` does; refuse too few repeat buyers, and contracts."""
    history, mean = read_histories(histories)
    again = int((history.repeats > 0).sum())
    if again < LEAST_REPEAT_BUYERS:
        raise SegkitError(
            "too few customers bought on more than one day for lifetime value",
            found=f"{again}, where {LEAST_REPEAT_BUYERS} are needed",
            fix="Give a longer history.",
        )
    refuse_contracts(histories)
    return history, mean


def sum_log_gaps(histories: pd.DataFrame) -> float | None:
    """Sum up ``log_gap_sum``, alike in any order of rows; None where there is no such column."""
    if "log_gap_sum" not in histories:
        return None
    return float(np.sort(histories["log_gap_sum"].to_numpy(float)).sum())


def fit_purchases(
    history: History, kind: str, *, log_gap_sum: float | None = None
) -> tuple[PurchaseModel, Peak]:
    """Fit one kind of model of purchases; see `fit_lifetime`.

    Times may be in any unit: parameters that are times come out in it.
    """
    require_choice("kind", kind, [BG_NBD, PARETO_NBD, MBG_CNBD])
    if kind == BG_NBD:
        peak = fit_bg_nbd(history)
        return BgNbd(*peak.values.tolist()), peak
    if kind == PARETO_NBD:
        peak = fit_pareto_nbd(history)
        return ParetoNbd(*peak.values.tolist()), peak
    peak, k = fit_mbg_cnbd(history, log_gap_sum)
    return MbgCnbd(*peak.values.tolist(), k), peak


def predict_lifetime(
    histories: pd.DataFrame,
    model: Lifetime,
    *,
    horizon_days: float = YEAR_DAYS,
    yearly_discount: float = YEARLY_DISCOUNT,
) -> pd.DataFrame:
    """Predict each customer's purchases and their value within ``horizon_days`` after ``as_of``.

    Value is the mean value of a purchase times the sum over twelve periods of the purchases
    expected in each, discounted from the middle of the period.

    Returns
    -------
    pandas.DataFrame
        A row for each of ``histories``, in their order: ``customer_id``, ``expected_order_count``,
        ``active_probability``, ``expected_order_value``, ``lifetime_value`` and the ends of its
        95 % interval, ``lifetime_value_low`` and ``lifetime_value_high``. The interval covers the
        expected value, as the parameters are estimated (delta method, on the logarithm); what a
        single customer will spend varies far more. Value is missing where the spend has no
        finite mean (q at most 1).

    Raises
    ------
    SettingError
        If the horizon is not above 0, the discount is not a share from 0 to below 1, or the
        histories cannot be read.
    """
    horizon_days = require_number("horizon_days", horizon_days, above=0)
    yearly_discount = require_number(
        "yearly_discount", yearly_discount, least=0, below=1, fix="Ten per cent are 0.10."
    )
    _require_model(model)
    histories = take_histories(histories)
    found = _Prediction(histories, model, horizon_days, yearly_discount)
    sd = np.sqrt(np.einsum("ij,jk,ik->i", found.slopes, np.array(model.covariance), found.slopes))
    factor = np.exp(find_reach() * sd / np.maximum(found.value, TINY))
    return pd.DataFrame(
        {
            "customer_id": histories["customer_id"].to_numpy(),
            "expected_order_count": found.orders,
            "active_probability": found.active,
            "expected_order_value": found.spend,
            "lifetime_value": found.value,
            "lifetime_value_low": found.value / factor,
            "lifetime_value_high": found.value * factor,
        }
    )


def summarise_lifetime_value(
    histories: pd.DataFrame,
    model: Lifetime,
    groups: pd.Series | None = None,
    *,
    random_state: int,
    missed: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Summarise the lifetime value of groups of customers, with 95 % intervals.

    The interval covers what these customers will bring within a year, discounted, if the
    models are right: the parameters are estimated (delta method), and customers differ from their
    expectation by chance (drawn from each one's posterior). Seasons, trends and new customers are
    not in it, but for what they made a model miss before: ``missed`` has a ``log_error`` by group
    and for "all customers", which stands for a group that it lacks. It counts as one standard
    deviation of the logarithm, independent of the others. ``groups`` has the group of each of
    ``histories``, by their index.

    Returns
    -------
    pandas.DataFrame
        "all customers", then one row a group, sorted: ``group``, ``customer_count``,
        ``expected_order_count`` (a customer), ``mean_lifetime_value``, ``mean_low``,
        ``mean_high``, ``total_lifetime_value``, ``total_low``, ``total_high``, and the two largest
        contributions to the total, for the gate.

    Raises
    ------
    SettingError
        If no customer of ``groups`` is in ``histories``, or one stands there twice.
    """
    require_whole("random_state", random_state, least=0)
    _require_model(model)
    histories = take_histories(histories)
    if groups is not None:
        check_groups(groups, histories)
    in_order = histories.sort_values("customer_id", kind="stable")
    found = _Prediction(in_order, model, YEAR_DAYS, YEARLY_DISCOUNT)
    codes = np.full(len(in_order), -1)
    names = []
    if groups is not None:
        codes, names = pd.factorize(groups.reindex(in_order.index), sort=True)
    names = [ALL, *names]

    def add_up(values: np.ndarray) -> np.ndarray:
        sums = np.bincount(codes + 1, values, minlength=len(names))
        sums[0] = values.sum()
        return sums

    rng = np.random.default_rng(random_state)
    rounds = np.clip(_DRAWS // max(len(in_order), 1), *_LEAST_MOST_ROUNDS)
    drawn = [add_up(found.draw_values(rng)) for _ in range(rounds)]
    sizes = add_up(np.ones(len(in_order)))
    totals = add_up(found.value)
    slopes = np.array([add_up(slope) for slope in found.slopes.T])
    sd = np.sqrt(np.einsum("ig,ij,jg->g", slopes, np.array(model.covariance), slopes))
    # Every draw of chance with every hundredth of the parameters' log-normal distribution.
    hundredths = ndtri((np.arange(100) + 0.5) / 100)[:, None]
    spread = sd / np.maximum(totals, TINY)
    if missed is not None:
        errors = missed["log_error"].reindex(names).fillna(missed.loc[ALL, "log_error"])
        spread = np.hypot(spread, errors.to_numpy())
    factors = np.exp(hundredths * spread)
    mixed = (np.array(drawn)[:, None] * factors).reshape(-1, len(names))
    lows, highs = np.quantile(mixed, [ALPHA / 2, 1 - ALPHA / 2], axis=0)
    largest, second = _find_largest(found.value, codes, len(names))
    return pd.DataFrame(
        {
            "group": names,
            "customer_count": sizes.astype(int),
            "expected_order_count": add_up(found.orders) / sizes,
            "mean_lifetime_value": totals / sizes,
            "mean_low": lows / sizes,
            "mean_high": highs / sizes,
            "total_lifetime_value": totals,
            "total_low": lows,
            "total_high": highs,
            f"total_lifetime_value{LARGEST}": largest,
            f"total_lifetime_value{SECOND}": second,
        }
    )


def _require_model(model: object) -> None:
    if not isinstance(model, Lifetime):
        raise SettingError(
            "model is what fit_lifetime gives",
            found=type(model).__name__,
            fix="For a model of purchases alone use expect_purchases.",
        )


def _find_largest(
    values: np.ndarray, codes: np.ndarray, group_count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the two largest values of all, and of each group, for the gate."""
    ends = np.full((2, group_count), np.nan)
    for place in range(group_count):
        own = values if place == 0 else values[codes == place - 1]
        top = np.sort(own[np.isfinite(own)])[::-1][:2]
        ends[: len(top), place] = top
    return ends[0], ends[1]


class _Prediction:
    """Expected purchases and value of each customer, and the value's slopes by each parameter.

    Slopes are by the logarithms; those of the purchases by central differences of the year's, as
    discounting changes all of them nearly alike.
    """

    def __init__(self, histories, model, horizon, yearly_discount):
        self.history, mean = read_histories(histories)
        self.model = model
        self.horizon = horizon
        edges = np.linspace(0, horizon, 13)
        middles = (edges[1:] + edges[:-1]) / 2
        discounts = (1 + yearly_discount) ** (-middles / YEAR_DAYS)
        self.spends = np.where(np.isnan(mean), 0, self.history.repeats)
        self.total = self.spends * np.nan_to_num(mean)
        p, q, v = model.spend
        self.spend = expect_spend(model.spend, self.spends, mean)
        if not model.has_spend:
            self.spend = np.full(len(mean), np.nan)
        self.active = model.purchases.find_active_probability(self.history)
        until = model.purchases.expect_purchases(self.history, edges[1:])
        self.orders = until[-1]
        discounted = discounts @ np.diff(until, axis=0, prepend=0)
        self.value = discounted * self.spend
        # What a purchase of the year is worth: its mean value, discounted.
        self.share = self.value / np.maximum(self.orders, TINY)
        slopes = [self._find_slope(place) for place in range(4)]
        rest = p * self.spends + q - 1
        shares = ((q - 1) / rest, -q / rest, v / (v + self.total))
        self.slopes = np.column_stack([*slopes, *(self.value * share for share in shares)])

    def _find_slope(self, place: int) -> np.ndarray:
        """Return the value's slope by the logarithm of one parameter of the purchases."""
        found = []
        for step in (_STEP, -_STEP):
            values = list(self.model.purchases)
            values[place] *= np.exp(step)
            moved = type(self.model.purchases)(*values)
            found.append(moved.expect_purchases(self.history, [self.horizon])[0])
        return (found[0] - found[1]) / (2 * _STEP) * self.share

    def draw_values(self, rng: np.random.Generator) -> np.ndarray:
        """Draw what each customer will bring, from the posterior of rate, dropout and spend."""
        p, q, v = self.model.spend
        if not self.model.has_spend:
            return np.full(len(self.orders), np.nan)
        orders = self.model.purchases.draw_purchases(self.history, self.horizon, rng)
        scale = (v + self.total) / rng.gamma(q + p * self.spends)
        discount = self.share / np.maximum(self.spend, TINY)
        return rng.gamma(p * orders) * scale * discount


def sum_expected(histories: pd.DataFrame, model: Lifetime, horizons: Sequence[float]) -> np.ndarray:
    """Return the purchases expected of all customers together within each horizon, in days."""
    horizons = [require_number("horizons", horizon, least=0) for horizon in horizons]
    history, _ = read_histories(histories)
    order = np.lexsort(history[::-1])  # alike ones are worked out once
    total = np.zeros(len(horizons))
    for start in range(0, len(order), _PART_ROWS):
        part = History(*(column[order[start : start + _PART_ROWS]] for column in history))
        total += model.purchases.expect_purchases(part, horizons).sum(axis=1)
    return total
