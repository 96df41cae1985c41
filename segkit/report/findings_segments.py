"""Sentences on customers, candidate segmentations and the final segments."""

from __future__ import annotations

from typing import Any

import pandas as pd

from segkit.plan.models import Criteria
from segkit.report.old_sentences import write_sentences
from segkit.report.shared.numbers import format_number, format_share


def state_customers(customers: pd.DataFrame, *, currency: str) -> list[str]:
    """Say how many customers there are and what they spend, as far as that is known."""
    buyers, repeat, spends, stages = None, None, [], []
    if "order_count" in customers:
        counts = customers.loc[customers["order_count"] > 0, "order_count"]
        buyers, repeat = len(counts), (counts >= 2).mean()
    if "total_spend" in customers:
        spends = customers["total_spend"].agg(["median", "mean"]).tolist()
    if "journey_stage" in customers:
        shares = customers["journey_stage"].value_counts(normalize=True, sort=False).sort_index()
        stages = [f"{name} {format_share(share, 0)}" for name, share in shares.items()]
    values = {"buyers": buyers, "repeat_share": repeat, "spends": spends, "stages": stages}
    count = len(customers)
    return write_sentences("segments.customers", count=count, currency=currency, **values)


def state_concentration(figures: dict[str, float], *, value_name: str) -> list[str]:
    """Say how few customers bring how much; nothing without figures."""
    if not figures:
        return []
    return write_sentences("segments.concentration", figures=figures, value_name=value_name)


def name_thresholds(criteria: Criteria) -> dict[str, float]:
    """Return the least that the plan accepts, by column of the candidates' table."""
    return {
        "stability": criteria.smallest_stability,
        "smallest_customer_share": criteria.smallest_customer_share,
    }


def state_choice(choice: Any) -> list[str]:
    """Say which scheme is used, whether the verdict is yes or no, and why."""
    return [*write_sentences("segments.choice", choice=choice), *choice.reasons]


def headline_base(
    customers: pd.DataFrame, figures: dict[str, float], *, value_name: str
) -> dict[str, str]:
    """Return the base analysis' figures for the index page, as text by label."""
    headline = {"Customers": format_number(len(customers))}
    if figures:
        top = format_share(figures["top_20_share"], 0)
        headline[f"Top fifth's share of {value_name}"] = top
    return headline
