"""Which answers go with an overall one, such as satisfaction: correlations, with intervals."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table
from segkit.core.contrasts import find_normal_p_value
from segkit.core.statistics import ALPHA, bound_estimate, correct_p_values
from segkit.evidence.experience.survey import NUMBER, classify_questions
from segkit.features.survey import find_answers, take_last

FEWEST_RELATED = 10  # customers who answered both; of fewer nothing is said
ASSOCIATIONS = (
    "question", "customer_count", "correlation", "low", "high", "corrected_p_value", "is_related",
)  # fmt: skip
NO_OVERALL = (
    "The plan names no overall answer, such as satisfaction: write overall, with the question as "
    "the responses have it, under [surveys]."
)


def bound_correlation(correlation: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of the 95 % interval of correlations, by Fisher's (1921) transformation.

    The inverse hyperbolic tangent of a correlation is about normal with variance 1 / (n - 3):
    *Metron* 1. NaN of fewer than four pairs.

    >>> low, high = bound_correlation(np.array([0.5]), np.array([103]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.339], [0.632])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(count > 3, 1 / np.sqrt(np.asarray(count, dtype=float) - 3), np.nan)
        low, high = bound_estimate(np.arctanh(correlation), error)
    return np.tanh(low), np.tanh(high)


def relate_answers(responses: Table | None, *, question: str, as_of: datetime.date) -> pd.DataFrame:
    """Work out how far each answer that is a number goes with that to one question.

    Of a customer the last answer to each counts. That two answers go together does not say that one
    brings the other about. All correlations are corrected together (Holm).

    Parameters
    ----------
    responses : ibis.Table or None
    question : str
        The overall one, as the responses have it; empty if the plan names none.
    as_of : date
        The last day counted.

    Returns
    -------
    DataFrame
        One row another question that asks for a number, by the correlation: question,
        customer_count (who answered both), correlation (Pearson's) with low and high,
        corrected_p_value and is_related. The correlation is missing where answers do not vary.
    """
    if not question:
        return empty_table(ASSOCIATIONS, NO_OVERALL)
    rows = find_answers(responses, as_of)
    if rows is None:
        return empty_table(ASSOCIATIONS, "There is no table of responses with customers.")
    kinds = classify_questions(responses).set_index("question")["kind"]
    if kinds.get(question) != NUMBER:
        reason = f"Answers to “{question}” are no numbers, or nobody was asked."
        return empty_table(ASSOCIATIONS, reason)
    others = [name for name in kinds.index[kinds == NUMBER] if name != question]
    last = take_last(rows.filter(_.question.isin([*others, question])))
    last = last.mutate(number=_.answer.try_cast("float64")).filter(_.number.notnull())
    overall = last.filter(_.question == question).select("customer_id", overall=_.number)
    pairs = last.filter(_.question != question).inner_join(overall, "customer_id")
    found = pairs.group_by("question").agg(
        customer_count=_.count(), correlation=_.number.corr(_.overall, how="pop")
    )
    table = found.to_pandas().astype({"customer_count": "int64", "correlation": "float64"})
    table = table[table["customer_count"] >= FEWEST_RELATED]
    if table.empty:
        return empty_table(ASSOCIATIONS, f"Too few answered “{question}” and another question.")
    return _describe(table)


def _describe(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with intervals and corrected p-values, the closest first."""
    correlation = table["correlation"].clip(-1, 1).to_numpy(float)
    count = table["customer_count"].to_numpy(float)
    low, high = bound_correlation(correlation, count)
    with np.errstate(divide="ignore"):
        p_values = find_normal_p_value(np.arctanh(correlation), 1 / np.sqrt(count - 3))
    p_values = np.where(np.abs(correlation) == 1, 0.0, p_values)
    corrected = correct_p_values(p_values)
    table = table.assign(
        low=low,
        high=high,
        corrected_p_value=corrected,
        is_related=np.nan_to_num(corrected, nan=1.0) < ALPHA,
    )
    order = ["correlation", "question"]
    return table.sort_values(order, ascending=[False, True], ignore_index=True)[list(ASSOCIATIONS)]
