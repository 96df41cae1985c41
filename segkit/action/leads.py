"""Lead score: who is about to become a customer, judged on later leads, and explained.

Leads are scored only where there are outcomes enough to learn from and to judge by; else the
reason is given and nobody has a score.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from ibis import ir

from segkit.action.lead_model import LeadModel, fit_lead_model
from segkit.action.lead_rows import fetch_lead_rows, find_first_day, has_deals
from segkit.core.scores import fit_calibration, measure_auc, measure_brier
from segkit.core.settings import Settings
from segkit.core.skewed_means import bound_mean
from segkit.core.statistics import bound_share
from segkit.plan.leads import DEAL_WON, FIRST_ORDER, Leads

MOST_CUTS = 8
FEWEST_LEARNED = 30  # successes, and failures, that a model is learned from
FEWEST_JUDGED = 25  # and that it is judged by
GROUP_COUNT = 5
MOST_JUDGED_DAYS = 3
# What is known of a lead, the most telling first: for so many as there are outcomes for.
FEATURES = {
    FIRST_ORDER: (
        "known_days", "visit_day_count", "source", "opened_count", "quiet_days",
        "lead_action_count", "cart_count", "attended_count", "customer_type", "clicked_count",
        "industry", "employee_count", "country",
    ),
    DEAL_WON: (
        "deal_days", "deal_source", "won_before_count", "deal_owner", "visit_day_count",
        "opened_count", "attended_count", "lost_before_count", "deal_amount", "employee_count",
        "industry", "lead_action_count", "quiet_days", "source",
    ),
}  # fmt: skip
NO_LEADS = "No lead is known: nobody without an order, and no open deal, stands in the tables."
NO_TABLE = {
    FIRST_ORDER: "The tables name nobody who has not ordered yet.",
    DEAL_WON: "No table of deals says when each was opened and closed, and how it ended.",
}
TOO_SHORT = (
    "The history is too short: leads of three days that lie {days} days apart are needed, two to "
    "learn from and one to judge by."
)
TOO_FEW = (
    "Too few outcomes: {won} successes and {lost} failures to learn from and {later_won} and "
    "{later_lost} to judge by, where {learned} and {judged} of each are needed."
)
NOT_BETTER = "On later leads the score ranked no better than chance."
SCORE_COLUMNS = [
    "customer_id", "kind", "chance", "place", "is_ready", "reason", "reason_kind", "value",
    "value_low", "value_high",
]  # fmt: skip


@dataclass(frozen=True)
class LeadScore:
    """The score of one kind of leads, and how it did on later ones.

    Attributes
    ----------
    kind : str
        "first_order" or "deal_won".
    horizon_days : int
    reason : str
        Why there is no score; empty where there is one.
    scores : DataFrame
        One row a lead of today, the best first: `SCORE_COLUMNS`. ``value`` is what a success
        brought, times the chance; missing where the chances did not hold.
    judged : DataFrame
        One row a day judged: ``cut_on``, ``learned_until`` (the last day learned from),
        ``customer_count``, ``event_share``, ``base_share`` (of those learned from), ``auc``, its
        ends, ``brier``, ``base_brier``, ``mean_chance``, ``slope``, ``intercept``, their ends.
    groups : DataFrame
        Leads of the last day judged, in fifths of their chance: ``group``, ``customer_count``,
        ``mean_chance``, ``event_share``, ``event_low``, ``event_high``.
    model : LeadModel or None
        Learned from all days.
    lead_count, learned_count, success_count : int
        Leads of today, rows that the model was learned from, and successes among these.
    is_calibrated : bool
        Whether as many of the leads judged succeeded as were foretold, as far as chance explains.
    """

    kind: str
    horizon_days: int
    reason: str = ""
    scores: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SCORE_COLUMNS))
    judged: pd.DataFrame = field(default_factory=pd.DataFrame)
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    model: LeadModel | None = None
    lead_count: int = 0
    learned_count: int = 0
    success_count: int = 0
    is_calibrated: bool = False


def score_leads(
    tables: Mapping[str, ir.Table], *, plan: Leads, at: Settings, attended: tuple[str, ...] = ()
) -> list[LeadScore]:
    """Score today's leads of each kind of the plan.

    Leads of earlier days, each a horizon apart, are what is learned from; the last of these days is
    kept for judging, and then learned from too.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Of which ``customers``, ``order_lines``, ``events``, ``messages``, ``tickets`` and ``deals``
        are read, those that are there.
    plan : Leads
    at : Settings
        The last day counted.
    attended : tuple of str
        Kinds of events that are attendance.

    Returns
    -------
    list of LeadScore
        One a kind, in the plan's order.
    """
    names = [word.casefold() for word in attended]
    return [_score_kind(tables, kind, plan=plan, at=at, attended=names) for kind in plan.kinds]


def _score_kind(
    tables: Mapping[str, ir.Table], kind: str, *, plan: Leads, at: Settings, attended: list[str]
) -> LeadScore:
    first = find_first_day(tables, kind)
    if first is None or (kind == DEAL_WON and not has_deals(tables)):
        return LeadScore(kind, plan.horizon_days, reason=NO_TABLE[kind])
    cuts = list_cuts(at.as_of, first, horizon_days=plan.horizon_days)
    rows = fetch_lead_rows(
        tables,
        [at.as_of, *cuts],
        kind=kind,
        horizon_days=plan.horizon_days,
        as_of=at.as_of,
        attended=attended,
    )
    if kind == FIRST_ORDER:
        rows = rows[rows["known_days"] <= plan.most_days]
    is_today = rows["cut_on"] == pd.Timestamp(at.as_of)
    today = rows[is_today].reset_index(drop=True)
    past = rows[~is_today]
    if kind == FIRST_ORDER:  # of others it is not known whether they ordered before
        past = past[past["known_on"] >= pd.Timestamp(first)]
    return judge_leads(past.reset_index(drop=True), today, kind=kind, plan=plan)


def list_cuts(
    as_of: datetime.date, first: datetime.date, *, horizon_days: int
) -> list[datetime.date]:
    """List the days that leads are looked at on, the latest first: at most eight.

    Each lies a horizon before the next, the earliest at least a horizon after the ``first`` day.

    >>> day = datetime.date(2026, 6, 30)
    >>> [str(one) for one in list_cuts(day, datetime.date(2025, 12, 1), horizon_days=90)]
    ['2026-04-01']
    """
    step = datetime.timedelta(days=horizon_days)
    cuts = [as_of - step * number for number in range(1, MOST_CUTS + 1)]
    return [cut for cut in cuts if cut - step >= first]


def judge_leads(past: pd.DataFrame, today: pd.DataFrame, *, kind: str, plan: Leads) -> LeadScore:
    """Learn from past leads, judge on the latest of them, and score today's.

    Parameters
    ----------
    past, today : DataFrame
        Of `fetch_lead_rows`.
    kind : str
    plan : Leads
    """
    found = {"kind": kind, "horizon_days": plan.horizon_days, "lead_count": len(today)}
    days = sorted(past["cut_on"].unique(), reverse=True)
    if today.empty and past.empty:
        return LeadScore(reason=NO_LEADS, **found)
    if len(days) < 3:
        return LeadScore(reason=TOO_SHORT.format(days=plan.horizon_days), **found)
    learned, later = split_leads(past)
    reason = _refuse_few(learned, later)
    if reason:
        return LeadScore(reason=reason, **found)
    learn = {"features": FEATURES[kind], "events_per_parameter": plan.events_per_parameter}
    refreshed = fit_lead_model(learned, **learn)
    rows = [judge_model(refreshed, later, learned=learned)]
    judged = pd.DataFrame([*rows, *_judge_earlier(past, later, learn)])
    found["judged"] = judged
    found["groups"] = group_leads(refreshed.find_chances(later), later)
    if not judged["auc_low"].iloc[0] > 0.5:
        return LeadScore(reason=NOT_BETTER, **found)
    model = fit_lead_model(past, **learn)
    is_calibrated = _holds(judged.iloc[0])
    return LeadScore(
        scores=_list_scores(model, today, past, plan=plan, is_calibrated=is_calibrated, kind=kind),
        model=model,
        learned_count=len(past),
        success_count=int(past["is_won"].sum()),
        is_calibrated=is_calibrated,
        **found,
    )


def split_leads(past: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part past leads into those learned from and, of later days, those judged by.

    Judged by are those of the last day, or of the last two or three, until there are outcomes
    enough; a customer counts once, as a lead of the latest day. At least one day is learned from.
    """
    days = sorted(past["cut_on"].unique(), reverse=True)
    for count in range(1, min(MOST_JUDGED_DAYS, len(days) - 1) + 1):
        is_later = past["cut_on"] >= days[count - 1]
        later = past[is_later].sort_values(["cut_on", "customer_id"], kind="stable")
        later = later.drop_duplicates("customer_id", keep="last").reset_index(drop=True)
        won = int(later["is_won"].sum())
        if min(won, len(later) - won) >= FEWEST_JUDGED:
            break
    return past[~is_later].reset_index(drop=True), later


def _refuse_few(learned: pd.DataFrame, later: pd.DataFrame) -> str:
    """Say that there are too few outcomes; nothing where there are enough."""
    counts = {}
    for name, rows in (("", learned), ("later_", later)):
        counts[f"{name}won"] = int(rows["is_won"].sum())
        counts[f"{name}lost"] = len(rows) - counts[f"{name}won"]
    if _are_enough(learned, FEWEST_LEARNED) and _are_enough(later, FEWEST_JUDGED):
        return ""
    # Counts of few customers are not told.
    told = {name: ("fewer than 10" if count < 10 else str(count)) for name, count in counts.items()}
    return TOO_FEW.format(learned=FEWEST_LEARNED, judged=FEWEST_JUDGED, **told)


def _are_enough(rows: pd.DataFrame, fewest: int) -> bool:
    won = int(rows["is_won"].sum())
    return min(won, len(rows) - won) >= fewest


def judge_model(model: LeadModel, later: pd.DataFrame, *, learned: pd.DataFrame) -> dict:
    """Return how a model did on later leads; see `LeadScore.judged`."""
    chances = model.find_chances(later)
    won = later["is_won"].to_numpy(float)
    base = float(learned["is_won"].mean())
    auc, low, high = measure_auc(chances, won)
    found, lows, highs = fit_calibration(chances, won)
    event_low, event_high = bound_share(won.sum(), len(won))
    return {
        "judged_from": later["cut_on"].min(),
        "cut_on": later["cut_on"].max(),
        "learned_until": learned["cut_on"].max(),
        "customer_count": len(later),
        "event_share": float(won.mean()),
        "event_low": float(event_low),
        "event_high": float(event_high),
        "base_share": base,
        "mean_chance": float(chances.mean()),
        "auc": auc,
        "auc_low": low,
        "auc_high": high,
        "brier": measure_brier(chances, won),
        "base_brier": measure_brier(np.full(len(won), base), won),
        "intercept": found[0],
        "intercept_low": lows[0],
        "intercept_high": highs[0],
        "slope": found[1],
        "slope_low": lows[1],
        "slope_high": highs[1],
    }


def _judge_earlier(past: pd.DataFrame, later: pd.DataFrame, learn: dict) -> list[dict]:
    """Judge the score as it was a horizon earlier: on the same leads, and on its own later ones."""
    before = past[past["cut_on"] < past["cut_on"].max()]
    if before["cut_on"].nunique() < 2:
        return []
    learned, own = split_leads(before)
    if not (_are_enough(learned, FEWEST_LEARNED) and _are_enough(own, FEWEST_JUDGED)):
        return []
    model = fit_lead_model(learned, **learn)
    is_older = learned["cut_on"].max() < later["cut_on"].min() - pd.Timedelta(days=1)
    tried = [later, own] if is_older and len(own) else [own]
    return [judge_model(model, rows, learned=learned) for rows in tried]


def _holds(judged: pd.Series) -> bool:
    """Return whether as many succeeded as foretold, and the slope may be 1."""
    is_level = judged["event_low"] <= judged["mean_chance"] <= judged["event_high"]
    slope_low, slope_high = judged["slope_low"], judged["slope_high"]
    is_slope = np.isnan(slope_low) or slope_low <= 1 <= slope_high
    return bool(is_level and is_slope)


def group_leads(chances: np.ndarray, later: pd.DataFrame) -> pd.DataFrame:
    """Set what came beside what was foretold, in fifths of the leads by their chance.

    Leads with equal chances are in one group. The intervals are Wilson's.

    Returns
    -------
    DataFrame
        ``group`` (1 has the lowest chances), ``customer_count``, ``mean_chance``,
        ``event_share``, ``event_low``, ``event_high``.
    """
    rank = pd.Series(chances).rank(method="average", pct=True)
    group = np.ceil(rank * GROUP_COUNT - 1e-9).clip(1, GROUP_COUNT).astype(int)
    frame = pd.DataFrame({"group": group, "chance": chances, "won": later["is_won"].to_numpy()})
    table = frame.groupby("group").agg(
        customer_count=("won", "size"), mean_chance=("chance", "mean"), event_share=("won", "mean")
    )
    hits = frame.groupby("group")["won"].sum()
    low, high = bound_share(hits, table["customer_count"])
    return table.assign(event_low=low, event_high=high).reset_index()


def _list_scores(
    model: LeadModel,
    today: pd.DataFrame,
    past: pd.DataFrame,
    *,
    plan: Leads,
    is_calibrated: bool,
    kind: str,
) -> pd.DataFrame:
    """Return today's leads with their chance, their place, and why."""
    from segkit.action.lead_reasons import write_reasons

    if today.empty:
        return pd.DataFrame(columns=SCORE_COLUMNS)
    chances = model.find_chances(today)
    reasons, kinds = write_reasons(model, today, past, chances=chances)
    worth = past.loc[past["is_won"], "later_value"].astype(float).to_numpy()
    mean = worth.mean() if is_calibrated else np.nan
    low, high = bound_mean(worth) if is_calibrated else (np.nan, np.nan)
    table = pd.DataFrame(
        {
            "customer_id": today["customer_id"].astype(str),
            "kind": kind,
            "chance": chances,
            "reason": reasons,
            "reason_kind": kinds,
            "value": chances * mean,
            "value_low": chances * low,
            "value_high": chances * high,
        }
    )
    table = table.sort_values(["chance", "customer_id"], ascending=[False, True], kind="stable")
    place = np.arange(1, len(table) + 1)
    ready = int(np.ceil(plan.ready_share * len(table) - 1e-9))
    table = table.assign(place=place, is_ready=place <= ready)
    return table[SCORE_COLUMNS].reset_index(drop=True)
