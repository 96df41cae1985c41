"""How likely customers are to recommend us, and the net promoter score that is made of it."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table
from segkit.core.statistics import ALPHA, correct_p_values, find_reach
from segkit.features.survey import NUMBER, find_answers, take_last

LOWEST, HIGHEST = 0, 10
LEAST_PROMOTER = 9
MOST_DETRACTOR = 6
NO_QUESTION = (
    "The plan names no question on recommending: write recommendation, with the question as the "
    "responses have it, under [surveys]."
)
# Answers that are thought beside those given: half of them in the middle, so that the interval of
# few answers, or of answers all alike, is wide enough.
ADDED = np.array([0.75, 1.5, 0.75])
EVERYBODY = "all customers"
SEGMENTS = "segments"
SCORES = (
    "whom", "segment_name", "customer_count", "promoter_share", "passive_share", "detractor_share",
    "score", "low", "high", "other_score", "corrected_p_value", "is_different", "group_count",
    "refused_count",
)  # fmt: skip


def bound_score(
    promoters: np.ndarray, passives: np.ndarray, detractors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of the 95 % interval of net promoter scores, -100 to 100.

    The score is the difference of two shares of one multinomial; its variance is p + d - (p - d)^2
    over the count. It is worked out with three answers added (3/4, 3/2 and 3/4), as Agresti and
    Coull (1998, *The American Statistician* 52) do for one share.

    >>> low, high = bound_score(np.array([50]), np.array([30]), np.array([20]))
    >>> low.round(1).tolist(), high.round(1).tolist()
    ([13.8, 44.5], [13.8, 44.5])
    """
    middle, variance, _count = _add_answers(promoters, passives, detractors)
    reach = find_reach() * np.sqrt(variance)
    return 100 * np.maximum(middle - reach, -1), 100 * np.minimum(middle + reach, 1)


def _add_answers(
    promoters: np.ndarray, passives: np.ndarray, detractors: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the difference of the shares with the added answers, its variance, and the count."""
    counts = np.stack([promoters, passives, detractors]).astype(float)
    counts = counts + ADDED.reshape(3, *[1] * (counts.ndim - 1))
    whole = counts.sum(axis=0)
    for_us, against = counts[0] / whole, counts[2] / whole
    difference = for_us - against
    return difference, (for_us + against - difference**2) / whole, whole


def score_promoters(
    responses: Table | None, segments: pd.DataFrame, *, question: str, as_of: datetime.date
) -> pd.DataFrame:
    """Work out the net promoter score of all and of each segment, from customers' last answers.

    Promoters answered 9 or 10 and detractors 0 to 6 (Reichheld 2003, The one number you need to
    grow, *Harvard Business Review* 81). Answers that are no whole number of 0 to 10 are refused.
    Each segment is compared with all others together, corrected for their number (Holm).

    Parameters
    ----------
    responses : ibis.Table or None
    segments : DataFrame
        customer_id and segment_name.
    question : str
        As the responses have it; empty if the plan names none.
    as_of : date
        The last day counted.

    Returns
    -------
    DataFrame
        A row for all customers and one a segment: whom, segment_name, customer_count (with a valid
        answer), the shares of promoters, passives and detractors, score (their difference, -100 to
        100) with low and high, other_score (all others'), corrected_p_value, is_different,
        group_count (the smallest of the three groups that has anybody), and refused_count
        (customers without a valid answer).
    """
    if not question:
        return empty_table(SCORES, NO_QUESTION)
    rows = find_answers(responses, as_of)
    if rows is None:
        return empty_table(SCORES, "There is no table of responses with customers.")
    counts = _count_groups(rows.filter(_.question == question), segments)
    if counts.empty or not counts["customer_count"].sum():
        reason = f"No customer with a segment gave a valid answer to “{question}”."
        return empty_table(SCORES, reason)
    whole = counts.sum(numeric_only=True).to_frame().T.assign(whom=EVERYBODY, segment_name="")
    table = pd.concat([whole, counts.assign(whom=SEGMENTS)], ignore_index=True)
    table = table.astype(dict.fromkeys(_list_counts(table), "int64"))
    return _describe_scores(table)[list(SCORES)]


def _list_counts(table: pd.DataFrame) -> list[str]:
    return [name for name in table if name.endswith("_count")]


def _count_groups(rows: Table, segments: pd.DataFrame) -> pd.DataFrame:
    """Return promoter_count, passive_count, detractor_count and more, one row a segment."""
    text = ibis.ifelse(_.answer.re_search(NUMBER), _.answer, ibis.null("string"))
    rows = rows.mutate(number=text.cast("float64"))
    is_valid = _.number.between(LOWEST, HIGHEST) & (_.number == _.number.floor())
    valid = take_last(rows.filter(is_valid))
    members = ibis.memtable(segments[["customer_id", "segment_name"]])
    refused = rows.anti_join(valid, "customer_id").select("customer_id").distinct()
    refused = refused.inner_join(members, "customer_id").group_by("segment_name")
    refused = refused.agg(refused_count=_.count()).to_pandas()
    found = valid.inner_join(members, "customer_id").group_by("segment_name")
    found = found.agg(
        customer_count=_.count(),
        promoter_count=(_.number >= LEAST_PROMOTER).sum(),
        detractor_count=(_.number <= MOST_DETRACTOR).sum(),
    ).to_pandas()
    table = found.merge(refused, on="segment_name", how="outer").sort_values("segment_name")
    numbers = [name for name in table if name != "segment_name"]
    table[numbers] = table[numbers].fillna(0).astype("int64")
    groups = table["promoter_count"] + table["detractor_count"]
    return table.assign(passive_count=table["customer_count"] - groups).reset_index(drop=True)


def _describe_scores(table: pd.DataFrame) -> pd.DataFrame:
    groups = ["promoter_count", "passive_count", "detractor_count"]
    counts = table[groups].to_numpy(float).T
    whole = table["customer_count"].astype(float)
    answered = whole.where(whole > 0)
    low, high = bound_score(*counts)
    own, variance, _count = _add_answers(*counts)
    rest = counts[:, :1] - counts
    other, other_variance, _count = _add_answers(*rest)
    others = rest.sum(axis=0)
    is_compared = (table["whom"] == SEGMENTS).to_numpy() & (whole.to_numpy() > 0) & (others > 0)
    p_values = _find_p_values(own - other, np.sqrt(variance + other_variance))
    corrected = correct_p_values(np.where(is_compared, p_values, np.nan))
    other_score = np.divide(
        100 * (rest[0] - rest[2]), others, out=np.full(len(table), np.nan), where=is_compared
    )
    difference = table["promoter_count"] - table["detractor_count"]
    known = answered.notna()
    return table.assign(
        promoter_share=table["promoter_count"] / answered,
        passive_share=table["passive_count"] / answered,
        detractor_share=table["detractor_count"] / answered,
        score=100 * difference / answered,
        low=np.where(known, low, np.nan),
        high=np.where(known, high, np.nan),
        other_score=other_score,
        corrected_p_value=corrected,
        is_different=np.nan_to_num(corrected, nan=1.0) < ALPHA,
        group_count=table[groups].where(table[groups] > 0).min(axis=1).fillna(0).astype("int64"),
    )


def _find_p_values(difference: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return two-sided p-values by the normal distribution."""
    from scipy.special import ndtr

    return 2 * ndtr(-np.abs(difference) / error)
