"""How likely customers are to recommend us, and the net promoter score that is made of it."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import ALL_HIDDEN, empty_table
from segkit.core.contrasts import find_normal_p_value
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
GROUPS = ("promoters", "passives", "detractors")
COUNTS = (
    "whom", "segment_name", "answer_group", "customer_count", "answered_count", "share",
    "refused_count",
)  # fmt: skip
SCORES = (
    "whom", "segment_name", "customer_count", "promoter_share", "passive_share", "detractor_share",
    "score", "low", "high", "other_score", "corrected_p_value", "is_different",
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
    ([14.1], [44.2])
    """
    middle, variance = _add_answers(promoters, passives, detractors)
    reach = find_reach() * np.sqrt(variance)
    return 100 * np.maximum(middle - reach, -1), 100 * np.minimum(middle + reach, 1)


def _add_answers(
    promoters: np.ndarray, passives: np.ndarray, detractors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the difference of the shares, with the added answers, and its variance."""
    counts = np.stack([promoters, passives, detractors]).astype(float)
    counts = counts + ADDED.reshape(3, *[1] * (counts.ndim - 1))
    whole = counts.sum(axis=0)
    for_us, against = counts[0] / whole, counts[2] / whole
    difference = for_us - against
    return difference, (for_us + against - difference**2) / whole


def count_promoters(
    responses: Table | None, segments: pd.DataFrame, *, question: str, as_of: datetime.date
) -> pd.DataFrame:
    """Count promoters, passives and detractors among all and in each segment, by last answers.

    Promoters answered 9 or 10 and detractors 0 to 6 (Reichheld 2003, The one number you need to
    grow, *Harvard Business Review* 81). Answers that are no whole number of 0 to 10 are refused.

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
        One row a segment and group, and one a group of all customers: whom, segment_name,
        answer_group, customer_count, answered_count (all with a valid answer), share, and
        refused_count (customers without a valid answer).
    """
    if not question:
        return empty_table(COUNTS, NO_QUESTION)
    rows = find_answers(responses, as_of)
    if rows is None:
        return empty_table(COUNTS, "There is no table of responses with customers.")
    wide = _count_groups(rows.filter(_.question == question), segments)
    if wide.empty or not wide["answered_count"].sum():
        reason = f"No customer with a segment gave a valid answer to “{question}”."
        return empty_table(COUNTS, reason)
    whole = wide.sum(numeric_only=True).to_frame().T.assign(whom=EVERYBODY, segment_name=EVERYBODY)
    wide = pd.concat([whole, wide.assign(whom=SEGMENTS)], ignore_index=True)
    kept = ["whom", "segment_name", "answered_count", "refused_count"]
    table = wide.melt(kept, list(GROUPS), var_name="answer_group", value_name="customer_count")
    counts = [name for name in table if name.endswith("_count")]
    table = table.astype(dict.fromkeys(counts, "int64"))
    answered = table["answered_count"]
    table["share"] = table["customer_count"] / answered.where(answered > 0)
    order = table["segment_name"].map({name: n for n, name in enumerate(wide["segment_name"])})
    return table.loc[order.sort_values(kind="stable").index, list(COUNTS)].reset_index(drop=True)


def score_promoters(groups: pd.DataFrame) -> pd.DataFrame:
    """Work out net promoter scores from counts of `count_promoters` that may be shown.

    Where a group of a segment is hidden, so is its score: beside the others it would tell the
    group. Each segment that is shown is compared with all others together, corrected for their
    number (Holm).

    Parameters
    ----------
    groups : DataFrame
        The rows of the published table; hidden counts are missing.

    Returns
    -------
    DataFrame
        A row for all customers and one a segment whose groups are all shown: whom, segment_name,
        customer_count, the shares of the three groups, score (promoters less detractors, -100 to
        100) with low and high, other_score (of all others), corrected_p_value and is_different.
    """
    if groups.empty:
        return empty_table(SCORES, getattr(groups, "reason", NO_QUESTION))
    wide = groups.pivot(
        index=["whom", "segment_name"], columns="answer_group", values="customer_count"
    )
    wide = wide.reindex(columns=list(GROUPS)).astype(float).dropna()
    wide = wide[wide.sum(axis=1) > 0]
    if wide.empty:
        return empty_table(SCORES, ALL_HIDDEN)
    counts = wide.to_numpy().T
    low, high = bound_score(*counts)
    table = wide.index.to_frame(index=False).assign(
        customer_count=counts.sum(axis=0).astype("int64"),
        promoter_share=counts[0] / counts.sum(axis=0),
        passive_share=counts[1] / counts.sum(axis=0),
        detractor_share=counts[2] / counts.sum(axis=0),
        score=100 * (counts[0] - counts[2]) / counts.sum(axis=0),
        low=low,
        high=high,
    )
    return _compare_segments(table, counts)[list(SCORES)]


def _compare_segments(table: pd.DataFrame, counts: np.ndarray) -> pd.DataFrame:
    """Compare each segment with all others, where the groups of all customers are shown."""
    is_whole = (table["whom"] == EVERYBODY).to_numpy()
    whole = counts[:, is_whole] if is_whole.any() else np.full((len(GROUPS), 1), np.nan)
    rest = whole - counts
    others = rest.sum(axis=0)
    is_compared = ~is_whole & (np.nan_to_num(others) > 0)
    own, variance = _add_answers(*counts)
    other, other_variance = _add_answers(*rest)
    p_values = find_normal_p_value(own - other, np.sqrt(variance + other_variance))
    corrected = correct_p_values(np.where(is_compared, p_values, np.nan))
    empty = np.full(len(table), np.nan)
    return table.assign(
        other_score=np.divide(100 * (rest[0] - rest[2]), others, out=empty, where=is_compared),
        corrected_p_value=corrected,
        is_different=np.nan_to_num(corrected, nan=1.0) < ALPHA,
    )


def list_recommendations(
    responses: Table | None, *, question: str, as_of: datetime.date
) -> pd.DataFrame:
    """Return customer_id and number, 0 to 10: each customer's last valid answer."""
    rows = find_answers(responses, as_of) if question else None
    if rows is None:
        return empty_table(["customer_id", "number"], NO_QUESTION)
    valid = take_last(_keep_valid(rows.filter(_.question == question)))
    return valid.select("customer_id", "number").to_pandas().astype({"customer_id": str})


def _keep_valid(rows: Table) -> Table:
    """Return the answers that are whole numbers of 0 to 10, as ``number``."""
    text = ibis.ifelse(_.answer.re_search(NUMBER), _.answer, ibis.null("string"))
    rows = rows.mutate(number=text.cast("float64"))
    return rows.filter(_.number.between(LOWEST, HIGHEST) & (_.number == _.number.floor()))


def _count_groups(rows: Table, segments: pd.DataFrame) -> pd.DataFrame:
    """Return answered_count, refused_count and the groups, one row a segment."""
    valid = take_last(_keep_valid(rows))
    members = ibis.memtable(segments[["customer_id", "segment_name"]])
    refused = rows.anti_join(valid, "customer_id").select("customer_id").distinct()
    refused = refused.inner_join(members, "customer_id").group_by("segment_name")
    refused = refused.agg(refused_count=_.count()).to_pandas()
    found = valid.inner_join(members, "customer_id").group_by("segment_name")
    found = found.agg(
        answered_count=_.count(),
        promoters=(_.number >= LEAST_PROMOTER).sum(),
        detractors=(_.number <= MOST_DETRACTOR).sum(),
    ).to_pandas()
    table = found.merge(refused, on="segment_name", how="outer").sort_values("segment_name")
    numbers = [name for name in table if name != "segment_name"]
    table[numbers] = table[numbers].fillna(0).astype("int64")
    passives = table["answered_count"] - table["promoters"] - table["detractors"]
    return table.assign(passives=passives).reset_index(drop=True)
