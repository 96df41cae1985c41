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
from segkit.features.expressions import keep_until
from segkit.features.habits import learn_gaps
from segkit.features.journey import name_stage
from segkit.features.lifetime_choice import (
    CANDIDATE_COLUMNS,
    MOST_HOLDOUT_ERROR,
    MOST_LOG_ERROR,
    HeldOut,
    LifetimeChoice,
    choose_lifetime,
    list_later_days,
)
from segkit.features.lifetime_histories import list_sale_days
from segkit.features.lifetime_value import (
    ALL,
    VALUE_COLUMNS,
    Lifetime,
    sum_expected,
    summarise_lifetime_value,
)
from segkit.features.rhythm import describe_rhythm
from segkit.features.sales import is_sale

MOST_COUNT = 7
OTHER = "other"
ENDS = ("mean_low", "mean_high", "total_low", "total_high")
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
        limit=MOST_LOG_ERROR,
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
        limit=MOST_HOLDOUT_ERROR,
        when_failed=(
            "The purchases of a time that the model had not seen came out otherwise: a season, "
            "a trend or a change of habits, which it does not know."
        ),
        when_untold="Nobody bought in the time held out.",
    ),
    "holdout_value": LifetimeCheck(
        "error of sales in the time held out",
        bound="at most",
        limit=MOST_HOLDOUT_ERROR,
        when_failed=(
            "The sales of a time that the models had not seen came out otherwise; the intervals "
            "of the value are as much wider."
        ),
        when_untold="There were no sales in the time held out, or none could be expected.",
    ),
}


class LifetimeEvidence(NamedTuple):
    """What a report is made from: aggregates only; tables without rows say why.

    ``model`` is None where none can be fitted. The tables are those of `summarise_lifetime_value`,
    `check_lifetime`, `compare_holdout` and `compare_repeat_counts`, and the candidates of
    `segkit.features.lifetime_choice.LifetimeChoice`.
    """

    model: Lifetime | None
    values: pd.DataFrame
    checks: pd.DataFrame
    holdout: pd.DataFrame
    repeat_counts: pd.DataFrame
    candidates: pd.DataFrame


def assess_lifetime(
    order_lines: ir.Table | None,
    customers: pd.DataFrame,
    *,
    as_of: datetime.date,
    random_state: int,
    smallest_cell: int = 5,
) -> LifetimeEvidence:
    """Choose, check and sum up lifetime value, for all customers and by their ``journey_stage``.

    Groups of fewer than ``smallest_cell`` customers are put together. Without purchases, or with
    too few, every table is empty and says why; values are, where the model must not be used.
    """
    reason = NO_PURCHASES
    choice = None
    if order_lines is not None:
        try:
            choice = choose_lifetime(order_lines, as_of=as_of)
        except SegkitError as error:
            reason = error.describe()
    if choice is None:
        columns = (VALUE_COLUMNS, CHECK_COLUMNS, HOLDOUT_COLUMNS, COUNT_COLUMNS, CANDIDATE_COLUMNS)
        return LifetimeEvidence(None, *(empty_table(names, reason) for names in columns))
    histories = choice.histories
    groups = None
    if "journey_stage" in customers:
        groups = histories["customer_id"].map(customers.set_index("customer_id")["journey_stage"])
        groups = _pool_groups(groups, smallest_cell)
    holdout = empty_table(HOLDOUT_COLUMNS, choice.held_out_reason)
    missed = None
    if choice.held_out is not None:
        holdout = compare_holdout(order_lines, choice.held_out, choice.earlier, as_of=as_of)
        missed = measure_missed(order_lines, choice, groups)
    values = empty_table(VALUE_COLUMNS, choice.reason)
    if not choice.reason:
        values = summarise_lifetime_value(
            histories, choice.model, groups, random_state=random_state, missed=missed
        )
        if choice.value_reason:
            money = [name for name in values if "lifetime_value" in name or name in ENDS]
            values[money] = np.nan
    return LifetimeEvidence(
        model=choice.model,
        values=values,
        checks=check_lifetime(histories, choice.model, holdout=holdout, missed=missed),
        holdout=holdout,
        repeat_counts=compare_repeat_counts(histories, choice.model),
        candidates=choice.candidates,
    )


def measure_missed(
    order_lines: ir.Table, choice: LifetimeChoice, groups: pd.Series | None
) -> pd.DataFrame:
    """Measure by how much the sales of the time held out missed what was expected of them.

    Returns
    -------
    pandas.DataFrame
        Indexed by group, "all customers" first, then each of ``groups``, into which customers are
        put by their stage at the split: ``expected_value``, ``actual_value``, ``log_error`` (the
        size of the logarithm of one over the other, with one mean order added to both, so that a
        group that brought nothing has one).
    """
    held_out = choice.held_out
    pairs = pd.DataFrame(
        {
            "expected_value": choice.foreseen["lifetime_value"].to_numpy(),
            "actual_value": held_out.histories["later_value"].to_numpy(),
        }
    )
    sums = {ALL: pairs.sum(min_count=1)}
    if groups is not None:
        stages = _name_stages(order_lines, held_out.histories, as_of=held_out.split_on)
        stages = held_out.histories["customer_id"].map(stages)
        stages = stages.where(stages.isin(groups.unique()), OTHER)
        for group, rows in pairs.groupby(stages.to_numpy()):
            sums[group] = rows.sum(min_count=1)
    table = pd.DataFrame(sums).T
    order = choice.foreseen["expected_order_value"].mean()
    ratio = (table["actual_value"] + order) / (table["expected_value"] + order)
    return table.assign(log_error=np.log(ratio).abs())


def _name_stages(
    order_lines: ir.Table, histories: pd.DataFrame, *, as_of: datetime.date
) -> pd.Series:
    """Name each customer's stage as it was known on a day, from the histories until then."""
    lines = keep_until(order_lines, "ordered_at", as_of)
    habits = learn_gaps(lines.filter(lines.customer_id.notnull() & is_sale(lines)))
    days = pd.DataFrame(
        {
            "customer_id": histories["customer_id"],
            "active_days": histories["active_days"],
            "tenure_days": histories["tenure_days"],
            "recency_days": histories["tenure_days"] - histories["active_days"],
            "order_count": histories["repeat_count"] + 1,  # days with a sale
            "order_days_": histories["repeat_count"] + 1,
            "gap_squares_": 0.0,  # how gaps vary names no stage
        }
    )
    table = describe_rhythm(ibis.memtable(days), habits)
    stages = table.select("customer_id", stage=name_stage(table, habits)).to_pandas()
    return stages.set_index("customer_id")["stage"]


def _pool_groups(groups: pd.Series, smallest_cell: int) -> pd.Series:
    """Put groups below the smallest cell together, with the next one if they are still too few."""
    counts = groups.value_counts().sort_index().sort_values(kind="stable")
    pooled = counts.index[counts < smallest_cell].tolist()
    if pooled and counts[pooled].sum() < smallest_cell:
        pooled = counts.index[: len(pooled) + 1].tolist()
    return groups.where(~groups.isin(pooled), OTHER)


def compare_repeat_counts(histories: pd.DataFrame, model: Lifetime) -> pd.DataFrame:
    """Compare how many customers bought again how often with what a model expects.

    Returns
    -------
    pandas.DataFrame
        Eight rows: ``repeat_count`` (0 to 6, 7+), ``actual_customers``, ``expected_customers``.
    """
    bins = np.minimum(histories["repeat_count"], MOST_COUNT)
    tenures = histories["tenure_days"].value_counts().sort_index()
    expected = tenures @ model.purchases.share_counts(tenures.index, most=MOST_COUNT - 1)
    expected = [*expected, len(histories) - expected.sum()]
    names = [*map(str, range(MOST_COUNT)), f"{MOST_COUNT}+"]
    columns = (names, np.bincount(bins, minlength=MOST_COUNT + 1), expected)
    return pd.DataFrame(dict(zip(COUNT_COLUMNS, columns, strict=True)))


def compare_holdout(
    order_lines: ir.Table, held_out: HeldOut, model: Lifetime, *, as_of: datetime.date
) -> pd.DataFrame:
    """Compare the weeks held out with what a model that was fitted before them expects.

    Returns
    -------
    pandas.DataFrame
        One row a week: ``week_end`` (its last day), ``expected_count`` and ``actual_count`` (days
        with a sale, of all customers known before), ``expected_running`` and ``actual_running``
        (their sums since the split).
    """
    split_on = held_out.split_on
    later = list_later_days(order_lines, as_of=as_of, split_on=split_on)
    # As it was known then: a first order may have been taken back since.
    known = list_sale_days(order_lines, as_of=split_on).select("customer_id").distinct()
    later = later.semi_join(known, "customer_id")
    # Day 1 to 7 after the split are week 0.
    counts = later.group_by(week_=((later.since_ - 1) / 7).floor().cast("int64"))
    counts = counts.aggregate(actual=ibis._.count()).to_pandas().set_index("week_")["actual"]
    actual = counts.reindex(range(held_out.weeks), fill_value=0).to_numpy()
    weeks = np.arange(1, held_out.weeks + 1)
    running = sum_expected(held_out.histories, model, 7.0 * weeks)
    ends = pd.Timestamp(split_on) + pd.to_timedelta(7 * weeks, unit="D")
    columns = (ends, np.diff(running, prepend=0), actual, running, actual.cumsum())
    return pd.DataFrame(dict(zip(HOLDOUT_COLUMNS, columns, strict=True)))


def check_lifetime(
    histories: pd.DataFrame,
    model: Lifetime,
    *,
    holdout: pd.DataFrame | None = None,
    missed: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Check whether the models fit; see `compare_holdout` and `measure_missed` for what came.

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
        "maximum_found": model.converged and (model.spend_converged or np.isnan(model.spend.q)),
        "log_error": _measure_log_error(model),
        "spend_tail": model.spend.q,
        "money_frequency": _correlate_money_frequency(histories),
        "repeat_counts": _measure_misplaced(histories, model),
        "holdout": _measure_holdout_error(holdout),
        "holdout_value": np.nan if missed is None else _measure_value_error(missed),
    }
    rows = []
    for name, check in CHECKS.items():
        value = float(measured[name])
        passes = check.judge(value)
        note = {None: check.when_untold, True: "", False: check.when_failed}[passes]
        rows.append((check.title, value, check.bound, check.limit, passes, note))
    table = pd.DataFrame(rows, columns=list(CHECK_COLUMNS))
    if holdout.empty:
        table.loc[table.index[-2:], "note"] = explain_empty(holdout)
    return table


def _measure_log_error(model: Lifetime) -> float:
    """Return the largest standard error of a parameter's logarithm; infinite where there is none.

    Without a model of the spend only the four parameters of the purchases count.
    """
    errors = np.sqrt(np.diag(model.covariance))
    if np.isnan(model.spend.q):
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


def _measure_value_error(missed: pd.DataFrame) -> float:
    """Return expected over actual sales, less 1; missing where there were none."""
    expected, actual = missed.loc[ALL, ["expected_value", "actual_value"]]
    return expected / actual - 1 if actual > 0 else np.nan
