"""A made-up notebook and summary that show every chart and table, for the report's tests."""
# ruff: noqa: E402

from __future__ import annotations

import contextlib
import functools
import sys
from pathlib import Path
from unittest import mock

from published import publish

from segkit.core.findings import Finding
from segkit.core.privacy import Shape
from segkit.evidence.kpi_limits import limit_months
from segkit.report.shared.views import Column, View

sys.modules.setdefault("rfc3987_syntax", None)  # a grammar that nbformat would build for seconds

import nbformat
import numpy as np
import pandas as pd
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from segkit.report import (
    bases,
    business,
    campaign_charts,
    candidates,
    channels,
    cohorts,
    customer_base,
    decisions,
    descriptors,
    differences,
    engagement,
    history,
    kpi_series,
    leads,
    lifetime_value,
    market,
    persona_emblem,
    plan,
    plays,
    pricing_charts,
    promoter,
    reach,
    readiness,
    rfm,
    season,
    separation,
    show_chart,
    show_findings,
    show_table,
    sizes,
    spend,
    stability,
    support,
    survey,
    targeting,
    themes,
    usefulness,
    wallet,
)
from segkit.report.shared import charts
from segkit.report.shared.pages import list_pages, render_index, render_page

MODULES = [
    bases,
    campaign_charts,
    business,
    candidates,
    channels,
    charts,
    cohorts,
    customer_base,
    decisions,
    descriptors,
    differences,
    engagement,
    kpi_series,
    leads,
    history,
    history,
    lifetime_value,
    market.penetration,
    market.players,
    market.trends,
    market.white_space,
    persona_emblem,
    plan,
    plays,
    pricing_charts,
    promoter,
    reach,
    readiness,
    rfm,
    season,
    separation,
    sizes,
    spend,
    stability,
    support,
    survey,
    targeting,
    themes,
    usefulness,
    wallet,
]
PLOTS = {
    name: getattr(module, name)
    for module in MODULES
    for name in dir(module)
    if name.startswith("plot_")
}
# The charts of the demo page.
SHOWN = (
    "plot_readiness",
    "plot_quality",
    "plot_trend",
    "plot_cells",
    "plot_white_space",
    "plot_bars",
    "plot_lorenz",
    "plot_rfm_grid",
    "plot_candidates",
    "plot_segment_sizes",
)
HOSTILE = "<script>alert(1)</script>"
STEPS = ["01_plan", "02_market_review", "03_base_analysis", "04_experience_data", "05_analysis"]
SEGMENTS = ["Loyal regulars", "Big baskets", "Newcomers", "At risk", "Lapsed bargain hunters"]


@contextlib.contextmanager
def capture_displays(outputs: list):
    """Collect what is displayed as a notebook's outputs."""

    def keep(data: dict, metadata: dict | None = None, raw: bool = False) -> None:
        assert raw
        outputs.append(new_output("display_data", data=data, metadata=metadata or {}))

    with mock.patch("IPython.display.display", keep):
        yield


def share_segments(row: str, names: list[str]) -> pd.DataFrame:
    """Return the share of each segment that names each of something."""
    shares = [0.42, 0.18, 0.08, 0.11, 0.33, 0.27, 0.0, 0.09, 0.61]
    places = [(name, segment) for name in names for segment in SEGMENTS[:3]]
    return pd.DataFrame(places, columns=[row, "segment_name"]).assign(share=shares)


def make_tables() -> dict[str, pd.DataFrame]:
    """Return one finished table for each chart."""
    rng = np.random.default_rng(7)
    spend = np.sort(rng.lognormal(5, 1.3, 800))
    months = pd.date_range("2024-07-01", periods=24, freq="MS")
    season = 1 + 0.35 * np.sin(np.arange(24) / 12 * 2 * np.pi)
    monthly = [
        pd.DataFrame(
            {"month": months, "value": base * season * (1 + slope * np.arange(24)), "g": g}
        )
        for g, base, slope in [
            ("Web", 120_000, 0.02),
            ("Stores", 150_000, -0.005),
            ("Partners", 40_000, 0.0),
            ("Phone", 42_000, -0.001),
        ]
    ]
    places = [
        (c, s)
        for c in ("Finland", "Sweden", "Norway", "Estonia", HOSTILE)
        for s in ("Outdoor", "Household", "Business gifts")
    ]
    cells = pd.DataFrame(places, columns=["country", "category"])
    cells["cell"] = cells["country"] + ", " + cells["category"]
    cells["size"] = rng.lognormal(16, 0.8, len(cells)).round()
    cells["growth_rate"] = rng.normal(0.03, 0.05, len(cells)).round(3)
    cells["value_share"] = rng.beta(1, 14, len(cells))
    cells.loc[4, "value_share"] = None
    cells["index"] = 1000 * cells["value_share"]
    cells["white_space"] = (cells["growth_rate"] > 0.04) & (cells["value_share"] < 0.06)
    rfm = pd.DataFrame(
        [(r, f) for r in range(1, 6) for f in range(1, 6)],
        columns=["recency_score", "frequency_score"],
    )
    rfm["customer_count"] = rng.integers(20, 500, 25)
    shares = np.array([0.31, 0.12, 0.22, 0.16, 0.19])
    return {
        "readiness": pd.DataFrame(
            {
                "practice": [
                    "Goals with a KPI",
                    "Consent recorded",
                    "Orders linked to customers",
                    "Survey answers",
                    "Support tickets with times",
                    "Market known",
                ],
                "step": ["Plan", "Base", "Base", "Experience", "Experience", "Market"],
                "score": [5, 4, 4, 2, 3, 0],
                "score_before": [4, 4, 3, 2, None, 1],
            }
        ),
        "lorenz": pd.DataFrame(
            {"customer_share": np.arange(1, 801) / 800, "value_share": spend.cumsum() / spend.sum()}
        ),
        "bars": pd.DataFrame(
            {
                "label": ["Tents", HOSTILE, "Price $5 and $10", "Stoves & fuel", "Boots"],
                "value": [412_345, 250_112, 125_400, 99_000, 12_050],
            }
        ),
        "monthly": pd.concat(monthly),
        "months": monthly[0].rename(columns={"value": "total_spend"}),
        "trend": pd.DataFrame({"year": range(2018, 2026), "index": 100 * 1.03 ** np.arange(8)}),
        "market": cells,
        "rivals": pd.DataFrame(
            {
                "cell": ["Tents (NO)", "Tents (NO)", f"Boots {HOSTILE}"],
                "competitor": ["Norden", "Baltik", "Norden"],
                "market_share": [0.3, 0.1, 0.2],
            }
        ),
        "prices": pd.DataFrame(
            {
                "competitor": ["Norden", f"Baltik {HOSTILE}", "we"],
                "price_level": [120.0, 80.0, 95.0],
                "mean_share": [0.3, 0.2, 0.05],
                "is_ours": [False, False, True],
            }
        ),
        "rfm": rfm,
        "candidates": pd.DataFrame(
            {
                "scheme": ["value_tiers", "rfm", *["behaviour"] * 5],
                "segment_count": [3, 6, 2, 3, 4, 5, 6],
                "stability": [0.95, 0.88, 0.93, 0.86, 0.81, 0.55, 0.49],
                "explained_spend_share": [0.62, 0.41, 0.18, 0.27, 0.33, 0.36, 0.37],
                "smallest_customer_share": [0.2, 0.08, 0.34, 0.21, 0.12, 0.06, 0.02],
                "passes": [True, True, True, True, True, False, False],
            }
        ),
        "sizes": pd.DataFrame(
            {
                "segment_name": SEGMENTS,
                "customer_count": (shares * 4870).round().astype(int),
                "customer_share": shares,
                "total_spend": [2_412_000.5, 1_950_300, 402_000, 350_200, 98_000],
                "spend_share": [0.46, 0.37, 0.08, 0.07, 0.02],
                "median_recency_days": [12, 40, 21, 140, 290],
                "last_order_on": pd.date_range("2026-06-30", periods=5, freq="-40D"),
            }
        ),
        "quality": pd.DataFrame(
            {
                "table": ["order_lines", "customers", "tickets", "market_cells"],
                "read": [150_532, 5_010, 2_204, 40],
                "accepted": [147_210, 5_000, 2_204, 38],
                "rejected": [3_322, 10, 0, 2],
            }
        ),
        **make_evidence(),
    }


def make_evidence() -> dict[str, pd.DataFrame]:
    """Return one finished table for each chart of the evidence."""
    middle = np.array([0.93, 0.86, 0.81, 0.55])
    stability = pd.DataFrame({"segment_count": [2, 3, 4, 5], "stability": middle})
    stability[["stability_low", "stability_high"]] = np.column_stack([middle - 0.1, middle + 0.05])
    stability["reference_stability"] = [0.5, None, 0.35, 0.3]
    rated = pd.DataFrame({"segment_name": [*SEGMENTS[:4], HOSTILE]})
    rated["jaccard"] = [0.9, 0.8, 0.7, 0.58, 0.4]
    rated[["jaccard_low", "jaccard_high"]] = np.add.outer(rated["jaccard"].to_numpy(), [-0.1, 0.06])
    rated["rating"] = ["highly stable", "stable", "doubtful", "do not trust", "dissolved"]
    paths = pd.DataFrame(
        [
            (2, 1, 0.6, ""),
            (2, 2, 0.4, ""),
            (3, 1, 0.6, "stays"),
            (3, 2, 0.25, "splits off"),
            (3, 3, 0.15, "splits off"),
            (4, 1, 0.4, "splits off"),
            (4, 2, 0.2, "splits off"),
            (4, 3, 0.25, "merges"),
            (4, 4, 0.15, "stays"),
        ],
        columns=["segment_count", "segment", "customer_share", "change"],
    )
    flows = pd.DataFrame(
        [
            (3, 1, 1, 0.6),
            (3, 2, 2, 0.25),
            (3, 3, 2, 0.15),
            (4, 1, 1, 0.4),
            (4, 2, 2, 0.2),
            (4, 3, 1, 0.2),
            (4, 3, 2, 0.05),
            (4, 4, 3, 0.15),
        ],
        columns=["segment_count", "segment", "segment_before", "customer_share"],
    )
    targets = pd.DataFrame({"segment_name": SEGMENTS, "customer_share": 0.2})
    targets["attractiveness"] = [1.0, 0.7, 0.65, 0.3, 0.1]
    targets["fit"] = [0.8, 0.9, 0.4, None, 0.2]
    part = np.arange(0, 1.01, 0.1)
    curves = {"segments": part**0.6, "RFM": part**0.5, "the later spend itself": part**0.2}
    gains = [
        pd.DataFrame({"predictor": name, "customer_share": part, "spend_share": found})
        for name, found in curves.items()
    ]
    panels = pd.DataFrame(
        [(name, f) for name in SEGMENTS for f in ("order_count", "total_spend", "return_share")],
        columns=["segment_name", "feature"],
    )
    panels["difference_sd"] = np.linspace(-1.5, 2, len(panels))
    panels["mean"], panels["base_mean"] = panels["difference_sd"] + 3, 3.0
    panels["is_marker"] = panels["difference_sd"].abs() > 0.5
    turn = np.linspace(0, 2 * np.pi, 30)
    outlines = [
        pd.DataFrame(
            {
                "segment_name": name,
                "part": part,
                "x": 3 * i + r * np.cos(turn),
                "y": r * np.sin(turn),
            }
        )
        for i, name in enumerate(SEGMENTS)
        for part, r in (("inner", 1.0), ("outer", 2.0))
    ]
    mosaic = pd.DataFrame(
        [(name, value) for name in SEGMENTS for value in ("Web", "Stores", HOSTILE)],
        columns=["segment_name", "value"],
    )
    mosaic["share"] = [0.6, 0.3, 0.1, 0.2, 0.7, 0.1, 0.4, 0.4, None, 0.5, 0.4, 0.1, 0.3, 0.3, 0.4]
    mosaic["residual"] = [4.2, -2.5, 0, -4.5, 5, 0, 0, 0, None, 2.1, 0, 0, -1, -2.2, 3]
    quiz = pd.DataFrame({"question_count": [1, 2, 3], "accuracy": [0.55, 0.71, 0.83]})
    quiz["question"] = ["order_count", HOSTILE, "total_spend"]
    quiz["accuracy_low"], quiz["accuracy_high"] = quiz["accuracy"] - 0.03, quiz["accuracy"] + 0.03
    weeks = np.arange(1, 27)
    holdout = pd.DataFrame({"week_end": pd.date_range("2026-01-04", periods=26, freq="W")})
    holdout["expected_running"], holdout["actual_running"] = 40.0 * weeks, 43 * weeks - weeks**1.2
    repeats = pd.DataFrame({"repeat_count": ["0", "1", "2", "3 or more"]})
    repeats["expected_customers"] = [610.2, 200.1, 80.4, 9.3]
    repeats["actual_customers"] = [600, 221, 79, None]
    base = pd.DataFrame(
        [
            ("age_band", "all known", 0.98, 100.2),
            ("age_band", "25-34", 0.6, 131.0),
            ("age_band", HOSTILE, 0.38, 52.0),
            ("region", "all known", 1.0, 100.0),
            ("region", "North", 0.7, None),
        ],
        columns=["feature", "level", "customer_share", "value_index"],
    )
    persona = pd.DataFrame(
        [
            ("age", "Age", "aged 25-34", 0.5, "44.0%", "21.0%"),
            ("buys", "What they buy", f"who buy mostly {HOSTILE}", -0.6, "9.0%", "28.0%"),
            ("worth", "How much and how often", "more orders", 3.0, "9.20", "4.00"),
        ],
        columns=["heading", "label", "words", "strength", "own_text", "base_text"],
    ).assign(given_name="Robin")
    return {
        "persona": persona,
        "stability": stability,
        "segment_stability": rated,
        "paths": paths,
        "flows": flows,
        "targets": targets,
        "gains": pd.concat(gains),
        "panels": panels,
        "separation": pd.concat(outlines),
        "mosaic": mosaic,
        "quiz": quiz,
        **make_evidence_by_segment(),
        **make_campaigns(),
        **make_decisions(),
        **make_plays(),
        **make_prices(),
        "base": base,
        "holdout": holdout,
        "repeat_counts": repeats,
    }


def make_evidence_by_segment() -> dict[str, pd.DataFrame]:
    """Return one finished table for each chart of what segments buy, do and say."""
    spend_by_segment = pd.DataFrame(
        {"segment_name": SEGMENTS, "spend_per_customer": [820.0, 640.5, 120.0, 95.2, 12.0]}
    )
    levels = [(name, level) for name in SEGMENTS for level in ("Tents", "Boots", HOSTILE)]
    shares = pd.DataFrame(levels, columns=["segment_name", "category"])
    shares["index"] = np.linspace(20, 240, len(shares))
    devices = shares.rename(columns={"category": "device"})
    devices["share"] = np.linspace(0.1, 0.6, len(devices))
    months = pd.DataFrame(
        [
            (name, month)
            for name in SEGMENTS[:3]
            for month in pd.date_range("2025-01-01", periods=12, freq="MS")
        ],
        columns=["segment_name", "month"],
    )
    months["spend_per_customer"] = np.linspace(10, 90, len(months))
    numbers = pd.DataFrame(
        [(question, name) for question in ("Price matters", HOSTILE) for name in SEGMENTS],
        columns=["question", "segment_name"],
    )
    numbers["value"] = np.linspace(1, 5, len(numbers))
    waits = pd.DataFrame(
        [(name, hours) for name in SEGMENTS for hours in (0, 8, 24, 72, 168)],
        columns=["segment_name", "hours"],
    )
    waits["waiting_share"] = np.tile([1.0, 0.8, 0.5, 0.2, np.nan], len(SEGMENTS))
    won = pd.DataFrame({"group_name": ["hotels", HOSTILE], "win_share": [0.6, 0.25]})
    return {
        "waits": waits,
        "deals_won": won,
        "spend_by_segment": spend_by_segment,
        "category_shares": shares,
        "device_shares": devices,
        "spend_by_month": months,
        "answers": numbers,
        "reasons": share_segments("reason", ["a low price", "fast delivery", HOSTILE]),
        "themes": share_segments("words", ["parcel, courier", "zip, seam", HOSTILE]),
        **make_kpi_months(),
        **make_histories(),
    }


def make_histories() -> dict[str, pd.DataFrame]:
    """Return one finished table for each chart of what customers did since their first order."""
    quarters = pd.date_range("2023-07-01", periods=8, freq="QS")
    cells = [(start, age) for start in range(8) for age in range(1, 8 - start)]
    cohort_rows = pd.DataFrame(cells, columns=["start", "age"])
    day = quarters[cohort_rows["start"]]
    cohort_rows["cohort"] = [f"{one.year} Q{one.quarter}" for one in day]
    cohort_rows["started_on"] = day
    cohort_rows = cohort_rows.assign(grain="quarter", is_truncated=cohort_rows["start"] == 0)
    cohort_rows["customer_count"] = 800 - 20 * cohort_rows["start"]
    cohort_rows["retention_share"] = 0.6 / cohort_rows["age"]
    cohort_rows["spend_per_customer"] = 90.0 * cohort_rows["age"]
    points = [(name, age) for name in (*SEGMENTS[:2], HOSTILE) for age in range(1, 6)]
    curves = pd.DataFrame(points, columns=["segment_name", "age"]).assign(grain="quarter")
    level = np.repeat([0.5, 0.4, 0.2], 5)
    curves["retention_share"] = level
    curves["retention_low"], curves["retention_high"] = level - 0.05, level + 0.05
    curves["spend_per_customer"] = 300 * level * curves["age"]
    curves["spend_per_customer_low"] = 260 * level * curves["age"]
    curves["spend_per_customer_high"] = 350 * level * curves["age"]
    repeats = curves.assign(days=30 * curves["age"], repeat_share=level * curves["age"] / 5)
    repeats["repeat_low"] = 0.8 * repeats["repeat_share"]
    repeats["repeat_high"] = 1.2 * repeats["repeat_share"]
    numbers = ("none", "1", "2", "3", "4", "5 or more")
    placed = [(name, number) for name in (*SEGMENTS, HOSTILE) for number in numbers]
    orders = pd.DataFrame(placed, columns=["segment_name", "orders"])
    orders["order_share"] = np.tile([0.05, 0.35, 0.2, 0.15, 0.1, 0.15], 6)
    places = [(name, place) for name in SEGMENTS for place in ("us", HOSTILE, "elsewhere")]
    wallets = pd.DataFrame(places, columns=["segment_name", "place"])
    wallets["wallet_share"] = np.tile([0.4, 0.35, 0.25], len(SEGMENTS))
    months = pd.date_range("2025-01-01", periods=6, freq="MS")
    clicked = [(name, month) for name in SEGMENTS[:3] for month in months]
    clicks = pd.DataFrame(clicked, columns=["segment_name", "month"])
    clicks["click_share"] = np.linspace(0.05, 0.15, len(clicks))
    steps = pd.DataFrame({"segment_name": [*SEGMENTS, HOSTILE], "view_share": 0.9})
    steps = steps.assign(cart_share=0.4, checkout_share=0.2, order_share=np.nan)
    return {
        "cohorts": cohort_rows,
        "cohort_curves": curves,
        "second_orders": repeats,
        "order_counts": orders,
        "wallets": wallets,
        "clicks": clicks,
        "visit_steps": steps,
    }


def make_kpi_months() -> dict[str, pd.DataFrame]:
    """Return two KPIs by month with their limits, of all customers, and of each segment."""
    months = pd.date_range("2024-07-01", periods=14, freq="MS")
    parts = []
    for name, unit, level in (("spend", "currency", 900.0), (HOSTILE, "share", 0.2)):
        for number, segment in enumerate(["all", *SEGMENTS]):
            wave = 1 + 0.1 * np.sin(np.arange(14)) + 0.2 * number
            rows = pd.DataFrame({"month": months, "value": level * wave})
            trials = 400.0 if unit == "share" else None
            about = {"kpi": name, "text": name, "unit": unit, "better": "higher"}
            parts.append(rows.assign(segment_name=segment, trial_count=trials, **about))
    table = pd.concat(parts, ignore_index=True).astype({"trial_count": float})
    table.loc[table["segment_name"].eq("all") & table["month"].eq(months[-1]), "value"] *= 3
    is_all = table["segment_name"] == "all"
    return {
        "kpi_months": limit_months(table[is_all].reset_index(drop=True)),
        "kpi_segments": limit_months(table[~is_all].reset_index(drop=True)),
    }


def make_campaigns() -> dict[str, pd.DataFrame]:
    """Return one finished table for each chart of campaigns."""
    effects = pd.DataFrame({"segment_name": [*SEGMENTS[:3], HOSTILE]})
    effects["difference"] = [0.04, -0.012, 0.02, None]
    policies = pd.DataFrame({"policy": [HOSTILE, "nothing to anybody", "the best arm"]})
    policies["gain"] = [-0.004, 0.03, None]
    uplift = pd.DataFrame({"targeted_share": [0.0, 0.4, 1.0], "gain": [0.0, 0.02, 0.03]})
    uplift["straight_gain"] = 0.03 * uplift["targeted_share"]
    for table, name in ((effects, "difference"), (policies, "gain"), (uplift, "gain")):
        table[f"{name}_low"], table[f"{name}_high"] = table[name] - 0.01, table[name] + 0.01
    return {"campaign_effects": effects, "campaign_policies": policies, "uplift": uplift}


def make_decisions() -> dict[str, pd.DataFrame]:
    """Return one finished table for each chart of what decides."""
    names = [*SEGMENTS[:3], HOSTILE]
    contacts = pd.DataFrame({"segment_name": names * 2, "channel": ["e-mail"] * 4 + ["app"] * 4})
    contacts["share"] = [0.7, 0.6, 0.65, None, 0.2, 0.5, 0.35, 0.4]
    scores = pd.DataFrame({"segment_name": names, "score_low": [0.86, 0.5, 0.3, None]})
    scores["score_high"] = [0.86, 0.9, 0.55, None]
    return {"channel_contacts": contacts, "decisions": scores}


def make_plays() -> dict[str, pd.DataFrame]:
    """Return one finished table for each chart of leads and plays."""
    fifths = pd.DataFrame({"group": [1, 2, 3], "mean_chance": [0.1, 0.4, 0.7]})
    fifths["event_share"] = [0.12, None, 0.66]
    fifths["event_low"], fifths["event_high"] = fifths["event_share"] - 0.1, 0.8
    brought = pd.DataFrame({"play": [HOSTILE, "Reward the loyal", "all customers"]})
    brought["mean_value"] = [12.5, None, 40.0]
    brought["mean_low"] = brought["mean_value"] - 5
    brought["mean_high"] = brought["mean_value"] + 5
    return {"fifths": fifths, "brought": brought}


def make_prices() -> dict[str, pd.DataFrame]:
    """Return one finished table for each chart of prices."""
    names = [*SEGMENTS[:3], HOSTILE]
    index = pd.DataFrame({"segment_name": names, "price_index": [0.95, 1.04, None, 1.0]})
    slopes = pd.DataFrame({"segment_name": names, "elasticity": [-2.1, 0.4, None, -0.9]})
    for table, name in ((index, "price_index"), (slopes, "elasticity")):
        table[f"{name}_low"], table[f"{name}_high"] = table[name] - 0.02, table[name] + 0.02
    curves = pd.DataFrame({"curve": ["Cheap", "Cheap", HOSTILE, HOSTILE]})
    curves["share"], curves["price"] = [0.2, 0.8, 0.2, 0.8], [30.0, 20.0, 25.0, 35.0]
    points = pd.DataFrame({"point": [HOSTILE], "price": [27.0]})
    found = {"price_index": index, "elasticities": slopes}
    return found | {"price_curves": curves, "price_points": points}


def draw_charts(tables: dict[str, pd.DataFrame]) -> dict:
    """Return each chart by its function's name."""
    cells = tables["market"]
    return {
        "plot_base": bases.plot_base(tables["base"]),
        "plot_readiness": readiness.plot_readiness(tables["readiness"]),
        "plot_effects": campaign_charts.plot_effects(
            tables["campaign_effects"], whole=tables["campaign_effects"].head(1)
        ),
        "plot_reliability": leads.plot_reliability(tables["fifths"]),
        "plot_plays": plays.plot_plays(tables["brought"], currency="EUR"),
        "plot_policies": campaign_charts.plot_policies(tables["campaign_policies"]),
        "plot_uplift": campaign_charts.plot_uplift(tables["uplift"]),
        "plot_channels": channels.plot_channels(tables["channel_contacts"]),
        "plot_decisions": decisions.plot_decisions(tables["decisions"]),
        "plot_price_index": pricing_charts.plot_price_index(tables["price_index"]),
        "plot_elasticities": pricing_charts.plot_elasticities(
            tables["elasticities"], whole=tables["elasticities"].head(1)
        ),
        "plot_price_meter": pricing_charts.plot_price_meter(
            tables["price_curves"], points=tables["price_points"], currency="EUR"
        ),
        "plot_quality": plan.plot_quality(tables["quality"]),
        "plot_trend": charts.plot_trend(
            tables["trend"], x="year", y="index", value_name="index, 2018 = 100", title="Demand"
        ),
        "plot_monthly_sales": season.plot_monthly_sales(tables["months"], currency="EUR"),
        "plot_cells": charts.plot_cells(cells),
        "plot_white_space": market.white_space.plot_white_space(cells, currency="EUR"),
        "plot_trends": market.trends.plot_trends(tables["trend"].assign(line="Camping nights")),
        "plot_country_shares": market.penetration.plot_country_shares(cells),
        "plot_cell_shares": market.penetration.plot_cell_shares(cells),
        "plot_rivals": market.players.plot_rivals(tables["rivals"]),
        "plot_prices": market.players.plot_prices(tables["prices"]),
        "plot_spend": spend.plot_spend(tables["spend_by_segment"]),
        "plot_categories": spend.plot_categories(tables["category_shares"]),
        "plot_months": spend.plot_months(tables["spend_by_month"]),
        "plot_devices": engagement.plot_devices(tables["device_shares"]),
        "plot_waits": support.plot_waits(tables["waits"]),
        "plot_win_shares": business.plot_win_shares(tables["deals_won"]),
        "plot_answers": survey.plot_answers(tables["answers"]),
        "plot_reasons": promoter.plot_reasons(tables["reasons"]),
        "plot_themes": themes.plot_themes(tables["themes"]),
        "plot_kpi_series": kpi_series.plot_kpi_series(tables["kpi_months"], currency="EUR"),
        "plot_kpi_segments": kpi_series.plot_kpi_segments(tables["kpi_segments"], currency="EUR"),
        "plot_cohort_retention": cohorts.plot_cohort_retention(tables["cohorts"]),
        "plot_cohort_spend": cohorts.plot_cohort_spend(tables["cohorts"], currency="EUR"),
        "plot_retention": cohorts.plot_retention(tables["cohort_curves"]),
        "plot_spend_since": cohorts.plot_spend_since(tables["cohort_curves"], currency="EUR"),
        "plot_second_orders": cohorts.plot_second_orders(tables["second_orders"]),
        "plot_order_counts": history.plot_order_counts(tables["order_counts"]),
        "plot_wallet": wallet.plot_wallet(tables["wallets"]),
        "plot_message_months": engagement.plot_message_months(tables["clicks"]),
        "plot_visit_steps": engagement.plot_visit_steps(tables["visit_steps"]),
        "plot_bars": charts.plot_bars(
            tables["bars"],
            kind="money",
            currency="EUR",
            value_name="profit, EUR",
            title="Profit by category",
        ),
        "plot_lorenz": customer_base.plot_lorenz(tables["lorenz"]),
        "plot_rfm_grid": rfm.plot_rfm_grid(tables["rfm"]),
        "plot_candidates": candidates.plot_candidates(
            tables["candidates"],
            chosen=("behaviour", 4),
            limits=pd.DataFrame(
                {"criterion": ["stability", "smallest_customer_share"], "limit": [0.6, 0.05]}
            ),
        ),
        "plot_segment_sizes": sizes.plot_segment_sizes(tables["sizes"]),
        "plot_gains": usefulness.plot_gains(tables["gains"]),
        "plot_holdout": lifetime_value.plot_holdout(tables["holdout"]),
        "plot_repeat_counts": lifetime_value.plot_repeat_counts(tables["repeat_counts"]),
        "plot_stability": stability.plot_stability(tables["stability"]),
        "plot_segment_stability": stability.plot_segment_stability(tables["segment_stability"]),
        "plot_paths": stability.plot_paths(tables["paths"], flows=tables["flows"]),
        "plot_targets": targeting.plot_targets(tables["targets"]),
        "plot_persona": persona_emblem.plot_persona(tables["persona"]),
        "plot_profile_panels": differences.plot_profile_panels(tables["panels"]),
        "plot_separation": separation.plot_separation(
            tables["separation"],
            centres=pd.DataFrame({"segment_name": SEGMENTS, "x": 3.0 * np.arange(5), "y": 0.0}),
            overlaps=pd.DataFrame(
                {
                    "segment_name": SEGMENTS,
                    "place": "inside another outline",
                    "share": [0.1, 0.2, None, 0.05, 0.0],
                }
            ),
            axes=pd.DataFrame(
                {"columns": ["+total_spend", "-recency_days"], "explained_share": [0.6, 0.3]}
            ),
        ),
        "plot_mosaic": descriptors.plot_mosaic(
            tables["mosaic"], sizes=tables["sizes"], descriptor="channel"
        ),
        "plot_quiz": reach.plot_quiz(
            tables["quiz"],
            accuracies=pd.DataFrame({"way": ["guessing", "wanted"], "accuracy": [0.31, 0.8]}),
            asked=3,
        ),
    }


@functools.cache
def draw_demo() -> tuple[dict[str, pd.DataFrame], dict]:
    """Return the tables and their charts, drawn once for all tests."""
    tables = make_tables()
    return tables, draw_charts(tables)


def make_notebook(path: Path) -> Path:
    """Write a notebook as if it had been executed; no kernel is needed."""
    nbformat.write(build_notebook(), path)
    return path


@functools.cache
def build_notebook() -> nbformat.NotebookNode:
    tables, drawn = draw_demo()
    cells = [
        new_markdown_cell(
            "# Base analysis: who are our customers today?\n\nThe question that this page answers, "
            "and **who decides** what.\n\n*One call a cell*, then how to read it."
        ),
        new_code_cell(
            'plan_path: str = "plan.toml"  # the plan to follow\nas_of: str = ""  # the last day',
            metadata={"tags": ["parameters"]},
        ),
        new_code_cell(
            '# Parameters\nas_of = "2026-06-30"', metadata={"tags": ["injected-parameters"]}
        ),
        new_code_cell(
            "from segkit import open_workspace\n\n"
            "ws = open_workspace(plan_path, run_dir, step=STEP)  # opened once\nprint(f'{1 + 1}')",
            outputs=[
                new_output("stream", name="stdout", text="2 tables opened\n"),
                new_output("stream", name="stderr", text="SECRET WARNING /home/anna\n"),
            ],
        ),
        new_markdown_cell("## What we found\n\nIn short, before the detail."),
    ]
    outputs: list = []
    with capture_displays(outputs):
        show_findings(
            [
                Finding("demo", "The top 20% of customers bring 63.4% of spend."),
                Finding("demo", f"The category {HOSTILE} grew most."),
                Finding("demo", "1 234 customers have not bought for a year."),
            ]
        )
    cells.append(new_code_cell("show_findings(findings)", outputs=outputs))
    for name, ax in drawn.items():
        if name not in SHOWN:  # a page of the size of a real one
            continue
        outputs = []
        ax.figure._segkit_published = True  # the demo's tables are of nobody
        with capture_displays(outputs):
            show_chart(ax, caption=f"What to look at in this picture; made by {name}.")
        word = name.removeprefix("plot_").replace("_", " ")
        cells += [
            new_markdown_cell(f"## What does the chart of {word} say?\n\nOne sentence of context."),
            new_code_cell(f"show_chart({name}(table), caption=...)", outputs=outputs),
            new_markdown_cell(
                "**How to read it.** Longer is more. **What would change our mind:** "
                "a second year in which the order turns round."
            ),
        ]
    outputs = []
    with capture_displays(outputs):
        bars = {name: Column(bar=name.endswith("_share")) for name in tables["sizes"]}
        sizes = publish(tables["sizes"], View(Shape("sizes", population="demo"), bars))
        market = publish(tables["market"], View(Shape("market", population="demo")))
        practices = publish(tables["readiness"], View(Shape("readiness", population="demo")))
        show_table(sizes, caption="Segments by size and value")
        show_table(market, caption="Market cells", max_rows=6)
        show_table(practices, caption="Practices", folded=True)
        plain = tables["quality"]
        outputs.append(
            new_output(
                "execute_result", data={"text/html": plain.to_html(), "text/plain": str(plain)}
            )
        )
        outputs.append(
            new_output("display_data", data={"text/markdown": f"A note on **{HOSTILE}**"})
        )
    cells += [
        new_markdown_cell("## Tables\n\n### A table within\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"),
        new_code_cell("show_table(sizes)", outputs=outputs),
        new_markdown_cell("## Limits\n\n- Only two years are known.\n- `order_lines` has no cost."),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"c{number}"
    return new_notebook(cells=cells)


def make_facts() -> tuple[dict, dict, dict]:
    """Return a plan, the facts of its steps and the record of its run."""
    plan = {
        "title": "Customers of the sample shop",
        "owner": "Head of customer insight",
        "scope": "All customers with an order in the last two years, consumers and businesses",
        "as_of": "2026-06-30",
        "currency": "EUR",
        "random_state": 7,
        "goals": [{"name": "keep", "text": "Keep the best", "kpi": "repeat_share", "target": 0.75}],
    }
    facts = {
        "01_plan": {
            "headline": {"Readiness": "3.0 of 5", "Customers": "4 870"},
            "findings": ["Five of seven practices are in place.", "Consent covers 84.0%."],
        },
        "02_market_review": {
            "findings": ["Three cells are large, growing and hardly served."],
            "headline": {"White space": "EUR 12.4 million"},
        },
        "03_base_analysis": {
            "headline": {"Top 20% bring": "63.4% of spend", "Gini": "0.67"},
            "findings": [
                "The top 20% of customers bring 63.4% of spend.",
                f"The category {HOSTILE} grew most.",
            ],
        },
        "04_experience_data": {"findings": ["Tickets are resolved in 9 hours (median)."]},
        "05_analysis": {
            "headline": {"Segments": "5", "Stability": "0.81"},
            "findings": ["Loyal regulars are 31.0% of customers and bring 46.0% of spend."],
            "limits": ["The segments have not been tried on a campaign yet."],
            "verdict": {
                "answer": "yes",
                "text": "Five segments are stable, large enough and differ in value.",
                "reasons": [
                    "Stability 0.81, above the 0.60 that the plan asks.",
                    "The smallest segment holds 12.0% of customers.",
                ],
            },
            "segments": make_tables()["sizes"].to_dict("records"),
            "kpis": [
                {
                    "text": "Keep the customers who bring most of the profit",
                    "measure": "Share of buyers with two orders or more",
                    "value_text": "71.2%",
                    "target_text": "75.0%",
                    "met": "no",
                },
                {
                    "text": "Lift the spend of occasional buyers",
                    "measure": "Mean order value",
                    "value_text": "EUR 128.40",
                    "target_text": "EUR 120.00",
                    "met": "yes",
                },
            ],
        },
    }
    record = {
        "run_id": "20260701T040000Z-ab12cd",
        "segkit_version": "0.1.0",
        "random_state": 7,
        "tables": make_tables()["quality"].set_index("table").to_dict("index"),
    }
    return plan, facts, record


def make_report(folder: Path) -> list[Path]:
    """Write a summary and a page; return their paths."""
    notebook = make_notebook(folder / "demo.ipynb")
    plan, facts, record = make_facts()
    render_index(plan, facts, record, html_path=folder / "index.html")
    page = folder / "03_base_analysis.html"
    render_page(
        notebook, page, title="Base analysis", navigation=list_pages(STEPS), report=plan["title"]
    )
    return [folder / "index.html", page]


if __name__ == "__main__":
    for path in make_report(Path(sys.argv[1])):
        print(path, f"{path.stat().st_size / 1000:.0f} kB")
