"""What a user's editor sees: a script that mypy checks strictly, see test_front_door_types."""

from __future__ import annotations

import datetime

import pandas as pd

from segkit import (
    KPrototypes,
    LatentClasses,
    SegkitError,
    assign_segments,
    build_customers,
    build_quiz,
    compare_counts,
    compare_segments,
    expect_purchases,
    fit_segmentation,
    fit_surrogate,
    judge_segmentation,
    load_sample_lines,
    measure_usefulness,
    predict_lifetime_value,
    prepare_lines,
    profile_segments,
    read_segmentation,
    score_rfm,
    size_segments,
)

COLUMNS = ["recency_days", "order_count", "total_spend"]


def choose_best() -> str:
    """Go the whole way from lines to a verdict; every result has a type."""
    prepared = prepare_lines(load_sample_lines(random_state=1), as_of="2025-06-23")
    accepted: int = prepared.counts["accepted"]
    day: datetime.date = prepared.as_of
    customers: pd.DataFrame = build_customers(prepared, as_of=day)
    found = fit_segmentation(customers, COLUMNS, 3, names={1: "Best"})
    placed: pd.DataFrame = found.assign(customers)
    sql: str = found.to_sql("postgres")
    judged = judge_segmentation(customers, COLUMNS, 3)
    compared = compare_counts(customers, COLUMNS, (2, 4))
    reasons: tuple[str, ...] = judged.reasons
    holds: bool = compared.holds
    return f"{accepted} {len(placed)} {sql} {reasons} {holds}"


def describe(customers: pd.DataFrame, path: str) -> float:
    """Call what describes and what foresees."""
    found = read_segmentation(path)
    placed = assign_segments(found, customers)
    assert isinstance(placed, pd.DataFrame)
    sizes: pd.DataFrame = size_segments(placed)
    profile: pd.DataFrame = profile_segments(placed, made_by=found.columns)
    rules: pd.DataFrame = fit_surrogate(placed, columns=COLUMNS).rules
    questions: tuple[str, ...] = build_quiz(placed, columns=COLUMNS).questions
    moved: list[str] = compare_segments(placed, placed).describe()
    scores: pd.DataFrame = score_rfm(customers)
    worth = predict_lifetime_value(load_sample_lines(), horizon_days=90)
    useful: str = measure_usefulness(load_sample_lines(), COLUMNS, 3).answer
    ahead = expect_purchases(
        worth.fitted.purchases, repeat_count=2, active_days=30, tenure_days=40, horizon_days=90
    )
    print(ahead.sum(), sizes, profile, rules, questions, moved, scores, useful)
    return float(worth.customers["lifetime_value"].sum())


def refuse() -> str:
    """An error has its parts; an estimator its settings."""
    try:
        KPrototypes(n_clusters=3, random_state=0).fit(pd.DataFrame({"visits": [1.0, 2.0, 9.0]}))
        LatentClasses(2, random_state=0).fit(pd.DataFrame({"tea": ["yes", "no"] * 9}))
    except SegkitError as error:
        return error.fix
    return ""
