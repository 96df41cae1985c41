"""Whether the models of lifetime value fit: against counts, money and time they have not seen."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal, NamedTuple

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from segkit.core.absence import NO_PURCHASES, empty_table, explain_empty
from segkit.core.errors import SegkitError
from segkit.features.lifetime_value import (
    HISTORY_COLUMNS,
    VALUE_COLUMNS,
    Lifetime,
    fit_lifetime,
    list_sale_days,
    summarise_histories,
    summarise_lifetime_value,
)
from segkit.models.lifetime import expect_counts, expect_purchases, find_active_probability

LEAST_HOLDOUT_WEEKS = 4
MOST_HOLDOUT_WEEKS = 52
MOST_COUNT = 7
OTHER = "other"
HOLDOUT_COLUMNS = (
    "week_end", "expected_count", "actual_count", "expected_running", "actual_running",
)  # fmt: skip
COUNT_COLUMNS = ("repeat_count", "actual_customers", "expected_customers")
CHECK_COLUMNS = ("check", "value", "bound", "limit", "passes", "note")


@dataclass(frozen=True)
class LifetimeCheck:
    """One check of the models: its value's ``limit``, and what it means to miss it.

    ``when_failed`` says what a failure means, ``when_untold`` why the value could not be measured;
    it is empty where there is always a value.
    """

    title: str
    bound: Literal["at least", "above", "at most"]
    limit: float
    when_failed: str
    when_untold: str = ""

    def judge(self, value: float) -> bool | None:
        """Say whether a value, at most its size, keeps the limit; None where there is no value."""
        if np.isnan(value):
            return None
        if self.bound == "at least":
            return value >= self.limit
        if self.bound == "above":
            return value > self.limit
        return abs(value) <= self.limit


CHECKS = {
    "repeat_buyers": LifetimeCheck(
        "customers who bought again",
        bound="at least",
        limit=100,
        when_failed="So few bought again that the estimates are loose.",
    ),
    "maximum_found": LifetimeCheck(
        "maximum of the likelihoods found",
        bound="at least",
        limit=1,
        when_failed=(
            "A likelihood is flat or a parameter runs to its limit: do not use the values."
        ),
    ),
    "log_error": LifetimeCheck(
        "largest standard error of a parameter's logarithm",
        bound="at most",
        limit=1,
        when_failed="The data do not determine every parameter; single parameters say nothing.",
    ),
    "spend_tail": LifetimeCheck(
        "q of the spend, whose mean is finite above 1",
        bound="above",
        limit=1,
        when_failed=(
            "A few very large orders rule: the spend has no finite mean, so there is no value."
        ),
        when_untold="Too few customers with positive spend bought again, so there is no value.",
    ),
    "money_frequency": LifetimeCheck(
        "correlation of money and frequency",
        bound="at most",
        limit=0.2,
        when_failed=(
            "Who buys more often spends otherwise, which Gamma-Gamma rules out: values of "
            "frequent and rare buyers are drawn together too much."
        ),
        when_untold="There are too few repeat buyers with different spend.",
    ),
    "repeat_counts": LifetimeCheck(
        "share of customers in the wrong repeat count",
        bound="at most",
        limit=0.05,
        when_failed="The model does not repeat how often customers bought until now.",
    ),
    "holdout": LifetimeCheck(
        "error of purchases in the time held out",
        bound="at most",
        limit=0.2,
        when_failed=(
            "The purchases of a time that the model had not seen came out otherwise: a season, "
            "a trend or a change of habits, which it does not know."
        ),
        when_untold="Nobody bought in the time held out.",
    ),
}


class LifetimeEvidence(NamedTuple):
    """What a report is made from: aggregates only; tables without rows say why.

    ``model`` is None where none can be fitted. The tables are those of
    `summarise_lifetime_value`, `check_lifetime`, `compare_holdout` and `compare_repeat_counts`.
    """

    model: Lifetime | None
    values: pd.DataFrame
    checks: pd.DataFrame
    holdout: pd.DataFrame
    repeat_counts: pd.DataFrame


def assess_lifetime(
    order_lines: ir.Table | None,
    customers: pd.DataFrame,
    *,
    as_of: datetime.date,
    random_state: int,
    smallest_cell: int = 5,
) -> LifetimeEvidence:
    """Fit, check and sum up lifetime value, for all customers and by their ``journey_stage``.

    Groups of fewer than ``smallest_cell`` customers are put together. Without purchases, or with
    too few, every table is empty and says why.
    """
    reason = NO_PURCHASES
    model = None
    if order_lines is not None:
        histories = summarise_histories(order_lines, as_of=as_of)
        try:
            model = fit_lifetime(histories)
        except SegkitError as error:
            reason = error.describe()
    if model is None:
        columns = (VALUE_COLUMNS, CHECK_COLUMNS, HOLDOUT_COLUMNS, COUNT_COLUMNS)
        return LifetimeEvidence(None, *(empty_table(names, reason) for names in columns))
    holdout = compare_holdout(order_lines, as_of=as_of)
    checks = check_lifetime(histories, model, holdout=holdout)
    groups = None
    if "journey_stage" in customers:
        groups = histories["customer_id"].map(customers.set_index("customer_id")["journey_stage"])
        groups = _pool_groups(groups, smallest_cell)
    values = summarise_lifetime_value(histories, model, groups, random_state=random_state)
    counts = compare_repeat_counts(histories, model)
    return LifetimeEvidence(model, values, checks, holdout, counts)


def _pool_groups(groups: pd.Series, smallest_cell: int) -> pd.Series:
    """Put groups below the smallest cell together, with the next one if they are still too few."""
    counts = groups.value_counts().sort_index().sort_values(kind="stable")
    pooled = counts.index[counts < smallest_cell].tolist()
    if pooled and counts[pooled].sum() < smallest_cell:
        pooled = counts.index[: len(pooled) + 1].tolist()
    return groups.where(~groups.isin(pooled), OTHER)


def compare_repeat_counts(histories: pd.DataFrame, model: Lifetime) -> pd.DataFrame:
    """Compare how many customers bought again how often with what BG/NBD expects of them.

    Returns
    -------
    pandas.DataFrame
        Eight rows: ``repeat_count`` (0 to 6, 7+), ``actual_customers``, ``expected_customers``.
    """
    bins = np.minimum(histories["repeat_count"], MOST_COUNT)
    tenures = histories["tenure_days"].value_counts().sort_index()
    expected = tenures @ expect_counts(model.purchases, tenures.index, most=MOST_COUNT - 1)
    expected = [*expected, len(histories) - expected.sum()]
    names = [*map(str, range(MOST_COUNT)), f"{MOST_COUNT}+"]
    columns = (names, np.bincount(bins, minlength=MOST_COUNT + 1), expected)
    return pd.DataFrame(dict(zip(COUNT_COLUMNS, columns, strict=True)))


def compare_holdout(
    order_lines: ir.Table, *, as_of: datetime.date, split_on: datetime.date | None = None
) -> pd.DataFrame:
    """Fit until ``split_on``, and compare the weeks after it with what the fit expects of them.

    Only customers who had bought until ``split_on`` count, and whole weeks until ``as_of``. If it
    is not given, the last third of the history is held out, a year of 52 weeks at most.

    Returns
    -------
    pandas.DataFrame
        One row a week: ``week_end`` (its last day), ``expected_count`` and ``actual_count`` (days
        with a sale, of all customers), ``expected_running`` and ``actual_running`` (their sums
        since ``split_on``). No rows, with the reason, where that is too short or nothing can be
        fitted.
    """
    days = list_sale_days(order_lines, as_of=as_of)
    if split_on is None:
        first = days.day.min().execute()
        span = 0 if pd.isna(first) else (pd.Timestamp(as_of) - pd.Timestamp(first)).days
        split_on = as_of - datetime.timedelta(weeks=min(span // 21, MOST_HOLDOUT_WEEKS))
    weeks = (as_of - split_on).days // 7
    if weeks < LEAST_HOLDOUT_WEEKS:
        reason = "The history is too short to hold out the last third of it."
        return empty_table(HOLDOUT_COLUMNS, reason)
    histories = summarise_histories(order_lines, as_of=split_on)
    try:
        model = fit_lifetime(histories).purchases
    except SegkitError as error:
        return empty_table(HOLDOUT_COLUMNS, f"Before {split_on:%Y-%m-%d}, {error.describe()}")
    count, active, tenure = (histories[name] for name in HISTORY_COLUMNS[1:4])
    active = find_active_probability(model, count, active=active, tenure=tenure)
    alike = pd.Series(active).groupby([count, tenure]).sum()
    count, tenure = (alike.index.get_level_values(level) for level in (0, 1))
    running = [
        alike @ expect_purchases(model, 7.0 * week, repeat_count=count, tenure=tenure)
        for week in range(1, weeks + 1)
    ]
    # Day 1 to 7 after the split are week 0.
    after = days.mutate(since_=days.day.delta(ibis.date(split_on), unit="day"))
    # As it was known then: a first order may have been taken back since.
    known = list_sale_days(order_lines, as_of=split_on).select("customer_id").distinct()
    after = after.filter(after.since_ > 0).semi_join(known, "customer_id")
    found = after.group_by(week_=((after.since_ - 1) / 7).floor().cast("int64"))
    found = found.aggregate(actual=ibis._.count()).to_pandas().set_index("week_")["actual"]
    actual = found.reindex(range(weeks), fill_value=0).to_numpy()
    ends = pd.date_range(pd.Timestamp(split_on), periods=weeks + 1, freq="7D")[1:]
    columns = (ends, np.diff(running, prepend=0), actual, running, actual.cumsum())
    return pd.DataFrame(dict(zip(HOLDOUT_COLUMNS, columns, strict=True)))


def check_lifetime(
    histories: pd.DataFrame, model: Lifetime, *, holdout: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Check whether the models fit; ``holdout`` is that of `compare_holdout`.

    The limits are conventions, not tests. Gamma-Gamma takes money and frequency as independent;
    their correlation (Pearson's, over repeat buyers) was .11 where Fader, Hardie and Lee (2005,
    "RFM and CLV") accepted it.

    Returns
    -------
    pandas.DataFrame
        One row a check: ``check``, ``value``, ``bound`` (at least, above or at most), ``limit``,
        ``passes`` (missing where it could not be measured), ``note`` (what a failure means, or
        why it was not measured).
    """
    if holdout is None:
        holdout = empty_table(HOLDOUT_COLUMNS, "No time was held out.")
    measured = {
        "repeat_buyers": model.repeat_buyer_count,
        "maximum_found": model.converged and (model.spend_converged or np.isnan(model.q)),
        "log_error": _measure_log_error(model),
        "spend_tail": model.q,
        "money_frequency": _correlate_money_frequency(histories),
        "repeat_counts": _measure_misplaced(histories, model),
        "holdout": _measure_holdout_error(holdout),
    }
    rows = []
    for name, check in CHECKS.items():
        value = float(measured[name])
        passes = check.judge(value)
        note = {None: check.when_untold, True: "", False: check.when_failed}[passes]
        rows.append((check.title, value, check.bound, check.limit, passes, note))
    table = pd.DataFrame(rows, columns=list(CHECK_COLUMNS))
    if holdout.empty:
        table.loc[table.index[-1], "note"] = explain_empty(holdout)
    return table


def _measure_log_error(model: Lifetime) -> float:
    """Return the largest standard error of a parameter's logarithm; infinite where there is none.

    Without a model of the spend only the four parameters of the purchases count.
    """
    errors = np.sqrt(np.diag(model.covariance))
    if np.isnan(model.q):
        errors = errors[:4]
    return np.nan_to_num(errors, nan=np.inf).max()


def _correlate_money_frequency(histories: pd.DataFrame) -> float:
    """Return Pearson's correlation over repeat buyers; missing where one of both never varies."""
    pairs = histories.query("repeat_count > 0 and mean_repeat_value > 0")
    pairs = pairs[["repeat_count", "mean_repeat_value"]]
    if not (pairs.nunique() > 1).all():
        return np.nan
    pairs = pairs.sort_values(list(pairs))  # the order of rows changes no last bit
    return pairs.corr().iloc[0, 1]


def _measure_misplaced(histories: pd.DataFrame, model: Lifetime) -> float:
    """Return the share of customers whom the model counts in another repeat count."""
    counts = compare_repeat_counts(histories, model)
    misplaced = (counts["actual_customers"] - counts["expected_customers"]).abs().sum()
    return misplaced / 2 / len(histories)


def _measure_holdout_error(holdout: pd.DataFrame) -> float:
    """Return expected over actual purchases, less 1; missing where nobody bought."""
    expected, actual = holdout[["expected_running", "actual_running"]].max()
    return expected / actual - 1 if actual > 0 else np.nan
