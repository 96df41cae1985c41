"""Why customers buy, and what keeps them from it: answers read as the reasons of the plan."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

import ibis
import pandas as pd
from ibis import Table, _, ir

from segkit.core.absence import empty_table
from segkit.core.contrasts import compare_with_others
from segkit.evidence.experience.promoter import EVERYBODY, SEGMENTS
from segkit.evidence.segment_summaries import add_interval
from segkit.features.survey import find_answers, take_last
from segkit.plan.surveys import Reasons

NONE_OF_THESE = "none of these"
NO_REASONS = (
    "The plan names no reasons: write a question and its reasons under [[surveys.reasons]]."
)
REASONS = (
    "question", "about", "whom", "segment_name", "reason", "customer_count", "answered_count",
    "share", "low", "high", "other_share", "corrected_p_value", "is_different",
)  # fmt: skip


def count_reasons(
    responses: Table | None,
    segments: pd.DataFrame,
    questions: Sequence[Reasons],
    *,
    as_of: datetime.date,
) -> pd.DataFrame:
    """Count how many name each reason, among all who answered and in each segment.

    Who names several counts in each, so the shares of a question may add up to more than one. Of a
    customer the last answer counts. Each segment is compared with all others by the score test of
    two shares, corrected for all comparisons (Holm).

    Returns
    -------
    DataFrame
        One row a question, reason and segment, and one for all customers: question, about
        (``buying`` or ``not buying``), whom, segment_name, reason, customer_count (who named it),
        answered_count, share with low and high (95 %, Wilson), other_share (of all others),
        corrected_p_value and is_different. The reason ``none of these`` counts the answers that
        name none.
    """
    if not questions:
        return empty_table(REASONS, NO_REASONS)
    rows = find_answers(responses, as_of)
    if rows is None:
        return empty_table(REASONS, "There is no table of responses with customers.")
    parts = [_count_question(rows, segments, one) for one in questions]
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        return empty_table(REASONS, "No customer with a segment answered a question on reasons.")
    table = add_interval(table, "", hits="customer_count", trials="answered_count")
    return _compare_segments(table)[list(REASONS)]


def _count_question(rows: Table, segments: pd.DataFrame, asked: Reasons) -> pd.DataFrame:
    members = ibis.memtable(segments[["customer_id", "segment_name"]])
    last = take_last(rows.filter(_.question == asked.question)).inner_join(members, "customer_id")
    named = {f"named_{n}": find_named(last.answer, asked, w) for n, w in _number(asked)}
    last = last.mutate(**named)
    is_other = ~ibis.or_(*[last[name] for name in named])
    sums = {name: last[name].sum() for name in named}
    found = last.group_by("segment_name").agg(
        answered_count=_.count(), named_none=is_other.sum(), **sums
    )
    wide = found.to_pandas().sort_values("segment_name", ignore_index=True)
    if wide.empty:
        return pd.DataFrame(columns=list(REASONS[:7]))
    reasons = dict(zip([*named, "named_none"], [*asked.reasons, NONE_OF_THESE], strict=True))
    whole = wide.sum(numeric_only=True).to_frame().T.assign(whom=EVERYBODY, segment_name=EVERYBODY)
    wide = pd.concat([whole, wide.assign(whom=SEGMENTS)], ignore_index=True)
    kept = ["whom", "segment_name", "answered_count"]
    table = wide.melt(kept, list(reasons), var_name="reason", value_name="customer_count")
    table["reason"] = table["reason"].map(reasons)
    table = table.astype({"customer_count": "int64", "answered_count": "int64"})
    return table.assign(question=asked.question, about=asked.about)


def _number(asked: Reasons) -> list[tuple[int, tuple[str, ...]]]:
    return list(enumerate(asked.reasons.values()))


def find_named(answer: ir.StringValue, asked: Reasons, words: Sequence[str]) -> ir.BooleanValue:
    """Return whether an answer has one of the words, capitals aside.

    Without a separator a word counts where one begins with it: "size" is in "sizes", and "art" is
    not in "part". With one a choice has to be the word.
    """
    told = [re.escape(word.strip().lower()) for word in words if word.strip()]
    either = "|".join(told)
    if asked.separator:
        mark = re.escape(asked.separator)
        pattern = rf"(^|{mark})\s*({either})\s*({mark}|$)"
    else:
        pattern = rf"(^|[^\p{{L}}\p{{N}}])({either})"
    return answer.lower().re_search(pattern)


def _compare_segments(table: pd.DataFrame) -> pd.DataFrame:
    """Compare each segment's share with that of all others who answered."""
    by = ["question", "reason"]
    everybody = table[table["whom"] != SEGMENTS].set_index(by)
    of_each = everybody.reindex(pd.MultiIndex.from_frame(table[by]))
    compared = compare_with_others(
        table["customer_count"].to_numpy(float),
        table["answered_count"].to_numpy(float),
        whole_hits=of_each["customer_count"].to_numpy(float),
        whole_trials=of_each["answered_count"].to_numpy(float),
    )
    return table.assign(**compared)
