"""Every chart of the gallery, drawn from a small finished table of a shop that does not exist.

A chart has a function of its own name with ``draw_`` in front, so the tables below stand beside
what is drawn from them. All numbers are made up; the shapes are those that a report meets.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.evidence.kpi_limits import limit_months
from segkit.profiles.concentration import TOP_FIFTH
from segkit.profiles.quiz import WANTED
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
from segkit.validation.reach import BY_GUESSING

SEGMENTS = ["Loyal regulars", "Big baskets", "Newcomers", "At risk", "Bargain hunters"]
COUNTRIES = ["Finland", "Sweden", "Norway", "Estonia"]
CATEGORIES = ["Tents", "Boots", "Stoves", "Maps"]
MONTHS = pd.date_range("2024-07-01", periods=24, freq="MS")
# Summer is high and winter low, as in a shop for the outdoors.
SEASON = 1 + 0.4 * np.cos((MONTHS.month.to_numpy() - 7) / 12 * 2 * np.pi)
CURRENCY = "EUR"


def cross_rows(rows: list[str], columns: list[str], values: list[float], names: list[str]):
    """Return a long table of a grid: a row a cell, the columns varying fastest."""
    cells = [(row, column) for row in rows for column in columns]
    table = pd.DataFrame(cells, columns=names[:2])
    table[names[2]] = values
    return table


def draw_bars() -> Axes:
    sales = pd.DataFrame({"label": CATEGORIES, "value": [412_000, 250_500, 99_000, 12_400]})
    return charts.plot_bars(
        sales, kind="money", currency=CURRENCY, value_name="net sales", title="Net sales a category"
    )


def draw_trend() -> Axes:
    channels = {"Web": (120_000, 0.02), "Stores": (150_000, -0.005)}
    lines = []
    for channel, (level, growth) in channels.items():
        value = level * SEASON * (1 + growth * np.arange(len(MONTHS)))
        lines.append(pd.DataFrame({"period": MONTHS, "value": value, "channel": channel}))
    return charts.plot_trend(
        pd.concat(lines),
        group="channel",
        kind="money",
        currency=CURRENCY,
        value_name="net sales a month",
        title="Net sales by channel",
    )


def draw_cells() -> Axes:
    shares = [0.12, 0.08, 0.05, 0.02, 0.09, 0.11, 0.03, np.nan]
    names = ["country", "category", "value_share"]
    table = cross_rows(COUNTRIES[:2], CATEGORIES, shares, names)
    return charts.plot_cells(table, value_name="our share of the market")


def draw_readiness() -> Axes:
    rows = [
        ("Plan", "Every goal can be judged", 5, 3),
        ("Plan", "Every goal has a scheme", 5, 5),
        ("Market review", "The market is known", 2, 0),
        ("Base analysis", "Orders name their customer", 4, 4),
        ("Base analysis", "History is long enough", 3, 2),
        ("Experience data", "Surveys are answered", 1, 2),
        ("Analysis and action", "Campaigns have a control group", 0, 0),
    ]
    columns = ["step", "practice", "score", "score_before"]
    return readiness.plot_readiness(pd.DataFrame(rows, columns=columns))


def draw_quality() -> Axes:
    rows = [
        ("order_lines", 148_093, 144_210, 3_883),
        ("customers", 5_000, 4_990, 10),
        ("tickets", 2_204, 2_204, 0),
    ]
    return plan.plot_quality(pd.DataFrame(rows, columns=["table", "read", "accepted", "rejected"]))


def draw_trends() -> Axes:
    years = np.arange(2018, 2026)
    lines = []
    for line, growth in {"Nights in tents": 1.04, "Day hikes": 1.01, "Hunting": 0.97}.items():
        index = 100 * growth ** (years - years[0])
        lines.append(pd.DataFrame({"line": line, "year": years, "index": index}))
    return market.trends.plot_trends(pd.concat(lines))


def draw_country_shares() -> Axes:
    return market.penetration.plot_country_shares(
        pd.DataFrame({"country": COUNTRIES, "index": [142.0, 96.0, 71.0, 38.0]})
    )


def draw_cell_shares() -> Axes:
    indices = [150, 120, 90, 60, 100, 140, 70, 30, 60, 80, 110, 20, 45, 30, np.nan, 10]
    names = ["country", "category", "index"]
    return market.penetration.plot_cell_shares(cross_rows(COUNTRIES, CATEGORIES, indices, names))


def draw_rivals() -> Axes:
    shares = [0.31, 0.22, 0.05, 0.18, 0.27, np.nan, 0.12, 0.08, 0.2]
    names = ["cell", "competitor", "market_share"]
    return market.players.plot_rivals(
        cross_rows(["Tents", "Boots", "Packs"], ["Norden", "Baltik", "Alpina"], shares, names)
    )


def draw_prices() -> Axes:
    return market.players.plot_prices(
        pd.DataFrame(
            {
                "competitor": ["Norden", "Baltik", "Alpina", "we"],
                "price_level": [121.0, 82.0, 97.0, 104.0],
                "mean_share": [0.16, 0.24, 0.21, 0.04],
                "is_ours": [False, False, False, True],
            }
        )
    )


def draw_white_space() -> Axes:
    sizes_of_cells = [9, 7, 4, 1.2, 8, 6.5, 3, 1.5, 5, 3.8, 2.2, 0.8]
    cells = cross_rows(COUNTRIES[:3], CATEGORIES, sizes_of_cells, ["country", "category", "size"])
    cells["cell"] = cells["country"] + ", " + cells["category"]
    cells["size"] *= 1_000_000
    cells["growth_rate"] = [0.01, 0.02, -0.02, 0.0, 0.06, 0.01, 0.03, -0.04, 0.055, 0.07, 0.02, 0.1]
    cells["white_space"] = (cells["growth_rate"] > 0.05) & (cells["size"] > 3_500_000)
    return market.white_space.plot_white_space(cells, currency=CURRENCY)


def draw_monthly_sales() -> Axes:
    sales = 240_000 * SEASON * (1 + 0.005 * np.arange(len(MONTHS)))
    table = pd.DataFrame({"month": MONTHS, "total_spend": sales})
    return season.plot_monthly_sales(table, currency=CURRENCY)


def draw_lorenz() -> Axes:
    people = np.linspace(0, 1, 101)
    value = people**3.6
    fifth = 1 - 0.8**3.6
    gini = 1 - 2 / 4.6
    written = pd.DataFrame(
        {"part": [customer_base.ALL, TOP_FIFTH], "value_share": [1.0, fifth], "gini": [gini, None]}
    )
    table = pd.DataFrame({"customer_share": people, "value_share": value})
    return customer_base.plot_lorenz(table, parts=written, period="in the last year")


def draw_rfm_grid() -> Axes:
    counts = [
        [420, 260, 150, 90, 40],
        [230, 240, 190, 140, 80],
        [120, 170, 220, 210, 150],
        [60, 110, 190, 260, 240],
        [25, 60, 130, 250, 460],
    ]
    grid = pd.DataFrame(counts, index=range(1, 6), columns=range(1, 6))
    table = grid.rename_axis("frequency_score").reset_index()
    return rfm.plot_rfm_grid(
        table.melt("frequency_score", var_name="recency_score", value_name="customer_count")
    )


def draw_base() -> Axes:
    rows = [
        ("age_band", "18 to 34", 0.24, 71.0),
        ("age_band", "35 to 54", 0.46, 118.0),
        ("age_band", "55 and over", 0.27, 102.0),
        ("customer_type", "private", 0.91, 88.0),
        ("customer_type", "business", 0.09, 221.0),
    ]
    columns = ["feature", "level", "customer_share", "value_index"]
    return bases.plot_base(pd.DataFrame(rows, columns=columns), title="Base: demographic")


def draw_candidates() -> Axes:
    rows = [
        ("value_tiers", 3, 0.95, 0.62, 0.20, True),
        ("behaviour", 2, 0.93, 0.18, 0.34, True),
        ("behaviour", 3, 0.86, 0.27, 0.21, True),
        ("behaviour", 4, 0.81, 0.33, 0.12, True),
        ("behaviour", 5, 0.55, 0.36, 0.03, False),
    ]
    columns = ["scheme", "segment_count", "stability", "explained_spend_share"]
    columns += ["smallest_customer_share", "passes"]
    limits = {"criterion": ["stability", "smallest_customer_share"], "limit": [0.6, 0.05]}
    return candidates.plot_candidates(
        pd.DataFrame(rows, columns=columns), chosen=("behaviour", 3), limits=pd.DataFrame(limits)
    )


def draw_stability() -> Axes:
    middle = np.array([0.93, 0.86, 0.81, 0.58, 0.46])
    table = pd.DataFrame({"segment_count": range(2, 7), "stability": middle})
    table["stability_low"] = middle - 0.09
    table["stability_high"] = middle + 0.04
    table["reference_stability"] = [0.62, 0.48, 0.41, 0.39, 0.38]
    return stability.plot_stability(table)


def draw_segment_stability() -> Axes:
    table = pd.DataFrame({"segment_name": SEGMENTS, "jaccard": [0.92, 0.88, 0.79, 0.68, 0.47]})
    table["jaccard_low"] = table["jaccard"] - 0.08
    table["jaccard_high"] = table["jaccard"] + 0.05
    table["rating"] = ["highly stable", "highly stable", "stable", "doubtful", "dissolved"]
    return stability.plot_segment_stability(table)


def draw_paths() -> Axes:
    nodes = [
        (2, 1, 0.6, ""),
        (2, 2, 0.4, ""),
        (3, 1, 0.6, "stays"),
        (3, 2, 0.25, "splits off"),
        (3, 3, 0.15, "splits off"),
        (4, 1, 0.4, "splits off"),
        (4, 2, 0.2, "splits off"),
        (4, 3, 0.25, "merges"),
        (4, 4, 0.15, "stays"),
    ]
    flows = [
        (3, 1, 1, 0.6),
        (3, 2, 2, 0.25),
        (3, 3, 2, 0.15),
        (4, 1, 1, 0.4),
        (4, 2, 2, 0.2),
        (4, 3, 1, 0.2),
        (4, 3, 2, 0.05),
        (4, 4, 3, 0.15),
    ]
    return stability.plot_paths(
        pd.DataFrame(nodes, columns=["segment_count", "segment", "customer_share", "change"]),
        flows=pd.DataFrame(
            flows, columns=["segment_count", "segment", "segment_before", "customer_share"]
        ),
    )


def draw_holdout() -> Axes:
    weeks = np.arange(1, 27)
    table = pd.DataFrame({"week_end": pd.date_range("2026-01-04", periods=26, freq="W")})
    table["expected_running"] = 40.0 * weeks
    table["actual_running"] = 40.0 * weeks + 12 * np.sin(weeks / 3) - 0.12 * weeks**2
    return lifetime_value.plot_holdout(table)


def draw_repeat_counts() -> Axes:
    table = pd.DataFrame({"repeat_count": ["0", "1", "2", "3", "4 or more"]})
    table["expected_customers"] = [1_910.2, 820.1, 430.4, 260.3, 570.0]
    table["actual_customers"] = [1_884, 861, 415, 268, 562]
    return lifetime_value.plot_repeat_counts(table)


def draw_spend() -> Axes:
    table = pd.DataFrame({"segment_name": SEGMENTS})
    table["spend_per_customer"] = [820.0, 640.5, 120.0, 95.2, 34.0]
    return spend.plot_spend(table)


def draw_categories() -> Axes:
    indices = [110, 95, 130, 80, 180, 60, 150, 40, 70, 160, np.nan, 90]
    names = ["segment_name", "category", "index"]
    return spend.plot_categories(cross_rows(SEGMENTS[:3], CATEGORIES, indices, names))


def draw_months() -> Axes:
    winter = 2 - SEASON
    lines = []
    for name, level, rhythm in zip(
        SEGMENTS[:3], (68, 53, 10), (SEASON, SEASON, winter), strict=True
    ):
        rows = {"segment_name": name, "month": MONTHS, "spend_per_customer": level * rhythm}
        lines.append(pd.DataFrame(rows))
    return spend.plot_months(pd.concat(lines))


def draw_waits() -> Axes:
    hours = [0, 8, 24, 48, 72, 120, 168]
    lines = []
    for name, pace in zip(SEGMENTS[:3], (20, 34, 60), strict=True):
        shares = np.exp(-np.array(hours) / pace)
        rows = {"segment_name": name, "hours": hours, "waiting_share": shares}
        lines.append(pd.DataFrame(rows))
    return support.plot_waits(pd.concat(lines))


def draw_win_shares() -> Axes:
    industries = ["accommodation", "restaurants", "events", "construction"]
    deals = pd.DataFrame({"group_name": industries, "win_share": [0.66, 0.48, 0.41, 0.39]})
    return business.plot_win_shares(deals)


def list_kpi_months() -> pd.DataFrame:
    """Return two KPIs by month, of all customers and of three segments."""
    drawn = np.random.default_rng(3)
    kpis = (
        ("spend", "Net spend a customer in the month", "currency", 120.0),
        ("late", "Tickets that waited for more than two days", "share", 0.18),
    )
    parts = []
    for name, text, unit, level in kpis:
        for segment, times in zip(["all", *SEGMENTS[:3]], (1.0, 1.6, 1.1, 0.6), strict=True):
            noise = 1 + 0.08 * drawn.standard_normal(len(MONTHS))
            rows = pd.DataFrame({"month": MONTHS, "value": level * times * noise})
            rows["trial_count"] = 600.0 if unit == "share" else np.nan
            about = {"kpi": name, "text": text, "unit": unit, "segment_name": segment}
            parts.append(rows.assign(better="higher", **about))
    months = pd.concat(parts, ignore_index=True)
    is_late = (months["kpi"] == "late") & (months["segment_name"] == "all")
    months.loc[is_late & (months["month"] == MONTHS[17]), "value"] = 0.31
    return months


def draw_kpi_series() -> Axes:
    months = list_kpi_months()
    limited = limit_months(months[months["segment_name"] == "all"])
    return kpi_series.plot_kpi_series(limited, currency=CURRENCY)


def draw_kpi_segments() -> Axes:
    months = list_kpi_months()
    return kpi_series.plot_kpi_segments(months[months["segment_name"] != "all"], currency=CURRENCY)


def draw_devices() -> Axes:
    shares = [0.62, 0.30, 0.08, 0.71, 0.19, 0.10, 0.15, 0.80, 0.05]
    names = ["segment_name", "device", "share"]
    devices = ["desktop", "mobile", "tablet"]
    return engagement.plot_devices(cross_rows(SEGMENTS[:3], devices, shares, names))


def draw_channels() -> Axes:
    shares = [0.72, 0.30, 0.08, 0.61, 0.19, 0.40, 0.15, 0.55, 0.05]
    names = ["segment_name", "channel", "share"]
    return channels.plot_channels(
        cross_rows(SEGMENTS[:3], ["e-mail", "app", "store"], shares, names)
    )


def draw_decisions() -> Axes:
    table = pd.DataFrame({"segment_name": SEGMENTS, "score_low": [0.84, 0.71, 0.55, 0.4, 0.22]})
    table["score_high"] = table["score_low"] + [0.0, 0.0, 0.2, 0.12, 0.12]
    return decisions.plot_decisions(table)


def draw_effects() -> Axes:
    table = pd.DataFrame(
        {"segment_name": SEGMENTS, "difference": [0.031, 0.022, 0.048, 0.009, 0.02]}
    )
    half = np.array([0.012, 0.014, 0.019, 0.016, 0.015])
    table["difference_low"], table["difference_high"] = (
        table["difference"] - half,
        table["difference"] + half,
    )
    whole = pd.DataFrame(
        {"difference": [0.025], "difference_low": [0.018], "difference_high": [0.032]}
    )
    return campaign_charts.plot_effects(
        table, whole=whole, title="Bought: segmented against control"
    )


def draw_policies() -> Axes:
    names = ["nothing to anybody", "segmented to everybody", "unsegmented to everybody"]
    table = pd.DataFrame({"policy": names, "gain": [0.026, 0.002, 0.011]})
    table["gain_low"] = [0.018, -0.003, 0.005]
    table["gain_high"] = [0.034, 0.007, 0.017]
    return campaign_charts.plot_policies(table)


def draw_price_index() -> Axes:
    table = pd.DataFrame({"segment_name": SEGMENTS, "price_index": [0.99, 0.94, 1.02, 1.01, 0.97]})
    table["price_index_low"] = table["price_index"] - 0.012
    table["price_index_high"] = table["price_index"] + 0.012
    return pricing_charts.plot_price_index(table)


def draw_elasticities() -> Axes:
    table = pd.DataFrame({"segment_name": SEGMENTS, "elasticity": [-0.8, -1.4, -0.6, -1.1, -2.3]})
    half = np.array([0.5, 0.7, 1.1, 0.8, 0.7])
    table["elasticity_low"] = table["elasticity"] - half
    table["elasticity_high"] = table["elasticity"] + half
    whole = pd.DataFrame(
        {"elasticity": [-1.3], "elasticity_low": [-1.8], "elasticity_high": [-0.8]}
    )
    return pricing_charts.plot_elasticities(table, whole=whole)


def draw_price_meter() -> Axes:
    levels = np.arange(1, 20) / 20
    logits = np.log(levels / (1 - levels))
    rows = []
    for name, middle in (
        ("Too cheap", 85),
        ("Cheap", 110),
        ("Expensive", 150),
        ("Too expensive", 180),
    ):
        share = levels if "xpensive" in name else 1 - levels
        rows.append(pd.DataFrame({"curve": name, "share": share, "price": middle + 14 * logits}))
    points = pd.DataFrame({"point": ["optimal"], "price": [132.0]})
    return pricing_charts.plot_price_meter(pd.concat(rows), points=points, currency=CURRENCY)


def draw_uplift() -> Axes:
    shares = np.array([0.0, 0.2, 0.45, 0.7, 0.85, 1.0])
    table = pd.DataFrame({"targeted_share": shares, "gain": [0, 0.009, 0.017, 0.022, 0.024, 0.025]})
    table["gain_low"] = table["gain"] - 0.008 * shares**0.5
    table["gain_high"] = table["gain"] + 0.008 * shares**0.5
    table["straight_gain"] = 0.025 * shares
    return campaign_charts.plot_uplift(table)


def draw_reliability() -> Axes:
    table = pd.DataFrame({"group": range(1, 6), "mean_chance": [0.12, 0.21, 0.3, 0.41, 0.58]})
    table["event_share"] = [0.1, 0.25, 0.27, 0.44, 0.55]
    half = np.array([0.08, 0.11, 0.12, 0.13, 0.13])
    table["event_low"], table["event_high"] = (
        table["event_share"] - half,
        table["event_share"] + half,
    )
    return leads.plot_reliability(table)


def draw_plays() -> Axes:
    names = ["Win back those who are overdue", "Offer what is due again", "Reward the loyal"]
    table = pd.DataFrame(
        {"play": [*names, "all customers"], "mean_value": [31.0, 84.0, 142.0, 56.0]}
    )
    half = np.array([5.0, 9.0, 16.0, 3.0])
    table["mean_low"], table["mean_high"] = table["mean_value"] - half, table["mean_value"] + half
    return plays.plot_plays(table, currency="EUR", period="the last 90 days to 2026-06-30")


def list_cohorts() -> pd.DataFrame:
    """Return cohorts of eight quarters, the first of which may hold customers of before."""
    rows = []
    for start, day in enumerate(MONTHS[::3]):
        for age in range(8 - start):
            kept = 0.62 * 0.88**age * (1.5 if start == 0 else 1.0) + 0.01 * start
            row = {"cohort": f"{day.year} Q{day.quarter}", "started_on": day, "age": age}
            row |= {"customer_count": 640 - 55 * start, "retention_share": min(kept, 0.95)}
            rows.append(row | {"spend_per_customer": 85.0 + 62 * age**0.9 + 4 * start})
    table = pd.DataFrame(rows).assign(grain="quarter")
    return table.assign(is_truncated=table["cohort"] == table["cohort"].iloc[0])


def draw_cohort_retention() -> Axes:
    table = list_cohorts()
    return cohorts.plot_cohort_retention(table[table["age"] > 0])


def draw_cohort_spend() -> Axes:
    return cohorts.plot_cohort_spend(list_cohorts(), currency=CURRENCY)


def list_curves(column: str, ages: np.ndarray, levels: list[np.ndarray]) -> pd.DataFrame:
    """Return a curve with its interval for each of three segments."""
    lines = []
    for name, level, width in zip(SEGMENTS[:3], levels, (0.05, 0.08, 0.12), strict=True):
        rows = {"segment_name": name, "age": ages, column: level}
        stem = column.removesuffix("_share")
        rows |= {f"{stem}_low": level * (1 - width), f"{stem}_high": level * (1 + width)}
        lines.append(pd.DataFrame(rows))
    return pd.concat(lines).assign(grain="month")


def draw_retention() -> Axes:
    ages = np.arange(1, 7)
    levels = [0.55 - 0.01 * ages, 0.34 - 0.02 * ages, 0.22 * 0.8**ages]
    return cohorts.plot_retention(list_curves("retention_share", ages, levels))


def draw_spend_since() -> Axes:
    ages = np.arange(7)
    levels = [80 + 70.0 * ages, 210 + 45.0 * ages, 60 + 25.0 * ages**0.6]
    table = list_curves("spend_per_customer", ages, levels)
    return cohorts.plot_spend_since(table, currency=CURRENCY)


def draw_second_orders() -> Axes:
    days = np.arange(0, 361, 30)
    levels = [top * (1 - np.exp(-days / pace)) for top, pace in ((0.9, 70), (0.6, 120), (0.4, 90))]
    table = list_curves("repeat_share", days, levels).rename(columns={"age": "days"})
    return cohorts.plot_second_orders(table)


def draw_order_counts() -> Axes:
    numbers = ["none", "1", "2", "3", "4", "5 or more"]
    shares = [0, 0.03, 0.05, 0.08, 0.1, 0.74, 0, 0.3, 0.24, 0.16, 0.1, 0.2]
    shares += [0.02, 0.66, 0.2, 0.08, 0.03, 0.01]
    names = ["segment_name", "orders", "order_share"]
    return history.plot_order_counts(cross_rows(SEGMENTS[:3], numbers, shares, names))


def draw_wallet() -> Axes:
    shares = [0.62, 0.2, 0.18, 0.35, 0.44, 0.21, 0.2, 0.3, 0.5]
    names = ["segment_name", "place", "wallet_share"]
    places = ["us", "Fjell & Co", "elsewhere"]
    return wallet.plot_wallet(cross_rows(SEGMENTS[:3], places, shares, names))


def draw_message_months() -> Axes:
    lines = []
    for name, level, drift in zip(
        SEGMENTS[:3], (0.14, 0.1, 0.09), (0.0, 0.0005, -0.002), strict=True
    ):
        clicked = level + drift * np.arange(24) + 0.006 * np.cos(np.arange(24))
        lines.append(pd.DataFrame({"segment_name": name, "month": MONTHS, "click_share": clicked}))
    return engagement.plot_message_months(pd.concat(lines))


def draw_visit_steps() -> Axes:
    table = pd.DataFrame({"segment_name": SEGMENTS[:3], "view_share": [0.88, 0.83, 0.79]})
    table = table.assign(cart_share=[0.44, 0.33, 0.14], checkout_share=[0.35, 0.2, 0.04])
    return engagement.plot_visit_steps(table.assign(order_share=np.nan))


def draw_answers() -> Axes:
    questions = ["A low price matters most", "I plan my trips long before", "I would recommend you"]
    values = [2.1, 1.8, 4.4, 4.2, 3.9, 2.2, 8.9, 8.1, 7.0]
    names = ["question", "segment_name", "value"]
    return survey.plot_answers(cross_rows(questions, SEGMENTS[:3], values, names))


def draw_reasons() -> Axes:
    reasons = ["a low price", "fast delivery", "advice in the store"]
    shares = [0.42, 0.18, 0.08, 0.11, 0.33, 0.27, 0.05, 0.09, 0.61]
    names = ["reason", "segment_name", "share"]
    return promoter.plot_reasons(cross_rows(reasons, SEGMENTS[:3], shares, names))


def draw_themes() -> Axes:
    words = ["parcel, courier, late", "zip, seam, broke", "invoice, number"]
    shares = [0.31, 0.12, 0.05, 0.09, 0.28, 0.22, 0.02, 0.04, 0.55]
    names = ["words", "segment_name", "share"]
    return themes.plot_themes(cross_rows(words, SEGMENTS[:3], shares, names))


def list_sizes() -> pd.DataFrame:
    """Return the size and the spend of each segment."""
    table = pd.DataFrame({"segment_name": SEGMENTS})
    table["customer_share"] = [0.19, 0.12, 0.22, 0.16, 0.31]
    table["customer_count"] = (table["customer_share"] * 4_870).round().astype(int)
    table["spend_share"] = [0.46, 0.30, 0.08, 0.06, 0.10]
    return table


def draw_segment_sizes() -> Axes:
    return sizes.plot_segment_sizes(list_sizes(), period="in the last year")


def draw_profile_panels() -> Axes:
    features = ["order_count", "recency_days", "mean_order_value"]
    distances = [1.6, -0.9, 0.2, 0.3, -0.2, 1.9, -0.8, -1.0, -0.2]
    table = cross_rows(
        SEGMENTS[:3], features, distances, ["segment_name", "feature", "difference_sd"]
    )
    base = {
        "order_count": (6.0, 4.0),
        "recency_days": (95.0, 80.0),
        "mean_order_value": (74.0, 30.0),
    }
    table["base_mean"] = [base[feature][0] for feature in table["feature"]]
    spread = np.array([base[feature][1] for feature in table["feature"]])
    table["mean"] = table["base_mean"] + table["difference_sd"] * spread
    table["is_marker"] = table["difference_sd"].abs() > 0.5
    return differences.plot_profile_panels(table)


def draw_separation() -> Axes:
    turn = np.linspace(0, 2 * np.pi, 60)
    middles = [(-4.0, 1.0), (0.5, 3.0), (2.0, -1.5), (3.4, -0.6)]
    outlines = []
    for name, (x, y) in zip(SEGMENTS, middles, strict=False):
        for part, radius in (("inner", 1.0), ("outer", 1.9)):
            outline = {"x": x + radius * np.cos(turn), "y": y + 0.8 * radius * np.sin(turn)}
            outlines.append(pd.DataFrame({"segment_name": name, "part": part, **outline}))
    names = SEGMENTS[: len(middles)]
    inside = pd.DataFrame({"segment_name": names, "share": [0.0, 0.02, 0.31, 0.36]})
    axes = {"columns": ["+total_spend, +order_count", "-recency_days"]}
    return separation.plot_separation(
        pd.concat(outlines),
        centres=pd.DataFrame(middles, columns=["x", "y"]).assign(segment_name=names),
        overlaps=inside.assign(place=separation.INSIDE),
        axes=pd.DataFrame(axes | {"explained_share": [0.55, 0.24]}),
    )


def draw_mosaic() -> Axes:
    shares = [0.6, 0.3, 0.1, 0.2, 0.7, 0.1, 0.4, 0.4, 0.2, 0.5, 0.4, 0.1, 0.28, 0.32, 0.4]
    table = cross_rows(
        SEGMENTS, ["web", "store", "phone"], shares, ["segment_name", "value", "share"]
    )
    table["residual"] = [
        4.6,
        -3.1,
        -2.4,
        -4.8,
        5.2,
        -2.2,
        0.3,
        0.1,
        0.4,
        2.3,
        0.2,
        -2.1,
        -3.3,
        -2.5,
        6.1,
    ]
    return descriptors.plot_mosaic(table, sizes=list_sizes(), descriptor="favourite_channel")


def draw_gains() -> Axes:
    people = np.arange(0, 1.001, 0.02)
    bends = {"segments": 0.52, "RFM": 0.46, usefulness.PERFECT: 0.2}
    curves = []
    for name, bend in bends.items():
        curve = {"customer_share": people, "spend_share": people**bend}
        curves.append(pd.DataFrame(curve).assign(predictor=name))
    first = {name: 0.2**bend for name, bend in bends.items() if name != usefulness.PERFECT}
    measured = pd.DataFrame(first.items(), columns=["predictor", "estimate"])
    measured = measured.assign(outcome="later_spend", measure=usefulness.FIRST_FIFTH)
    period = "in the last third of the history"
    return usefulness.plot_gains(pd.concat(curves), measured=measured, period=period)


def draw_targets() -> Axes:
    table = list_sizes()
    table["attractiveness"] = [0.95, 0.72, 0.6, 0.34, 0.12]
    table["fit"] = [0.82, 0.9, 0.35, 0.55, 0.2]
    return targeting.plot_targets(table)


def draw_persona() -> Axes:
    rows = [
        ("age", "Age", "aged 25-34", 0.5, "44.0%", "21.0%"),
        ("family", "Family", "with household type with children", -0.4, "18.0%", "37.0%"),
        ("place", "Place", "in urban places", 0.6, "81.0%", "52.0%"),
        ("worth", "How much and how often", "more orders", 1.1, "9.20", "4.00"),
        ("buys", "What they buy", "who buy mostly Lamps", 0.4, "33.0%", "17.0%"),
        ("when", "When", "who buy mostly in the evening", 0.7, "58.0%", "25.0%"),
        ("channel", "Channel and device", "who buy mostly by app", 1.2, "74.0%", "22.0%"),
        ("values", "What they value", "who buy mostly for Gifts", 0.3, "28.0%", "16.0%"),
        ("complaints", "What they complain about", "whose tickets are mostly on “returns”", 0.4,
         "34.0%", "18.0%"),
    ]  # fmt: skip
    columns = ["heading", "label", "words", "strength", "own_text", "base_text"]
    table = pd.DataFrame(rows, columns=columns).assign(given_name="Robin")
    return persona_emblem.plot_persona(table, title="Robin stands for the segment Keen on the app")


def draw_quiz() -> Axes:
    table = pd.DataFrame({"question_count": [1, 2, 3, 4], "accuracy": [0.55, 0.71, 0.83, 0.84]})
    table["question"] = ["order_count", "recency_days", "mean_order_value", "channel"]
    table["accuracy_low"] = table["accuracy"] - 0.03
    table["accuracy_high"] = table["accuracy"] + 0.03
    ways = {"way": [BY_GUESSING, WANTED], "accuracy": [0.31, 0.8]}
    return reach.plot_quiz(table, accuracies=pd.DataFrame(ways), asked=3)


DRAWINGS = {
    name.replace("draw_", "plot_"): draw
    for name, draw in list(globals().items())
    if name.startswith("draw_")
}
