"""Who answered a survey, and who did not: by segment and by what is known of all customers."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table
from segkit.core.errors import SegkitError
from segkit.core.statistics import ALPHA, correct_p_values, find_share_p_value
from segkit.evidence.segment_summaries import add_interval
from segkit.features.expressions import keep_known
from segkit.features.survey import find_answers, is_said
from segkit.plan.surveys import SurveyWeights

SEGMENT = "segment_name"
# What is looked at where the plan names no margins.
USUAL = ("age_band", "country", "customer_type")
EVERYBODY = "all customers"
MOST_LEVELS = 12  # a column with more is no margin of a survey
UNKNOWN = "not known"
RESPONDENTS = (
    "feature", "level", "customer_count", "respondent_count", "response_share", "response_low",
    "response_high", "base_share", "corrected_p_value", "is_different", "customer_share",
    "respondent_share",
)  # fmt: skip
ITEMS = ("question", "customer_count", "skipped_count", "skipped_share", "low", "high")


def list_respondents(responses: Table | None, *, as_of: datetime.date) -> pd.Series | None:
    """Return the ids of all who gave an answer by ``as_of``; None without answers of customers."""
    rows = find_answers(responses, as_of)
    if rows is None:
        return None
    return rows.select("customer_id").distinct().to_pandas()["customer_id"].astype(str)


def join_known(
    customers: pd.DataFrame, segments: pd.DataFrame, weights: SurveyWeights | None = None
) -> pd.DataFrame:
    """Return what who answered is compared by, of all customers with a segment.

    What is not known of a customer is a level of its own, as it is for who answers.

    Parameters
    ----------
    customers : DataFrame
        The customer table.
    segments : DataFrame
        customer_id and segment_name.
    weights : SurveyWeights, optional
        The plan's margins; without any the usual columns that are there are taken.

    Returns
    -------
    DataFrame
        customer_id, segment_name and the columns, one row a customer.

    Raises
    ------
    SegkitError
        If a margin is no column of the customer table.
    """
    margins = weights.list_margins() if weights else []
    named = _choose_columns(customers, margins)
    known = customers[["customer_id", *named]].astype({"customer_id": str})
    known = segments[["customer_id", SEGMENT]].merge(known, on="customer_id", how="left")
    for name in named:
        known[name] = known[name].astype(object).where(known[name].notna(), UNKNOWN).astype(str)
    return known.sort_values("customer_id", ignore_index=True)


def _choose_columns(customers: pd.DataFrame, margins: Sequence[str]) -> list[str]:
    """Return the plan's margins, or the usual columns that are there."""
    if margins:
        missing = [name for name in margins if name not in (*customers.columns, SEGMENT)]
        if missing:
            raise SegkitError(
                "answers cannot be weighted by what is not known of customers",
                where="plan, [surveys.weights]",
                found=missing[0],
                fix=f"Name a column of the customer table, or {SEGMENT}.",
            )
        return [name for name in margins if name != SEGMENT]
    there = [name for name in USUAL if name in customers]
    return [name for name in there if 2 <= customers[name].nunique() <= MOST_LEVELS]


def count_respondents(known: pd.DataFrame, respondents: pd.Series | None) -> pd.DataFrame:
    """Count who answered among all customers, level by level.

    Each level is compared with all other customers by the score test of two shares, and all
    comparisons are corrected together (Holm).

    Parameters
    ----------
    known : DataFrame
        One row a customer, from `join_known`.
    respondents : Series of str or None
        Ids of who answered.

    Returns
    -------
    DataFrame
        One row a feature and level, after one of all customers: feature, level, customer_count
        (all), respondent_count, response_share with response_low and response_high (95 %, Wilson),
        base_share (of all), corrected_p_value, is_different, and the level's share among all
        customers and among who answered.
    """
    if respondents is None or known.empty:
        return empty_table(RESPONDENTS, "There is no table of responses with customers.")
    answered = known["customer_id"].isin(set(respondents))
    if not answered.any():
        return empty_table(RESPONDENTS, "Nobody with a segment answered a survey.")
    parts = []
    for feature in (EVERYBODY, *known.columns.drop("customer_id")):
        levels = known[feature].astype(str) if feature in known else pd.Series("", known.index)
        groups = answered.groupby(levels)
        part = groups.agg(customer_count="size", respondent_count="sum")
        parts.append(part.rename_axis("level").reset_index().assign(feature=feature))
    table = pd.concat(parts, ignore_index=True)
    table = add_interval(table, "response_", hits="respondent_count", trials="customer_count")
    whole, hits = len(known), int(answered.sum())
    own, own_hits = (table[name].to_numpy(float) for name in ("customer_count", "respondent_count"))
    p_values = find_share_p_value(
        own_hits, own, other_hits=hits - own_hits, other_trials=whole - own
    )
    corrected = correct_p_values(np.where(own < whole, p_values, np.nan))
    return table.assign(
        base_share=hits / whole,
        corrected_p_value=corrected,
        is_different=np.nan_to_num(corrected, nan=1.0) < ALPHA,
        customer_share=own / whole,
        respondent_share=own_hits / hits,
    )[list(RESPONDENTS)]


def count_skipped(responses: Table | None, *, as_of: datetime.date) -> pd.DataFrame:
    """Count who was asked each question and left it empty.

    Only a survey that keeps a row for a question that was skipped tells of that. The columns are
    question, customer_count (with a row), skipped_count, skipped_share, low and high (95 %,
    Wilson).
    """
    if responses is None or not is_said(responses.columns):
        return empty_table(ITEMS, "There is no table of responses with customers.")
    rows = keep_known(responses, "answered_at", as_of).filter(_.customer_id.notnull())
    given = ibis.ifelse(_.answer.strip() == "", ibis.null("string"), _.answer)
    each = rows.group_by("question", "customer_id").agg(answer_count=given.count())
    counts = each.group_by("question").agg(
        customer_count=_.count(), skipped_count=(_.answer_count == 0).sum()
    )
    table = counts.filter(_.question.notnull()).to_pandas().sort_values("question")
    if table.empty:
        return empty_table(ITEMS, "Nobody was asked a question.")
    table = table.astype({"customer_count": "int64", "skipped_count": "int64"})
    table = add_interval(table, "", hits="skipped_count", trials="customer_count")
    table = table.rename(columns={"share": "skipped_share"})
    return table.sort_values("skipped_share", ascending=False, kind="stable", ignore_index=True)[
        list(ITEMS)
    ]
