"""Sentences on customers, candidate segmentations and the final segments."""

from __future__ import annotations

from typing import Any

import pandas as pd

from segkit.plan import Criteria
from segkit.report.findings import format_money, format_number, format_share, join_words, plural

MONEY_KPIS = {"total_spend", "mean_order_value"}
SHARE_KPIS = {"repeat_share", "lapsed_share", "open_share"}
KPI_HEADINGS = {
    "text": "Goal",
    "measure": "Measured by",
    "value_text": "Value",
    "target_text": "Target",
    "met": "Met",
}
CANDIDATE_HEADINGS = {
    "scheme": "Scheme",
    "method": "Model",
    "segment_count": "Segments",
    "kind": "Kind",
    "stability": "Stability",
    "weakest_jaccard": "Weakest, Jaccard",
    "smallest_customer_share": "Smallest, customers",
    "smallest_value_share": "Poorest, spend",
    "reach": "Placed by rules",
    "explained_share": "Explained",
    "passes": "Meets all",
}
RULE_HEADINGS = {
    "scheme": "Scheme",
    "segment_name": "Segment",
    "when": "Condition",
    "matched_count": "Who meet it",
    "customer_count": "Who are taken",
    "customer_share": "Share of customers",
    "unknown_count": "Who cannot be decided",
    "note": "Note",
}
UNUSUAL_HEADINGS = {
    "column": "Column",
    "customer_count": "Customers",
    "missing_count": "Without a value",
    "new_count": "With a new value",
}
SIZE_HEADINGS = {
    "segment_name": "Segment",
    "customer_count": "Customers",
    "customer_share": "Share of customers",
    "share_interval": "95% interval",
    "spend_share": "Share of spend",
    "mean_spend": "Mean spend",
    "mean_interval": "95% interval of the mean",
    "total_profit": "Profit",
    "median_recency_days": "Median days since last order",
    "mean_order_count": "Orders each",
    "rating": "Found again",
}
LIKE_EVERYBODY_SD = 0.2
LIMITS = [
    "Segments describe the time before the last day counted; no campaign has been measured.",
    "Groups that show in one column alone are called a cut, not a finding.",
    "A scheme that is made from spend is bound to explain spend.",
]


def state_customers(customers: pd.DataFrame, *, currency: str) -> list[str]:
    """Say how many customers there are and what they spend, as far as that is known."""
    sentences = [f"{plural(len(customers), 'customer')} in the customer table."]
    if "order_count" in customers:
        buyers = customers[customers["order_count"] > 0]
        sentences[0] = (
            f"{plural(len(customers), 'customer')}, "
            f"{format_number(len(buyers))} of them with at least one sale; "
            f"{format_share((buyers['order_count'] >= 2).mean())} of these bought more than once."
        )
    if "total_spend" in customers:
        middle, mean = (customers["total_spend"].agg(f) for f in ("median", "mean"))
        sentences.append(
            f"The median customer spent {format_money(middle, currency)}, "
            f"the mean is {format_money(mean, currency)}."
        )
    if "journey_stage" in customers:
        stages = customers["journey_stage"].value_counts(normalize=True, sort=False).sort_index()
        parts = [f"{name} {format_share(share, 0)}" for name, share in stages.items()]
        sentences.append(f"By journey stage: {join_words(parts)}.")
    return sentences


def state_concentration(figures: dict[str, float], *, value_name: str) -> list[str]:
    """Say how few customers bring how much; nothing without figures."""
    if not figures:
        return []
    sentences = [
        f"The top fifth of customers bring {format_share(figures['top_20_share'])} of "
        f"{value_name}, the top hundredth {format_share(figures['top_1_share'])}.",
        f"{format_share(figures['customer_share_for_80'])} of customers bring four fifths of "
        f"{value_name}; the Gini coefficient is {format_number(figures['gini'], 2)}.",
    ]
    if figures["negative_count"]:
        sentences.append(
            f"{plural(int(figures['negative_count']), 'customer')} brought a loss or returned more "
            f"than they bought; they count as zero here."
        )
    return sentences


def name_thresholds(criteria: Criteria) -> dict[str, float]:
    """Return the least that the plan accepts, by column of the candidates' table."""
    return {
        "stability": criteria.smallest_stability,
        "smallest_customer_share": criteria.smallest_customer_share,
    }


def state_choice(choice: Any) -> list[str]:
    """Say which scheme is used, whether the verdict is yes or no, and why."""
    lead = f"{choice.scheme.replace('_', ' ')} with {plural(choice.segment_count, 'segment')}"
    if choice.verdict == "yes":
        first = f"Use {lead}."
    else:
        first = f"These segments do not meet the plan's criteria; {lead} comes nearest."
    if choice.overrule_reason:
        first += f" The plan overrules this verdict: {choice.overrule_reason.rstrip('.')}."
    if choice.overruled:
        first += " The plan chose this scheme; it overrules the recommendation."
    return [first, *choice.reasons]


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
    sentences = []
    for row in sizes.itertuples():
        text = f"{row.segment_name}: {format_share(row.customer_share)} of customers"
        if "spend_share" in sizes:
            text += f", {format_share(row.spend_share)} of spend"
        differences = _describe_differences(profile, row.segment_name, count=2)
        sentences.append(f"{text}; {differences}." if differences else f"{text}.")
    return sentences


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
    return [
        {
            "segment_name": row.segment_name,
            "customer_count": int(row.customer_count),
            "customer_share": float(row.customer_share),
            **({"spend_share": float(row.spend_share)} if "spend_share" in sizes else {}),
            "set_apart_by": _describe_differences(profile, row.segment_name, count=3),
        }
        for row in sizes.itertuples()
    ]


def write_kpis(kpis: pd.DataFrame, *, currency: str) -> pd.DataFrame:
    """Add ``value_text`` and ``target_text``, written in the measure's own unit."""
    return kpis.assign(
        value_text=[
            _write_kpi(k, v, currency) for k, v in zip(kpis["kpi"], kpis["value"], strict=True)
        ],
        target_text=[
            _write_kpi(k, v, currency) for k, v in zip(kpis["kpi"], kpis["target"], strict=True)
        ],
    )


def _write_kpi(kpi: str, value: float | None, currency: str) -> str:
    if kpi in MONEY_KPIS:
        return format_money(value, currency)
    if kpi in SHARE_KPIS:
        return format_share(value)
    return format_number(value, 0 if kpi == "active_customers" else 1)
