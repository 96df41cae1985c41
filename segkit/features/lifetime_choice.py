"""Which model of purchases is taken: the one that foresees best what it has not seen.

The last part of the history is held out, and each model is fitted to what comes before it. The one
is taken that held most likely what then came; see docs/decisions/26-which-lifetime-model.md.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from segkit.core.arguments import SettingError, require_date, require_number
from segkit.core.errors import SegkitError
from segkit.features.expressions import sum_money
from segkit.features.lifetime_histories import (
    list_sale_days,
    summarise_histories,
    take_histories,
    take_lines,
)
from segkit.features.lifetime_value import (
    BG_NBD,
    MBG_CNBD,
    PARETO_NBD,
    Lifetime,
    PurchaseModel,
    fit_lifetime,
    fit_purchases,
    predict_lifetime,
    read_usable,
    sum_log_gaps,
)
from segkit.models.lifetime.peaks import History, Peak

# From the simplest: another is taken only where it foresees better by more than chance.
KINDS = (BG_NBD, PARETO_NBD, MBG_CNBD)
LEAST_HOLDOUT_WEEKS = 4
MOST_HOLDOUT_WEEKS = 52
MOST_COMPARED = 20_000
MOST_LOG_ERROR = 1.0
# An error of all purchases above the first is told, above the second there are no features.
MOST_HOLDOUT_ERROR = 0.2
USELESS_ERROR = 0.5
CANDIDATE_COLUMNS = (
    "model", "log_likelihood", "later_log_likelihood", "expected_count", "actual_count",
    "relative_error", "absolute_error", "is_chosen", "note",
)  # fmt: skip
END_COLUMNS = ("repeat_count", "active_days", "tenure_days", "log_gap_sum")
FEATURE_COLUMNS = ("expected_order_count", "active_probability", "lifetime_value")
NO_MAXIMUM = "A likelihood is flat or a parameter runs to its limit."
LOOSE = "The data do not determine every parameter."


@dataclass(frozen=True)
class HeldOut:
    """What was known until ``split_on``, and what came in the whole ``weeks`` after it.

    ``histories`` has a row for each customer known by then, with ``later_count`` and
    ``later_value``: the days with a sale and the gross sales of these weeks; and with
    ``end_repeat_count``, ``end_active_days``, ``end_tenure_days`` and ``end_log_gap_sum`` of the
    history as it went on, missing where it did not go on from that (a sale was taken back).
    """

    split_on: datetime.date
    weeks: int
    histories: pd.DataFrame

    @property
    def days(self) -> int:
        """The days held out."""
        return 7 * self.weeks


@dataclass(frozen=True)
class LifetimeChoice:
    """The model taken, fitted to the whole history, and what it rests on.

    Attributes
    ----------
    histories : pandas.DataFrame
        Those until ``as_of``.
    model : Lifetime
        The model taken.
    candidates : pandas.DataFrame
        One row a model: ``model``, ``log_likelihood`` (of the customers compared),
        ``later_log_likelihood`` (of what came in the time held out, given what came before),
        ``expected_count`` and ``actual_count`` (purchases in the time held out, of all customers
        compared), ``relative_error`` (expected over actual, less 1), ``absolute_error`` (the sum
        of each customer's error, over the actual purchases), ``is_chosen`` and ``note`` (why it
        could not be taken).
    held_out : HeldOut or None
        None where nothing could be held out, for ``held_out_reason``.
    earlier : Lifetime or None
        The model taken, fitted until the split.
    foreseen : pandas.DataFrame or None
        What ``earlier`` expects of the time held out, see `predict_lifetime`.
    reason : str
        Why its purchases must not be used; empty where they may.
    value_reason : str
        Why the value of the purchases must not be used.
    """

    histories: pd.DataFrame
    model: Lifetime
    candidates: pd.DataFrame
    held_out: HeldOut | None
    held_out_reason: str
    earlier: Lifetime | None
    foreseen: pd.DataFrame | None
    reason: str
    value_reason: str


def choose_split(histories: pd.DataFrame, *, as_of: datetime.date) -> datetime.date:
    """Return the day after which the last third of a history is held out, at most 52 weeks."""
    as_of = require_date("as_of", as_of)
    days = histories["tenure_days"].max() if len(histories) else 0
    return as_of - datetime.timedelta(days=7 * min(int(days) // 21, MOST_HOLDOUT_WEEKS))


def hold_out(
    order_lines: ir.Table,
    *,
    as_of: datetime.date,
    split_on: datetime.date,
    until_now: pd.DataFrame | None = None,
) -> HeldOut:
    """Hold out the whole weeks after ``split_on``.

    ``until_now`` are the histories until ``as_of``, where they are known already.
    Only customers who had bought until then count, as it was known then.

    Raises
    ------
    SegkitError
        If that leaves too few weeks.
    """
    as_of = require_date("as_of", as_of)
    split_on = require_date("split_on", split_on)
    if split_on >= as_of:
        raise SettingError("split_on is not before as_of", found=f"{split_on} and {as_of}")
    weeks = (as_of - split_on).days // 7
    if weeks < LEAST_HOLDOUT_WEEKS:
        raise SegkitError("The history is too short to hold out the last third of it.")
    histories = summarise_histories(order_lines, as_of=split_on)
    later = list_later_days(order_lines, as_of=as_of, split_on=split_on)
    later = later.filter(later.since_ <= 7 * weeks).group_by("customer_id")
    later = later.aggregate(later_count=ibis._.count(), later_value=sum_money(ibis._.value))
    later = later.to_pandas().set_index("customer_id").reindex(histories["customer_id"])
    later = later.fillna(0.0).astype(float)
    histories = histories.assign(**{name: later[name].to_numpy() for name in later})
    if until_now is None:
        until_now = summarise_histories(order_lines, as_of=as_of)
    histories = _add_ends(histories, until_now)
    return HeldOut(split_on=split_on, weeks=weeks, histories=histories)


def _add_ends(histories: pd.DataFrame, until_now: pd.DataFrame) -> pd.DataFrame:
    """Add how the histories went on, where they went on from what they were."""
    ends = until_now.set_index("customer_id").reindex(histories["customer_id"])[list(END_COLUMNS)]
    ends = ends.set_axis(histories.index)
    more = ends["repeat_count"] - histories["repeat_count"]
    longer = ends["active_days"] - histories["active_days"]
    goes_on = (more >= 0) & (longer >= 0) & ((more > 0) == (longer > 0))
    return histories.join(ends.where(goes_on).add_prefix("end_"))


def list_later_days(
    order_lines: ir.Table, *, as_of: datetime.date, split_on: datetime.date
) -> ir.Table:
    """List the days with a sale after ``split_on``, with ``since_`` it, from 1 on."""
    days = list_sale_days(order_lines, as_of=as_of)
    days = days.mutate(since_=days.day.delta(ibis.date(split_on), unit="day"))
    return days.filter(days.since_ > 0)


def choose_lifetime(
    order_lines: ir.Table, *, as_of: datetime.date, split_on: datetime.date | None = None
) -> LifetimeChoice:
    """Choose a model of purchases by the time held out, and fit it to the whole history.

    Of the models that have a maximum and determine their parameters the first of `KINDS` is taken,
    unless what came in the time held out was likelier by another, by more than the standard error
    of the difference over customers; a model that is off by more than a fifth in all comes after
    those that are not. Where nothing can be held out, the likeliest is taken.

    Raises
    ------
    SegkitError
        If there are too few customers to fit a model, or most of them have contracts.
    """
    as_of = require_date("as_of", as_of)
    if split_on is not None and require_date("split_on", split_on) >= as_of:
        raise SettingError("split_on is not before as_of", found=f"{split_on} and {as_of}")
    histories = summarise_histories(order_lines, as_of=as_of)
    held_out = None
    held_out_reason = ""
    split_on = split_on or choose_split(histories, as_of=as_of)
    try:
        held_out = hold_out(order_lines, as_of=as_of, split_on=split_on, until_now=histories)
        candidates, fitted = compare_models(held_out.histories, days=held_out.days)
    except SegkitError as error:
        before = "" if held_out is None else f"Before {held_out.split_on:%Y-%m-%d}, "
        held_out_reason = before + error.describe()
        held_out = None
        candidates, _ = compare_models(histories)
    kinds = list(candidates.sort_values("rank").index)
    model, kind = _fit_in_turn(histories, kinds)
    candidates["is_chosen"] = candidates.index == kind
    earlier = foreseen = None
    reason = explain_model(model)
    value_reason = explain_spend(model)
    if held_out is not None:
        is_whole = len(held_out.histories) <= MOST_COMPARED
        earlier = fit_lifetime(
            held_out.histories, kind=kind, purchases=fitted[kind] if is_whole else None
        )
        foreseen = predict_lifetime(
            held_out.histories, earlier, horizon_days=held_out.days, yearly_discount=0.0
        )
        later = held_out.histories
        expected = (foreseen["expected_order_count"].sum(), foreseen["lifetime_value"].sum())
        came = (later["later_count"].sum(), later["later_value"].sum())
        reason = reason or _explain_miss("purchases", expected[0], came[0])
        value_reason = value_reason or _explain_miss("their value", expected[1], came[1])
    return LifetimeChoice(
        histories=histories,
        model=model,
        candidates=candidates[list(CANDIDATE_COLUMNS)].reset_index(drop=True),
        held_out=held_out,
        held_out_reason=held_out_reason,
        earlier=earlier,
        foreseen=foreseen,
        reason=reason,
        value_reason=value_reason,
    )


def compare_models(
    histories: pd.DataFrame, *, days: int | None = None
) -> tuple[pd.DataFrame, dict[str, tuple[PurchaseModel, Peak]]]:
    """Compare the models of purchases on at most 20,000 customers; see `LifetimeChoice`.

    With ``days`` they are compared by what came in that time, see `HeldOut`, else by their
    likelihood. Rows are in the order of `KINDS`, which is the index; ``rank`` is 0 for the model to
    take. Returned with them are the fitted models.
    """
    if days is not None:
        require_number("days", days, above=0)
    histories = take_histories(histories)
    step = -(-len(histories) // MOST_COMPARED) or 1
    compared = histories.sort_values("customer_id", kind="stable").iloc[::step]
    history, _ = read_usable(compared)
    log_gap_sum = sum_log_gaps(compared)
    rows = {}
    scores = {}
    fitted = {}
    for kind in KINDS:
        model, peak = fit_purchases(history, kind, log_gap_sum=log_gap_sum)
        fitted[kind] = (model, peak)
        row = {"model": model.title, "log_likelihood": peak.log_likelihood}
        row["note"] = _explain_peak(peak.converged, peak.covariance)
        if days is not None:
            later = compared["later_count"].to_numpy()
            expected = model.expect_purchases(history, [days])[0]
            scores[kind] = _score_later(model, compared)
            row["later_log_likelihood"] = scores[kind].sum()
            row["expected_count"] = expected.sum()
            row["actual_count"] = later.sum()
            row["absolute_error"] = np.abs(expected - later).sum()
        rows[kind] = row
    table = pd.DataFrame.from_dict(rows, orient="index")
    table = table.reindex(columns=[*CANDIDATE_COLUMNS, "rank"])
    actual = table["actual_count"].where(table["actual_count"] > 0)
    table["relative_error"] = table["expected_count"] / actual - 1
    table["absolute_error"] /= actual
    return table.assign(rank=_rank_models(table, scores)), fitted


def _score_later(model: PurchaseModel, compared: pd.DataFrame) -> np.ndarray:
    """Return the log-likelihood of what came later, given what came before, of each customer."""
    compared = compared[compared["end_repeat_count"].notna()]
    likelihoods = []
    for start in ("", "end_"):
        columns = (compared[start + name].to_numpy(float) for name in END_COLUMNS)
        *columns, log_gap_sum = columns
        found = model.measure_histories(History(*columns))
        likelihoods.append(found + (getattr(model, "k", 1) - 1) * log_gap_sum)
    return likelihoods[1] - likelihoods[0]


def _rank_models(table: pd.DataFrame, scores: dict[str, np.ndarray]) -> pd.Series:
    """Rank the models: sound ones first, then those near in all, then by likelihood."""
    is_sound = table["note"] == ""
    is_near = ~(table["relative_error"].abs() > MOST_HOLDOUT_ERROR)
    likelihood = table["later_log_likelihood"].astype(float).fillna(table["log_likelihood"])
    order = pd.DataFrame({"sound": ~is_sound, "near": ~is_near, "badness": -likelihood})
    in_turn = list(order.sort_values(list(order), kind="stable").index)
    if scores:
        in_turn = _prefer_simple(in_turn, order, scores)
    return pd.Series(range(len(in_turn)), index=in_turn)


def _prefer_simple(
    in_turn: list[str], order: pd.DataFrame, scores: dict[str, np.ndarray]
) -> list[str]:
    """Put the simplest model that is as good as the first, but for chance, before it."""
    first = in_turn[0]
    for kind in KINDS:
        if kind == first:
            break
        if (order.loc[kind, ["sound", "near"]] == order.loc[first, ["sound", "near"]]).all():
            better = scores[first] - scores[kind]
            if better.mean() <= better.std() / np.sqrt(len(better)):
                return [kind, *(other for other in in_turn if other != kind)]
    return in_turn


def _fit_in_turn(histories: pd.DataFrame, kinds: list[str]) -> tuple[Lifetime, str]:
    """Fit the first of the models that is sound on the whole history; the first if none is."""
    fitted = []
    for kind in kinds:
        model = fit_lifetime(histories, kind=kind)
        fitted.append((model, kind))
        if not explain_model(model):
            return fitted[-1]
    return fitted[0]


def explain_model(model: Lifetime) -> str:
    """Say why the purchases of a model must not be used; nothing where they may."""
    return _explain_peak(model.converged, np.array(model.covariance)[:4, :4])


def _explain_peak(has_converged: bool, covariance: np.ndarray) -> str:
    if not has_converged:
        return NO_MAXIMUM
    return LOOSE if np.sqrt(np.diag(covariance)).max() > MOST_LOG_ERROR else ""


def explain_spend(model: Lifetime) -> str:
    """Say why the value of purchases must not be used; nothing where it may."""
    if np.isnan(model.spend.q):
        return "Too few customers with positive spend bought again."
    unsound = _explain_peak(model.spend_converged, np.array(model.covariance)[4:, 4:])
    if unsound or model.has_spend:
        return unsound
    return "A few very large orders rule: the spend has no finite mean."


def _explain_miss(what: str, expected: float, came: float) -> str:
    """Say that an expectation missed the time held out by more than a half, if it did."""
    error = expected / came - 1 if came > 0 else np.inf
    if not abs(error) > USELESS_ERROR:
        return ""
    return (
        f"In the time held out {what} came out at {came / max(expected, 1e-300):.0%} of what was "
        "expected: the past of these customers does not tell what comes."
    )


def add_lifetime(
    customers: pd.DataFrame, order_lines: ir.Table, *, as_of: datetime.date
) -> tuple[pd.DataFrame, str]:
    """Add ``expected_order_count``, ``active_probability`` and ``lifetime_value`` for a year.

    Returns the table, and why they are missing; empty where they are not. A model without a
    maximum, or that missed the time held out by more than a half, gives none: then the columns are
    there but all missing, so that a scheme that reads them is told so. Where that is so of the
    value alone, the other two are there. A customer without a sale has none.
    """
    as_of = require_date("as_of", as_of)
    order_lines = take_lines(order_lines)
    found = pd.DataFrame(columns=["customer_id", *FEATURE_COLUMNS], dtype=float)
    try:
        choice = choose_lifetime(order_lines, as_of=as_of)
        reason = choice.reason
    except SegkitError as error:
        reason = error.describe()
    if not reason:
        found = predict_lifetime(choice.histories, choice.model)
        reason = choice.value_reason
        if reason:
            found["lifetime_value"] = np.nan
    found = found.set_index("customer_id")[list(FEATURE_COLUMNS)]
    added = found.reindex(customers["customer_id"]).reset_index(drop=True)
    return customers.assign(**added), reason
