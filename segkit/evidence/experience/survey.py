"""What each segment answers. Free text is counted, never read; a rare answer is never shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table, is_missing
from segkit.core.statistics import ALPHA, find_skewed_reach
from segkit.evidence.segment_summaries import add_interval, count_shares, summarise_by_segment

MOST_CHOICES = 12
NUMBER = "number"
CHOICE = "choice"
VERBATIM = "free text"


def classify_questions(responses: Table | None) -> pd.DataFrame:
    """Tell numbers from choices (at most 12 different answers) and free text, which is never shown.

    The columns are question, kind (``number``, ``choice`` or ``free text``) and answer_count.
    """
    columns = ["question", "kind", "answer_count"]
    if is_missing(responses, "question", "answer"):
        return empty_table(columns, "There is no table of responses with answers.")
    answered = responses.filter(_.answer.notnull()).group_by("question")
    table = answered.agg(
        answer_count=_.count(),
        distinct_count=_.answer.strip().nunique(),
        number_count=_.answer.strip().try_cast("float64").count(),
    )
    table = table.to_pandas().sort_values("question", ignore_index=True)
    is_number = table["number_count"] == table["answer_count"]
    is_choice = table["distinct_count"] <= MOST_CHOICES
    table["kind"] = np.select([is_number, is_choice], [NUMBER, CHOICE], VERBATIM)
    return table[columns]


def summarise_responses_by_segment(responses: Table | None, segments: pd.DataFrame) -> pd.DataFrame:
    """Summarise what each segment answers: means of numbers and shares of choices.

    Free text is left out. The columns are question, kind, segment_name, answer (empty for a
    number), customer_count, value (mean or share), low, high (95 %: of a mean, for answers may be
    amounts, by `find_skewed_reach`; of a share Wilson's), base_value, is_outside (whether the
    interval leaves out the base's value), outside_chance (how often that happens by chance) and
    rests_on_count.
    """
    columns = ["question", "kind", "segment_name", "answer", "customer_count", "value"]
    columns += ["low", "high", "base_value", "is_outside", "outside_chance", "rests_on_count"]
    questions = classify_questions(responses)
    if questions.empty or is_missing(responses, "customer_id"):
        return empty_table(columns, "There is no table of responses with customers.")
    kinds = questions.set_index("question")["kind"]
    rows = responses.filter(_.answer.notnull()).mutate(answer=_.answer.strip())
    numbers = rows.filter(_.question.isin(list(kinds.index[kinds == NUMBER])))
    choices = rows.filter(_.question.isin(list(kinds.index[kinds == CHOICE])))
    parts = [_average_answers(numbers, segments), _share_answers(choices, segments)]
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        return empty_table(columns, "No customer with a segment answered a closed question.")
    is_below = table["base_value"] < table["low"]
    is_above = table["base_value"] > table["high"]
    table = table.assign(
        kind=table["question"].map(kinds), is_outside=is_below | is_above, outside_chance=ALPHA
    )
    order = ["question", "segment_name", "value"]
    table = table.sort_values(order, ascending=[True, True, False], ignore_index=True)
    return table[columns]


def _share_answers(rows: Table, segments: pd.DataFrame) -> pd.DataFrame:
    """Return the share of each answer to a choice among the segment's answers."""
    shares = count_shares(rows, segments, "answer", within=["question"])
    shares = add_interval(shares, "", hits="row_count", trials="total")
    return shares.rename(columns={"share": "value", "base_share": "base_value"})


def _average_answers(rows: Table, segments: pd.DataFrame) -> pd.DataFrame:
    """Return the mean answer to each number, and that of all segments together."""
    rows = rows.mutate(number=_.answer.try_cast("float64"))
    measures = {
        "value": _.number.mean(),
        "deviation": _.number.std(),
        "square": (_.number**2).mean(),
        "cube": (_.number**3).mean(),
        "answer_count": _.count(),
    }
    table = summarise_by_segment(rows, segments, measures, by=["question"])
    weights = table["answer_count"].groupby(table["question"]).transform("sum")
    part = table["value"] * table["answer_count"] / weights
    base = part.groupby(table["question"]).transform("sum")
    error = table["deviation"] / np.sqrt(table["answer_count"])
    down, up = find_skewed_reach(_find_skew(table))
    low = table["value"] - down * error
    high = table["value"] + up * error
    return table.assign(answer="", low=low, high=high, base_value=base)


def _find_skew(table: pd.DataFrame) -> np.ndarray:
    """Return the skewness of each mean answer, from the means of answers, squares and cubes."""
    mean = table["value"].to_numpy(float)
    square = table["square"].to_numpy(float)
    third = table["cube"].to_numpy(float) - 3 * mean * square + 2 * mean**3
    spread = square - mean**2
    is_known = spread > 1e-9 * square  # answers that are all alike have none
    skewness = third / np.where(is_known, spread, 1.0) ** 1.5
    return np.where(is_known, skewness, 0.0) / np.sqrt(table["answer_count"].to_numpy(float))
