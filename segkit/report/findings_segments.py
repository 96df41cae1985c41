"""Sentences on customers, candidate segmentations and the final segments."""

from __future__ import annotations

from typing import Any

import pandas as pd

from segkit.report.old_sentences import write_sentences
from segkit.report.shared.numbers import format_money, format_number, format_share, join_words

MONEY_KPIS = {"total_spend", "mean_order_value"}
LIKE_EVERYBODY_SD = 0.2
LIMITS = [
    "Segments describe the time before the last day counted; no campaign has been measured.",
    "Groups that show in one column alone are called a cut, not a finding.",
    "A scheme that is made from spend is bound to explain spend.",
]


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


def headline_base(
    customers: pd.DataFrame, figures: dict[str, float], *, value_name: str
) -> dict[str, str]:
    """Return the base analysis' figures for the index page, as text by label."""
    headline = {"Customers": format_number(len(customers))}
    if figures:
        top = format_share(figures["top_20_share"], 0)
        headline[f"Top fifth's share of {value_name}"] = top
    return headline


def headline_analysis(sizes: pd.DataFrame) -> dict[str, str]:
    """Return the final scheme's figures for the index page, as text by label."""
    return {
        "Segments": format_number(len(sizes)),
        "Largest segment": format_share(sizes["customer_share"].max(), 0),
    }


def state_profiles(sizes: pd.DataFrame, profile: pd.DataFrame) -> list[str]:
    """Say of each segment how large it is and what sets it apart most."""
    rows = [
        {**row, "differences": _describe_differences(profile, row["segment_name"], count=2)}
        for row in sizes.to_dict("records")
    ]
    return write_sentences("segments.profiles", rows=rows)


def _describe_differences(profile: pd.DataFrame, segment_name: str, *, count: int) -> str:
    """Name the features by which a segment lies furthest from all customers."""
    rows = profile[profile["segment_name"] == segment_name].dropna(subset=["difference_sd"])
    rows = rows[rows["difference_sd"].abs() >= LIKE_EVERYBODY_SD]
    order = rows["difference_sd"].abs().sort_values(ascending=False, kind="stable").index
    words = [
        f"{'higher' if row.difference_sd > 0 else 'lower'} {row.feature.replace('_', ' ')}"
        for row in rows.loc[order[:count]].itertuples()
    ]
    return join_words(words)


def list_segments(sizes: pd.DataFrame, profile: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the segments for the index page, one record each."""
    columns = ["segment_name", "customer_count", "customer_share", "spend_share"]
    apart = [_describe_differences(profile, name, count=3) for name in sizes["segment_name"]]
    known = sizes[[name for name in columns if name in sizes]]
    return known.assign(set_apart_by=apart).to_dict("records")


def write_kpis(kpis: pd.DataFrame, *, currency: str) -> pd.DataFrame:
    """Add ``value_text`` and ``target_text``, written in the measure's own unit."""
    texts = {
        f"{column}_text": [
            _write_kpi(kpi, value, currency)
            for kpi, value in zip(kpis["kpi"], kpis[column], strict=True)
        ]
        for column in ("value", "target")
    }
    return kpis.assign(**texts)


def _write_kpi(kpi: str, value: float | None, currency: str) -> str:
    if kpi in MONEY_KPIS:
        return format_money(value, currency)
    if kpi.endswith("_share"):
        return format_share(value)
    return format_number(value, 0 if kpi == "active_customers" else 1)
