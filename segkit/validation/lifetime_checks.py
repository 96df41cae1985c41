"""Whether the models of lifetime value fit: against counts, money and time they have not seen."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import NamedTuple

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

LEAST_HOLDOUT_WEEKS, MOST_HOLDOUT_WEEKS = 4, 52
MOST_COUNT = 7
OTHER = "other"
HOLDOUT_COLUMNS = (
    "week_end", "expected_count", "actual_count", "expected_running", "actual_running",
)  # fmt: skip
COUNT_COLUMNS = ("repeat_count", "actual_customers", "expected_customers")
CHECK_COLUMNS = ("check", "value", "bound", "limit", "passes", "note")


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
    since = days.day.delta(ibis.date(split_on), unit="day")
    after = days.filter((days.first_day <= ibis.date(split_on)) & (since > 0))
    found = after.group_by(week_=((since - 1) / 7).floor().cast("int64"))
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
    pairs = histories.query("repeat_count > 0 and mean_repeat_value > 0")
    pairs = pairs[["repeat_count", "mean_repeat_value"]]
    pairs = pairs.sort_values(list(pairs))  # the order of rows changes no last bit
    counts = compare_repeat_counts(histories, model)
    misplaced = (counts["actual_customers"] - counts["expected_customers"]).abs().sum()
    expected, actual = holdout[["expected_running", "actual_running"]].max()
    log_errors = np.sqrt(np.diag(model.covariance))[: 4 if np.isnan(model.q) else 7]
    values = (
        model.repeat_buyer_count,
        model.converged and (model.spend_converged or np.isnan(model.q)),
        np.nan_to_num(log_errors, nan=np.inf).max(),
        model.q,
        pairs.corr().iloc[0, 1] if (pairs.nunique() > 1).all() else np.nan,
        misplaced / 2 / len(histories),
        expected / actual - 1 if actual > 0 else np.nan,
    )
    rows = []
    lines = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    for value, line in zip(map(float, values), lines, strict=True):
        name, bound, limit, failed, untold = (cell.strip() for cell in line.split("|"))
        limit = float(limit)
        ways = {"at least": value >= limit, "above": value > limit, "at most": abs(value) <= limit}
        passes = None if np.isnan(value) else ways[bound]
        note = {None: untold, True: "", False: failed}[passes]
        rows.append((name, value, bound, limit, passes, note))
    table = pd.DataFrame(rows, columns=list(CHECK_COLUMNS))
    if holdout.empty:
        table.loc[table.index[-1], "note"] = explain_empty(holdout)
    return table
