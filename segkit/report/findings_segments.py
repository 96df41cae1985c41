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
