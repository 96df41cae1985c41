"""Whether the models of lifetime value fit: against counts, money and time they have not seen."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from segkit.errors import SegkitError
from segkit.features.lifetime import (
    HISTORY_COLUMNS,
    Lifetime,
    fit_lifetime,
    list_sale_days,
    summarise_histories,
    summarise_lifetime_value,
)
from segkit.features.lifetime_fit import (
    expect_counts,
    expect_purchases,
    find_active_probability,
)
from segkit.features.missing import NO_PURCHASES, empty_table, explain_empty

LEAST_HOLDOUT_WEEKS, MOST_HOLDOUT_WEEKS = 4, 52
ENOUGH_REPEAT_BUYERS = 100
LARGEST_ERROR = 1.0
LARGEST_CORRELATION = 0.2
LARGEST_MISPLACED = 0.05
LARGEST_HOLDOUT_ERROR = 0.2
MOST_COUNT = 7
OTHER, AT_MOST = "other", "at most"
HOLDOUT_COLUMNS = (
    "week_end", "expected_count", "actual_count", "expected_running", "actual_running",
)  # fmt: skip
COUNT_COLUMNS = ("repeat_count", "actual_customers", "expected_customers")
CHECK_COLUMNS = ("check", "value", "bound", "limit", "passes", "note")
VALUE_COLUMNS = (
    "group", "customer_count", "expected_order_count", "mean_lifetime_value", "mean_low",
    "mean_high", "total_lifetime_value", "total_low", "total_high",
)  # fmt: skip


@dataclass(frozen=True)
class LifetimeEvidence:
    """What a report shows: aggregates only; tables without rows say why.

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
    by: str = "journey_stage",
) -> LifetimeEvidence:
    """Fit, check and sum up lifetime value, for all customers and by their groups ``by``.

    Groups of fewer than ``smallest_cell`` customers are put together, and counts below it are not
    shown. Without purchases, or with too few, every table is empty and says why.
    """
    reason, model = NO_PURCHASES, None
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
    if by in customers:
        groups = histories["customer_id"].map(customers.set_index("customer_id")[by])
        groups = _pool_groups(groups, smallest_cell)
    values = summarise_lifetime_value(histories, model, groups, random_state=random_state)
    counts = compare_repeat_counts(histories, model)
    actual = counts["actual_customers"]
    counts["actual_customers"] = actual.where(~_find_small(actual, smallest_cell)).astype(float)
    return LifetimeEvidence(model, values, checks, holdout, counts)


def _find_small(counts: pd.Series, smallest_cell: int) -> pd.Series:
    """Mark counts of 1 to below the smallest cell, and one more if a single one could be told."""
    small = counts.between(1, smallest_cell - 1)
    if small.sum() == 1 and (counts[~small] > 0).any():
        small[counts[~small & (counts > 0)].idxmin()] = True
    return small


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
    bins = np.minimum(histories["repeat_count"].to_numpy(), MOST_COUNT)
    tenures = histories["tenure_days"].value_counts().sort_index()
    expected = tenures @ expect_counts(model.purchases, tenures.index, most=MOST_COUNT - 1)
    names = [*map(str, range(MOST_COUNT)), f"{MOST_COUNT}+"]
    actual = np.bincount(bins, minlength=MOST_COUNT + 1)
    expected = [*expected, len(histories) - expected.sum()]
    return pd.DataFrame(
        {"repeat_count": names, "actual_customers": actual, "expected_customers": expected}
    )


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
    first = days.day.min().execute()
    span = 0 if pd.isna(first) else (pd.Timestamp(as_of) - pd.Timestamp(first)).days
    weeks = min(span // 21, MOST_HOLDOUT_WEEKS)
    if split_on is not None:
        weeks = (as_of - split_on).days // 7
    if weeks < LEAST_HOLDOUT_WEEKS:
        reason = "The history is too short to hold out the last third of it."
        return empty_table(HOLDOUT_COLUMNS, reason)
    split_on = split_on or as_of - datetime.timedelta(days=7 * weeks)
    histories = summarise_histories(order_lines, as_of=split_on)
    try:
        model = fit_lifetime(histories).purchases
    except SegkitError as error:
        return empty_table(HOLDOUT_COLUMNS, f"Before {split_on:%Y-%m-%d}, {error.describe()}")
    count, active, tenure = (histories[name] for name in HISTORY_COLUMNS[1:4])
    active = find_active_probability(model, count, active=active, tenure=tenure)
    pairs = histories.assign(active=active).groupby(["repeat_count", "tenure_days"], as_index=False)
    pairs = pairs["active"].sum()
    history = {"repeat_count": pairs["repeat_count"], "tenure": pairs["tenure_days"]}
    running = [
        pairs["active"] @ expect_purchases(model, 7.0 * week, **history)
        for week in range(1, weeks + 1)
    ]
    # Day 1 to 7 after the split are week 0.
    after = days.filter((days.first_day <= ibis.date(split_on)) & (days.day > ibis.date(split_on)))
    week = ((after.day.delta(ibis.date(split_on), unit="day") - 1) / 7).floor().cast("int64")
    found = after.group_by(week_=week).aggregate(actual=ibis._.count()).to_pandas()
    actual = found.set_index("week_")["actual"].reindex(range(weeks), fill_value=0).to_numpy()
    table = pd.DataFrame(
        {
            "week_end": pd.date_range(pd.Timestamp(split_on), periods=weeks + 1, freq="7D")[1:],
            "expected_count": np.diff(running, prepend=0),
            "actual_count": actual,
            "expected_running": running,
            "actual_running": actual.cumsum(),
        }
    )
    table.attrs["split_on"] = f"{split_on:%Y-%m-%d}"
    return table


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
    spends = (histories["repeat_count"] > 0) & (histories["mean_repeat_value"] > 0)
    pairs = ["repeat_count", "mean_repeat_value"]
    pairs = histories.loc[spends, pairs].sort_values(pairs)  # the order changes no last bit
    varied = (pairs.nunique() > 1).all()
    correlation = pairs.corr().iloc[0, 1] if varied else np.nan
    counts = compare_repeat_counts(histories, model)
    misplaced = counts["actual_customers"] - counts["expected_customers"]
    misplaced = misplaced.abs().sum() / 2 / len(histories)
    log_errors = np.sqrt(np.diag(model.covariance))
    known = log_errors[: 4 if np.isnan(model.q) else 7]
    unsure = np.inf if np.isnan(known).any() else known.max()
    error, untold = np.nan, "No time was held out."
    if holdout is not None and len(holdout):
        expected, actual = holdout[["expected_running", "actual_running"]].iloc[-1]
        error = expected / actual - 1 if actual else np.nan
        untold = "Nobody bought in the time held out."
    elif holdout is not None:
        untold = explain_empty(holdout)
    found = float(model.converged and (model.spend_converged or np.isnan(model.q)))
    buyers = model.repeat_buyer_count
    rows = [
        _check(
            ("customers who bought again", buyers, "at least", ENOUGH_REPEAT_BUYERS),
            "So few bought again that the estimates are loose.",
        ),
        _check(
            ("maximum of the likelihoods found", found, "at least", 1),
            "A likelihood is flat or a parameter runs to its limit: do not use the values.",
        ),
        _check(
            ("largest standard error of a parameter's logarithm", unsure, AT_MOST, LARGEST_ERROR),
            "The data do not determine every parameter; single parameters say nothing.",
        ),
        _check(
            ("q of the spend, whose mean is finite above 1", model.q, "above", 1),
            "A few very large orders rule: the spend has no finite mean, so there is no value.",
            "Too few customers with positive spend bought again, so there is no value.",
        ),
        _check(
            ("correlation of money and frequency", correlation, AT_MOST, LARGEST_CORRELATION),
            "Who buys more often spends otherwise, which Gamma-Gamma rules out: values of "
            "frequent and rare buyers are drawn together too much.",
            "There are too few repeat buyers with different spend.",
        ),
        _check(
            ("share of customers in the wrong repeat count", misplaced, AT_MOST, LARGEST_MISPLACED),
            "The model does not repeat how often customers bought until now.",
        ),
        _check(
            ("error of purchases in the time held out", error, AT_MOST, LARGEST_HOLDOUT_ERROR),
            "The purchases of a time that the model had not seen came out otherwise: a season, a "
            "trend or a change of habits, which it does not know.",
            untold,
        ),
    ]
    return pd.DataFrame(rows, columns=list(CHECK_COLUMNS))


def _check(row: tuple[str, float, str, float], failed: str, untold: str = "") -> tuple:
    """Return a check's row: name, value, bound and limit, whether it passes, and the note."""
    name, value, bound, limit = row
    ways = {"at least": value >= limit, "above": value > limit, AT_MOST: abs(value) <= limit}
    passes = None if np.isnan(value) else bool(ways[bound])
    note = {None: untold, True: "", False: failed}[passes]
    return name, float(value), bound, float(limit), passes, note
