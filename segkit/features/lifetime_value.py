"""What customers will be worth: BG/NBD for purchases and Gamma-Gamma for their value (base B10).

The engine sums up each customer's history; the models read one row a customer. A purchase is a day
with a sale, as in `segkit.features.purchases`; value is gross sales, before returns and costs.
The models know no season and no trend, and whoever bought on one day only counts as active.
"""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from ibis import ir
from scipy.linalg import block_diag
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from segkit.core.errors import SegkitError
from segkit.core.measures import LARGEST, SECOND
from segkit.core.statistics import ALPHA, find_reach
from segkit.features.expressions import days_until, keep_until, share_of, sum_money
from segkit.features.sales import is_income, is_sale
from segkit.models.lifetime import (
    Peak,
    Purchases,
    Spend,
    expect_purchases,
    expect_spend,
    find_active_probability,
    fit_purchases,
    fit_spend,
)

YEAR_DAYS = 365
YEARLY_DISCOUNT = 0.10
LEAST_REPEAT_BUYERS = 30
TINY = 1e-300
PARAMETERS = ("r", "alpha", "a", "b", "p", "q", "v")
HISTORY_COLUMNS = (
    "customer_id", "repeat_count", "active_days", "tenure_days", "mean_repeat_value",
)  # fmt: skip
VALUE_COLUMNS = (
    "group", "customer_count", "expected_order_count", "mean_lifetime_value", "mean_low",
    "mean_high", "total_lifetime_value", "total_low", "total_high",
)  # fmt: skip
ALL = "all customers"
FEATURE_COLUMNS = ("expected_order_count", "active_probability", "lifetime_value")
_DRAWS = 1_000_000
_LEAST_MOST_ROUNDS = (40, 200)
_STEP = 1e-4


@dataclass(frozen=True)
class Lifetime:
    """Both models, in days and in the plan's currency; NaN where a model cannot be found.

    ``standard_errors`` are those of r, alpha, a, b, p, q and v (delta method); ``covariance`` is
    that of their logarithms, in this order, from the inverse of the second derivatives. The two
    models are independent, so their covariance is 0.
    """

    r: float
    alpha: float
    a: float
    b: float
    p: float
    q: float
    v: float
    log_likelihood: float
    spend_log_likelihood: float
    standard_errors: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    repeat_buyer_count: int
    spender_count: int
    converged: bool
    spend_converged: bool

    @property
    def purchases(self) -> Purchases:
        """The parameters of BG/NBD."""
        return Purchases(self.r, self.alpha, self.a, self.b)

    @property
    def spend(self) -> Spend:
        """The parameters of Gamma-Gamma; it has a mean only where q is above 1."""
        return Spend(self.p, self.q, self.v)


def list_sale_days(order_lines: ir.Table, *, as_of: datetime.date) -> ir.Table:
    """List each customer's days with a sale: ``day``, ``value`` (gross sales), ``first_day``.

    A day whose only lines are discounts is none.
    """
    lines = keep_until(order_lines, "ordered_at", as_of)
    lines = lines.filter(lines.customer_id.notnull() & is_income(lines))
    days = lines.group_by("customer_id", day=lines.ordered_at.date())
    days = days.aggregate(value=sum_money(lines.line_amount), has_sale_=is_sale(lines).any())
    days = days.filter(days.has_sale_).drop("has_sale_")
    return days.mutate(first_day=days.day.min().over(group_by="customer_id"))


def summarise_histories(order_lines: ir.Table, *, as_of: datetime.date) -> pd.DataFrame:
    """Summarise the histories that the models read, in the engine.

    Returns
    -------
    pandas.DataFrame
        One row for each customer with a sale until ``as_of``, sorted: ``customer_id``,
        ``repeat_count`` (days with a sale after the first), ``active_days`` (from the first to
        the last), ``tenure_days`` (from the first until ``as_of``), ``mean_repeat_value`` (gross
        sales of a repeat day, a plain mean; missing without one). The first day is left out of
        the mean, as in Fader and Hardie (2013).
    """
    days = list_sale_days(order_lines, as_of=as_of)
    sums = days.group_by("customer_id").aggregate(
        repeat_count=days.count() - 1,
        active_days=days.day.max().delta(days.day.min(), unit="day"),
        tenure_days=days_until(days.day.min(), as_of),
        repeat_value_=sum_money(days.value, where=days.day > days.first_day),
    )
    sums = sums.mutate(mean_repeat_value=share_of(sums.repeat_value_, sums.repeat_count))
    histories = sums.select(*HISTORY_COLUMNS).order_by("customer_id").to_pandas()
    counts = dict.fromkeys(("repeat_count", "active_days", "tenure_days"), "int64")
    return histories.astype({**counts, "mean_repeat_value": float})


@threadpool_limits.wrap(limits=1)  # threads would wait for each other
def fit_lifetime(histories: pd.DataFrame) -> Lifetime:
    """Fit BG/NBD and Gamma-Gamma to `summarise_histories` by maximum likelihood.

    Only positive means enter Gamma-Gamma; with fewer than thirty of them it is left out.

    Raises
    ------
    SegkitError
        If fewer than thirty customers bought on more than one day, or a history is not possible.
    """
    count, active, tenure, mean = _read_histories(histories)
    again = int((count > 0).sum())
    if again < LEAST_REPEAT_BUYERS:
        raise SegkitError(
            "too few customers bought on more than one day for lifetime value",
            found=f"{again}, where {LEAST_REPEAT_BUYERS} are needed",
            fix="Give a longer history.",
        )
    spent = Peak(np.full(3, np.nan), np.nan, np.full((3, 3), np.nan), False)
    spends = np.flatnonzero((count > 0) & (mean > 0))
    with ThreadPoolExecutor(1) as second_core:
        purchases = second_core.submit(fit_purchases, count, active, tenure)
        if len(spends) >= LEAST_REPEAT_BUYERS:
            spent = fit_spend(count[spends], mean[spends])
        bought = purchases.result()
    values = np.append(bought.values, spent.values)
    covariance = block_diag(bought.covariance, spent.covariance)
    return Lifetime(
        **dict(zip(PARAMETERS, values.tolist(), strict=True)),
        log_likelihood=bought.log_likelihood,
        spend_log_likelihood=spent.log_likelihood,
        standard_errors=tuple((values * np.sqrt(np.diag(covariance))).tolist()),
        covariance=tuple(map(tuple, covariance.tolist())),
        repeat_buyer_count=again,
        spender_count=len(spends),
        converged=bought.converged,
        spend_converged=spent.converged,
    )


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
    """
    found = _Prediction(histories, model, horizon_days, yearly_discount)
    sd = np.sqrt(np.einsum("ij,jk,ik->i", found.slopes, np.array(model.covariance), found.slopes))
    factor = np.exp(find_reach() * sd / np.maximum(found.value, TINY))
    return pd.DataFrame(
        {
            "customer_id": histories["customer_id"].to_numpy(),
            "expected_order_count": found.active * found.orders,
            "active_probability": found.active,
            "expected_order_value": found.spend,
            "lifetime_value": found.value,
            "lifetime_value_low": found.value / factor,
            "lifetime_value_high": found.value * factor,
        }
    )


def summarise_lifetime_value(
    histories: pd.DataFrame, model: Lifetime, groups: pd.Series | None = None, *, random_state: int
) -> pd.DataFrame:
    """Summarise the lifetime value of groups of customers, with 95 % intervals.

    The interval covers what these customers will bring within a year, discounted, if the
    models are right: the parameters are estimated (delta method), and customers differ from their
    expectation by chance (drawn from each one's posterior). Seasons, trends and new customers are
    not in it. ``groups`` has the group of each of ``histories``, by their index.

    Returns
    -------
    pandas.DataFrame
        "all customers", then one row a group, sorted: ``group``, ``customer_count``,
        ``expected_order_count`` (a customer), ``mean_lifetime_value``, ``mean_low``,
        ``mean_high``, ``total_lifetime_value``, ``total_low``, ``total_high``, and the two largest
        contributions to the total, for the gate.
    """
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
    factors = np.exp(hundredths * sd / np.maximum(totals, TINY))
    mixed = (np.array(drawn)[:, None] * factors).reshape(-1, len(names))
    lows, highs = np.quantile(mixed, [ALPHA / 2, 1 - ALPHA / 2], axis=0)
    largest, second = _find_largest(found.value, codes, len(names))
    return pd.DataFrame(
        {
            "group": names,
            "customer_count": sizes.astype(int),
            "expected_order_count": add_up(found.active * found.orders) / sizes,
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

    What a customer buys while active depends on count and tenure alone, so it is worked out once
    for each pair of them. Slopes are by the logarithms; those of BG/NBD by central differences.
    """

    def __init__(self, histories, model, horizon, yearly_discount):
        self.count, self.since, self.tenure, mean = _read_histories(histories)
        self.model = model
        self.edges = np.linspace(0, horizon, 13)
        middles = (self.edges[1:] + self.edges[:-1]) / 2
        self.discounts = (1 + yearly_discount) ** (-middles / YEAR_DAYS)
        self.places, self.pairs = pd.factorize(self.count + 1j * self.tenure)
        self.spends = np.where(mean > 0, self.count, 0)
        self.total = self.spends * mean
        p, q, v = model.spend
        # Where q is at most 1 the spend has no mean.
        self.spend = expect_spend(model.spend, self.spends, mean) if q > 1 else mean * np.nan
        self.active, self.orders, self.discounted = self._expect(model.purchases)
        self.value = self.active * self.discounted * self.spend
        slopes = []
        for move in np.exp(_STEP * np.eye(4)):
            more_active, _, more_orders = self._expect(Purchases(*(model.purchases * move)))
            less_active, _, less_orders = self._expect(Purchases(*(model.purchases * move**-1)))
            difference = more_active * more_orders - less_active * less_orders
            slopes.append(difference / (2 * _STEP) * self.spend)
        rest = p * self.spends + q - 1
        shares = ((q - 1) / rest, -q / rest, v / (v + self.total))
        self.slopes = np.column_stack([*slopes, *(self.value * share for share in shares)])

    def _expect(self, purchases: Purchases) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return who is active, and the purchases while active, plain and discounted."""
        active = find_active_probability(
            purchases, self.count, active=self.since, tenure=self.tenure
        )
        until = [
            expect_purchases(purchases, edge, repeat_count=self.pairs.real, tenure=self.pairs.imag)
            for edge in self.edges[1:]
        ]
        discounted = self.discounts @ np.diff(until, axis=0, prepend=0)
        return active, until[-1][self.places], discounted[self.places]

    def draw_values(self, rng: np.random.Generator) -> np.ndarray:
        """Draw what each customer will bring, from the posterior of rate, dropout and spend."""
        r, alpha, a, b = self.model.purchases
        p, q, v = self.model.spend
        size = len(self.count)
        if not q > 1:
            return np.full(size, np.nan)
        rate = rng.gamma(r + self.count, 1 / (alpha + self.tenure))
        leaves = np.maximum(rng.beta(a, b + self.count), 1e-9)
        most = np.where(rng.random(size) < self.active, rng.geometric(leaves), 0)
        orders = np.minimum(rng.poisson(np.minimum(rate * self.edges[-1], 1e9)), most)
        scale = (v + self.total) / rng.gamma(q + p * self.spends)
        share = self.discounted / np.maximum(self.orders, TINY)
        return rng.gamma(p * orders) * scale * share


def _read_histories(histories: pd.DataFrame) -> list[np.ndarray]:
    """Return counts, active time, tenure and mean value (0 where missing), all possible."""
    missing = [name for name in HISTORY_COLUMNS if name not in histories]
    if missing:
        fix = "Use summarise_histories."
        raise SegkitError(f"the histories lack {', '.join(missing)}", fix=fix)
    columns = [histories[name].to_numpy(float, na_value=np.nan) for name in HISTORY_COLUMNS[1:]]
    count, active, tenure, mean = columns
    possible = (count >= 0) & (count == np.floor(count)) & (active >= 0) & (active <= tenure)
    possible &= (count > 0) == (active > 0)
    if not possible.all():
        raise SegkitError(
            "a history is not possible",
            found=f"{int((~possible).sum())} of {len(histories)}",
            fix="Counts and days may not be negative or missing, active_days is at most "
            "tenure_days, and above 0 just where somebody bought again.",
        )
    mean = np.where(np.isfinite(mean) & (mean > 0), mean, 0.0)
    return [count.astype(np.int64), active, tenure, mean]


def add_lifetime(
    customers: pd.DataFrame, order_lines: ir.Table, *, as_of: datetime.date
) -> tuple[pd.DataFrame, str]:
    """Add ``expected_order_count``, ``active_probability`` and ``lifetime_value`` for a year.

    Returns the table, and why a model cannot be fitted; empty where it can. Then the columns are
    there but all missing, so that a scheme that reads them is told so. A customer without a sale
    has none.
    """
    histories = summarise_histories(order_lines, as_of=as_of)
    reason = ""
    try:
        found = predict_lifetime(histories, fit_lifetime(histories))
    except SegkitError as error:
        found = pd.DataFrame(columns=["customer_id", *FEATURE_COLUMNS], dtype=float)
        reason = error.describe()
    found = found.set_index("customer_id")[list(FEATURE_COLUMNS)]
    added = found.reindex(customers["customer_id"]).reset_index(drop=True)
    return customers.assign(**added), reason
