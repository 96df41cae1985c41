"""What customers say: scales and choices of a survey or quiz (bases B3, B8 and B9).

Of several answers of a customer to one question the last valid one counts: the last by time, an
answer without a time before any other, ties by alphabet. Of a scale an answer is valid if it is a
number within the scale's ends. Nothing that is known to be later than ``as_of`` is read.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable

import ibis
import numpy as np
import pandas as pd
from ibis import _, ir

from segkit.core.absence import empty_table
from segkit.core.statistics import bound_alpha, find_alpha
from segkit.features.expressions import keep_known, take_first
from segkit.plan.bases import BaseSettings, ChoiceQuestion, Scale

NUMBER = r"^[-+]?[0-9]+([.][0-9]+)?$"
RELIABILITY_COLUMNS = (
    "scale", "question", "customer_count", "mean", "alpha", "alpha_low", "alpha_high",
    "item_rest_correlation", "whole_count",
)  # fmt: skip


def is_said(columns: Collection[str]) -> bool:
    """Say whether responses have the columns that scales and choices are read from."""
    return {"customer_id", "question", "answer"} <= set(columns)


def score_attitudes(
    responses: ir.Table | None, settings: BaseSettings, *, as_of: datetime.date
) -> ir.Table | None:
    """Score the scales and read the choices of the settings.

    A scale's score is the mean of the items answered, those reversed turned around, where at least
    half of them are answered; else it is null, and so it is for who answered a question in a way
    that cannot be read: the other answers alone would say something else.

    Returns
    -------
    ibis.Table or None
        One row for each customer with an answer to one of the questions: ``customer_id`` and the
        features of `BaseSettings.list_attitudes`. None without answers of customers, or settings.
    """
    rows = find_answers(responses, as_of)
    if rows is None or not settings.list_attitudes():
        return None
    parts = [_score_scale(rows, scale) for scale in settings.scales]
    parts += [_read_choice(rows, choice) for choice in settings.choices]
    # One row a part and customer, then one a customer: fewer joins than parts.
    kinds = {"number": "float64", "category": "string"}
    types = {name: kinds[kind] for name, kind in settings.list_attitudes().items()}
    alike = [
        part.select(
            "customer_id",
            **{n: part[n].cast(t) if n in part.columns else ibis.null(t) for n, t in types.items()},
        )
        for part in parts
    ]
    every = ibis.union(*alike) if len(alike) > 1 else alike[0]
    return every.group_by("customer_id").aggregate(**{name: every[name].max() for name in types})


def find_answers(responses: ir.Table | None, as_of: datetime.date) -> ir.Table | None:
    """Return ``customer_id``, ``question``, ``answer`` (trimmed) and ``at_`` of all answers."""
    if responses is None or not is_said(responses.columns):
        return None
    rows = keep_known(responses, "answered_at", as_of)
    at = rows.answered_at if "answered_at" in rows.columns else ibis.null("timestamp")
    rows = rows.select("customer_id", "question", answer=rows.answer.strip(), at_=at)
    return rows.filter(_.customer_id.notnull(), _.answer.notnull(), _.answer != "")


def take_last(rows: ir.Table) -> ir.Table:
    """Return the last of each customer's answers to each question."""
    order = [ibis.desc("is_dated_"), ibis.desc("at_"), ibis.asc("answer")]
    return take_first(rows.mutate(is_dated_=_.at_.notnull()), order, by=("customer_id", "question"))


def _read_values(rows: ir.Table, scale: Scale) -> ir.Table:
    """Return all answers to a scale's questions; ``value`` is null where one is not valid."""
    rows = rows.filter(_.question.isin(scale.questions))
    number = ibis.ifelse(_.answer.re_search(NUMBER), _.answer, ibis.null("string"))
    rows = rows.mutate(value=number.cast("float64"))
    is_valid = rows.value.between(scale.lowest, scale.highest)
    return rows.mutate(value=ibis.ifelse(is_valid, rows.value, ibis.null("float64")))


def _read_items(rows: ir.Table, scale: Scale) -> ir.Table:
    """Return valid answers to a scale's questions as ``value``, those reversed turned around."""
    items = take_last(_read_values(rows, scale).filter(_.value.notnull()))
    turned = scale.lowest + scale.highest - items.value
    value = ibis.ifelse(items.question.isin(scale.reversed), turned, items.value)
    return items.mutate(value=value) if scale.reversed else items


def _score_scale(rows: ir.Table, scale: Scale) -> ir.Table:
    table = _read_items(rows, scale).group_by("customer_id")
    table = table.aggregate(count_=_.value.count(), sum_=_.value.sum())
    mean = table.sum_ / table.count_
    enough = 2 * table.count_ >= len(scale.questions)
    score = ibis.ifelse(enough, mean.round(6), ibis.null("float64"))
    scores = table.select("customer_id", **{scale.feature: score})
    return scores.anti_join(_find_unreadable(rows, scale), "customer_id")


def _find_unreadable(rows: ir.Table, scale: Scale) -> ir.Table:
    """Return the customers who answered a question of a scale, but never in a valid way."""
    answers = _read_values(rows, scale).group_by("customer_id", "question")
    counts = answers.aggregate(valid_count_=_.value.count())
    return counts.filter(_.valid_count_ == 0).select("customer_id").distinct()


def _read_choice(rows: ir.Table, choice: ChoiceQuestion) -> ir.Table:
    last = take_last(rows.filter(_.question == choice.question))
    if not choice.separator:
        return last.select("customer_id", **dict.fromkeys(choice.features, last.answer))
    mark = choice.separator
    told = last.answer.replace(f"{mark} ", mark).replace(f" {mark}", mark)
    told = ibis.literal(mark).concat(told, mark)
    chosen = [told.contains(f"{mark}{option}{mark}") for option in choice.options.values()]
    numbers = [one.ifelse(1.0, 0.0) for one in chosen]
    return last.select("customer_id", **dict(zip(choice.features, numbers, strict=True)))


def measure_reliability(
    responses: ir.Table | None, scales: Iterable[Scale], *, as_of: datetime.date
) -> pd.DataFrame:
    """Measure how well the items of each scale agree, over customers who answered them all.

    With fewer than two such customers, or two items, there is no agreement.

    Returns
    -------
    pandas.DataFrame
        One row a scale, with an empty ``question``, and one an item: ``scale`` (its feature),
        ``question``, ``customer_count`` (who answered; of a scale who answered all), ``mean``
        (reversed items turned around), ``alpha`` (of an item: of the others, without it),
        ``alpha_low``, ``alpha_high`` (95 %), ``item_rest_correlation``, and ``whole_count``, the
        customers who answered all, whom alpha and the correlation rest on.

    See `find_alpha` and `bound_alpha` for the method.
    """
    rows = find_answers(responses, as_of)
    tables = []
    for scale in scales if rows is not None else ():
        items = _list_items(_read_items(rows, scale), scale.questions)
        tables.append(_describe_items(items, scale).assign(scale=scale.feature))
    if not tables:
        reason = "There are no scales, or no answers of customers."
        return empty_table(RELIABILITY_COLUMNS, reason)
    return pd.concat(tables, ignore_index=True).reindex(columns=RELIABILITY_COLUMNS)


def _describe_items(items: pd.DataFrame, scale: Scale) -> pd.DataFrame:
    """Return a row for the scale and one an item of ``items``, see `measure_reliability`."""
    complete = items.dropna()
    table = pd.DataFrame({"question": ["", *scale.questions]})
    table["customer_count"] = [len(complete), *items.count()]
    table["mean"] = [items.mean().mean(), *items.mean()]
    table["whole_count"] = len(complete)
    if len(complete) < 2 or len(scale.questions) < 2:
        return table
    covariances = complete.cov()
    alpha = find_alpha(covariances)
    without = [find_alpha(covariances.drop(index=item, columns=item)) for item in items]
    low, high = bound_alpha(alpha, len(scale.questions), len(complete))
    total = complete.sum(axis=1)
    correlations = [complete[item].corr(total - complete[item]) for item in items]
    missing = [np.nan] * len(scale.questions)
    table["alpha"] = [alpha, *without]
    table["alpha_low"] = [low, *missing]
    table["alpha_high"] = [high, *missing]
    table["item_rest_correlation"] = [np.nan, *correlations]
    return table


def _list_items(items: ir.Table, questions: tuple[str, ...]) -> pd.DataFrame:
    """Return one row a customer and one column a question."""
    values = {f"item_{n}": _.value.max(where=_.question == q) for n, q in enumerate(questions)}
    table = items.group_by("customer_id").aggregate(**values).to_pandas()
    return table.drop(columns="customer_id").astype(float)
