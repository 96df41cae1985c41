"""Do the segments say more about time they have not seen than RFM does, or than nothing does?

Time is split at a day. Features, scores and segments are made from what was known on that day;
what customers did afterwards is compared with what each predictor expected of customers whom it
did not learn from, see `segkit.validation.prediction`. RFM and segments have the same learner.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from ibis import _, ir

from segkit.core.absence import NO_PURCHASES, empty_table
from segkit.core.errors import SegkitError
from segkit.core.statistics import find_reach
from segkit.features.attributes import select_attributes
from segkit.features.customer_table import RFM_COLUMNS, build_customers_of
from segkit.features.engagement import summarise_engagement
from segkit.features.expressions import days_until, keep_until
from segkit.features.lifetime_choice import choose_lifetime
from segkit.features.lifetime_value import predict_lifetime
from segkit.features.purchases import summarise_purchases
from segkit.plan.bases import BaseSettings
from segkit.plan.models import Scheme
from segkit.segmentation.documents import fit_shown
from segkit.segmentation.rfm_scores import score_rfm
from segkit.validation.prediction import LOSSES, TOP_SHARE, compare_predictors, count_customers

LONGEST_DAYS = 365
FEWEST_DAYS_BEFORE = 56
FEWEST_DAYS_AFTER = 28
FEWEST_BUYERS = 200
FEWEST_RETURNING = 30
MOST_CUSTOMERS = 20_000
SMALLEST_GAIN = 0.01
NOTHING = "nothing"
RFM = "RFM"
LIFETIME = "lifetime value"
SEGMENTS = "segments"
BOTH = "RFM and segments"
# Features of messages and tickets that may be answered after the day on which they were sent.
ANSWERED_LATER = (
    "open_share",
    "click_share",
    "conversion_share",
    "days_since_open",
    "has_unsubscribed",
    "mean_satisfaction",
    "answer_count",
    "engagement_level",
)


@dataclass(frozen=True)
class Usefulness:
    """What the segments say about later time, or the ``reason`` why that is not measured.

    Attributes
    ----------
    split_on : datetime.date or None
        The last day that predictors know.
    figures, gains : pandas.DataFrame
        See `compare_predictors`, with ``customer_count``: customers of whom the outcome is known,
        or who stand so far up in the order; no rows where nothing is measured.
    answer : str
        See `judge_usefulness`; empty where nothing is measured.
    reason : str
        Empty where it is measured.
    segment_count, customer_count, later_days : int
        Segments, customers compared, and days after the split.
    undated : tuple of str
        Columns of the scheme whose values carry no date: they are read as they stand today.
    left_out : dict of str to str
        Predictors and outcomes that are left out, with the reason.
    """

    split_on: datetime.date | None
    figures: pd.DataFrame = field(repr=False)
    gains: pd.DataFrame = field(repr=False)
    answer: str = ""
    reason: str = ""
    segment_count: int = 0
    customer_count: int = 0
    later_days: int = 0
    undated: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)

    def summarise(self) -> pd.DataFrame:
        """Return, in one row, what was compared; no rows where nothing is measured."""
        row = {
            "split_on": self.split_on,
            "segment_count": self.segment_count,
            "customer_count": self.customer_count,
            "later_days": self.later_days,
            "top_share": TOP_SHARE,
        }
        if self.reason:
            return empty_table(row, self.reason)
        return pd.DataFrame([row])


def choose_split(
    order_lines: ir.Table | None, *, as_of: datetime.date, split_on: datetime.date | None = None
) -> tuple[datetime.date | None, str]:
    """Choose the last day that predictors may know: a third of the sales' days comes after it.

    At most a year comes after it. Days count from the first sale to the last until ``as_of``;
    ``split_on`` takes the place of the choice, and has to pass the same gates.

    Returns
    -------
    tuple of datetime.date or None, and str
        The day, and an empty text, or the reason in words why it cannot be used: fewer than 56
        days before or 28 days after it, 200 buyers before it, or 30 of them who bought after it.
    """
    if order_lines is None:
        return None, NO_PURCHASES
    sales = keep_until(order_lines, "ordered_at", as_of)
    sales = sales.filter(_.customer_id.notnull(), _.line_type == "sale")
    sales = sales.mutate(days_ago=days_until(sales.ordered_at, as_of))
    buyers = sales.group_by("customer_id").aggregate(
        first=sales.days_ago.max(), last=sales.days_ago.min()
    )
    buyers = buyers.to_pandas()
    if buyers.empty:
        return None, f"There is no sale to a known customer until {as_of}."
    first = as_of - datetime.timedelta(days=int(buyers["first"].max()))
    last = as_of - datetime.timedelta(days=int(buyers["last"].min()))
    whole = (last - first).days + 1
    split = split_on or last - datetime.timedelta(days=min(whole // 3, LONGEST_DAYS))
    days_before = (split - first).days + 1
    days_after = (last - split).days
    if days_before < FEWEST_DAYS_BEFORE or days_after < FEWEST_DAYS_AFTER:
        needed = f"{FEWEST_DAYS_BEFORE} days before and {FEWEST_DAYS_AFTER} days after the split"
        there = f"{max(days_before, 0)} before and {max(days_after, 0)} after {split}"
        return split, f"Too little history: {needed} are needed, there are {there}."
    known = buyers[buyers["first"] >= (as_of - split).days]
    returning_count = int((known["last"] < (as_of - split).days).sum())
    if len(known) < FEWEST_BUYERS:
        return split, f"Too few buyers until {split}: {FEWEST_BUYERS} are needed."
    if returning_count < FEWEST_RETURNING:
        reason = f"Too few buyers until {split} bought again by {last}: {FEWEST_RETURNING} are"
        return split, f"{reason} needed."
    return split, ""


def measure_outcomes(
    tables: Mapping[str, ir.Table],
    customers: pd.DataFrame,
    *,
    split_on: datetime.date,
    as_of: datetime.date,
) -> pd.DataFrame:
    """Measure what each of the customers did after the day ``split_on``, until ``as_of``.

    Returns
    -------
    pandas.DataFrame
        One row for each of ``customers``, in their order: ``customer_id``, ``later_spend`` (net
        of returns, in the currency of the lines), ``later_order_count``, ``bought_again``, and
        where messages tell it ``responded``: opened or clicked one of the messages that were
        delivered later; missing for customers who received none.
    """
    lines = _keep_after(tables["order_lines"], "ordered_at", split_on)
    bought = summarise_purchases(lines, as_of=as_of)
    bought = bought.select(
        "customer_id", later_spend=bought.total_spend, later_order_count=bought.order_count
    )
    found = customers[["customer_id"]].merge(bought.to_pandas(), how="left").fillna(0)
    found = found.astype({"later_order_count": int})
    found["bought_again"] = found["later_order_count"] > 0
    if "messages" in tables:
        messages = {"messages": _keep_after(tables["messages"], "sent_at", split_on)}
        answers = summarise_engagement(messages, as_of=as_of)
        shares = [name for name in ("open_share", "click_share") if name in answers.columns]
        if shares:  # they are missing where no message was delivered
            answers = answers.select("customer_id", *shares).to_pandas()
            most = found[["customer_id"]].merge(answers, how="left")[shares].max(axis=1)
            found["responded"] = (most > 0).astype("boolean").mask(most.isna())
    return found


def _keep_after(table: ir.Table, column: str, day: datetime.date) -> ir.Table:
    """Return the rows of days after ``day``."""
    return table.filter(days_until(table[column], day) < 0)


def score_lifetime(
    order_lines: ir.Table, customers: pd.DataFrame, *, as_of: datetime.date, horizon_days: int
) -> pd.DataFrame:
    """Return twentieths of the ``value`` and ``orders`` that a lifetime model expects.

    Both count from 0 (low) to 19, -1 for a customer without a sale; value is not discounted.

    Raises
    ------
    SegkitError
        If no model has a maximum.
    """
    choice = choose_lifetime(order_lines, as_of=as_of)
    model = choice.model
    if not (model.converged and model.has_spend):
        raise SegkitError(choice.reason or choice.value_reason)
    histories = choice.histories
    predicted = predict_lifetime(histories, model, horizon_days=horizon_days, yearly_discount=0.0)
    expected = customers[["customer_id"]].merge(predicted, how="left")
    value = _cut_twentieths(expected["lifetime_value"])
    orders = _cut_twentieths(expected["expected_order_count"])
    return pd.DataFrame({"value": value, "orders": orders}).fillna(-1).astype(int)


def _cut_twentieths(values: pd.Series) -> pd.Series:
    return pd.qcut(values, 20, labels=False, duplicates="drop")


def measure_usefulness(
    tables: Mapping[str, ir.Table],
    scheme: Scheme,
    *,
    n_segments: int,
    as_of: datetime.date,
    random_state: int,
    split_on: datetime.date | str | None = None,
    settings: BaseSettings | None = None,
    smallest_cell: int = 1,
) -> Usefulness:
    """Fit a scheme again on what was known before a day, and compare it on what came after.

    Nothing after ``split_on`` reaches features, segments or lifetime value, with one exception:
    what carries no date, such as attributes of customers, and answers to earlier messages and
    tickets, is read as it stands today (``undated``). At most 20,000 customers are compared.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Accepted tables.
    scheme : Scheme
    n_segments : int
    as_of : datetime.date
        The last day counted.
    random_state : int
    split_on : datetime.date or str, optional
        The last day before the split, as YYYY-MM-DD; empty: see `choose_split`.
    settings : BaseSettings, optional
        What the plan says about bases; the plan itself will do.
    smallest_cell : int, optional
        The fewest customers that may be seen, in a segment too.

    Raises
    ------
    SegkitError
        If ``split_on`` is no date. Whatever the data lacks is a ``reason``, not an error.
    """
    split, reason = choose_split(tables.get("order_lines"), as_of=as_of, split_on=_read(split_on))
    if reason:
        return _refuse(split, reason)
    try:
        customers = build_customers_of(scheme, tables, as_of=split, settings=settings)
        found, labels, _ = fit_shown(
            customers,
            scheme,
            n_segments=n_segments,
            as_of=split,
            random_state=random_state,
            smallest_cell=smallest_cell,
        )
        cells = score_rfm(customers)
    except SegkitError as error:
        message = error.message.rstrip(".")
        return _refuse(split, f"It cannot be built from what was known on {split}: {message}.")
    later_days = (as_of - split).days
    left_out: dict[str, str] = {}
    segments = pd.DataFrame({"segment": labels})
    levels = {NOTHING: segments[[]], RFM: cells, SEGMENTS: segments, BOTH: cells.join(segments)}
    try:
        levels[LIFETIME] = score_lifetime(
            tables["order_lines"], customers, as_of=split, horizon_days=later_days
        )
    except SegkitError as error:
        left_out[LIFETIME] = error.message
    rng = np.random.default_rng(random_state)
    chosen = np.sort(rng.permutation(len(customers))[:MOST_CUSTOMERS])
    outcomes = measure_outcomes(tables, customers.iloc[chosen], split_on=split, as_of=as_of)
    outcomes = _select_outcomes(outcomes, left_out)
    if outcomes.empty:
        return _refuse(split, f"Too few customers bought after {split}.")
    levels = {name: table.iloc[chosen].reset_index(drop=True) for name, table in levels.items()}
    figures, gains = compare_predictors(
        levels, outcomes, reference=RFM, random_state=random_state, smallest_cell=smallest_cell
    )
    return Usefulness(
        split_on=split,
        figures=count_customers(figures, outcomes),
        gains=gains.assign(customer_count=(gains["customer_share"] * len(chosen)).round()),
        answer=judge_usefulness(figures),
        segment_count=len(found.segments),
        customer_count=len(chosen),
        later_days=later_days,
        undated=_list_undated(tables, found.columns, split),
        left_out=left_out,
    )


def judge_usefulness(figures: pd.DataFrame) -> str:
    """Return one answer to what the segments say of later time.

    It rests on the explained shares of all outcomes; the intervals are widened for their number
    (Bonferroni), and a gain below one hundredth of what is to be explained does not count.

    Returns
    -------
    str
        ``adds to RFM``: with the segments some outcome is explained better than by RFM alone;
        ``as much as RFM``: they add nothing, say something, and nowhere say less than RFM;
        ``nothing beyond RFM``: they say something, but RFM alone says it too, and more;
        ``nothing``: they explain no outcome.
    """
    if list_gains(figures, BOTH, "difference"):
        return "adds to RFM"
    if not list_gains(figures, SEGMENTS, "estimate"):
        return "nothing"
    value, half = _widen(figures, SEGMENTS, "difference")
    near = ((value + half >= 0) & (value >= -SMALLEST_GAIN)).all()
    return "as much as RFM" if near else "nothing beyond RFM"


def list_gains(figures: pd.DataFrame, predictor: str, column: str) -> list[str]:
    """List the outcomes that a predictor explains better than RFM, or than nothing.

    ``column`` is ``difference``, from RFM, or ``estimate``. See `judge_usefulness`.
    """
    value, half = _widen(figures, predictor, column)
    return value.index[(value - half > 0) & (value >= SMALLEST_GAIN)].tolist()


def _widen(figures: pd.DataFrame, predictor: str, column: str) -> tuple[pd.Series, pd.Series]:
    """Return explained shares by outcome, and half of the interval that holds for all at once."""
    chosen = (figures["measure"] == "explained_share") & (figures["predictor"] == predictor)
    shares = figures[chosen].set_index("outcome")
    factor = find_reach(comparison_count=len(shares)) / find_reach()
    low = "low" if column == "estimate" else f"{column}_low"
    return shares[column], factor * (shares[column] - shares[low])


def _read(split_on: datetime.date | str | None) -> datetime.date | None:
    if not isinstance(split_on, str):
        return split_on
    try:
        return datetime.date.fromisoformat(split_on) if split_on else None
    except ValueError:
        raise SegkitError(
            "split_on is not a date",
            where="split_on",
            found=repr(split_on),
            fix="Write it as YYYY-MM-DD.",
        ) from None


def _refuse(split: datetime.date | None, reason: str) -> Usefulness:
    figures, gains = compare_predictors({}, pd.DataFrame(), reference=RFM, random_state=0)
    return Usefulness(
        split_on=split,
        figures=empty_table([*figures.columns, "customer_count"], reason),
        gains=empty_table([*gains.columns, "customer_count"], reason),
        reason=reason,
    )


def _select_outcomes(outcomes: pd.DataFrame, left_out: dict[str, str]) -> pd.DataFrame:
    """Return the outcomes that vary enough, as numbers; ``left_out`` gets the others."""
    kept = {}
    for name in LOSSES:
        if name not in outcomes:
            continue
        values = outcomes[name].astype("Float64").to_numpy(float, na_value=np.nan).clip(min=0)
        counts = np.unique(values[np.isfinite(values)], return_counts=True)[1]
        if counts.sum() - counts.max(initial=0) >= FEWEST_RETURNING:
            kept[name] = values
        else:
            left_out[name] = "nearly all customers did the same" if len(counts) else "not known"
    return pd.DataFrame(kept)


def _list_undated(
    tables: Mapping[str, ir.Table], columns: tuple[str, ...], split: datetime.date
) -> tuple[str, ...]:
    """Return those of a scheme's columns whose values carry no date."""
    own = set(ANSWERED_LATER)
    if "customers" in tables:
        own.update(select_attributes(tables["customers"], as_of=split).columns)
    dated = {*RFM_COLUMNS, "signed_up_days"}
    return tuple(name for name in columns if name in own - dated)
