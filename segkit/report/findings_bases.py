"""Sentences on the bases: who customers are, how far they came, and whether scales hold."""

from __future__ import annotations

import pandas as pd

from segkit.core.absence import explain_empty
from segkit.features.habits import AT_RISK_SHARE, LAPSED_SHARE, LEAST_GAPS
from segkit.profiles.base_summaries import ALL, OTHERS
from segkit.report.old_sentences import write_sentences

ENOUGH_ALPHA = 0.7  # Nunnally and Bernstein (1994), Psychometric Theory, for early research
ENOUGH_P_VALUE = 0.05
LIKE_ALL = 5  # an index so near to 100 is like everybody


def state_base(table: pd.DataFrame) -> list[str]:
    """Say what is known least, the largest group, and who brings the most and the least value."""
    if table.empty:
        return ["Of no feature of this base enough customers are known."]
    known, levels = table[table["level"] == ALL], table[~table["level"].isin([ALL, OTHERS])]
    levels = levels[levels["feature"].duplicated(keep=False)]  # one level tells nothing
    ranked = levels.sort_values("value_index", ascending=False, kind="stable")
    return write_sentences(
        "bases.base",
        feature_count=len(known),
        rare=_take(known[known["customer_share"] < 0.995].nsmallest(1, "customer_share")),
        largest=_take(levels.nlargest(1, "customer_share")),
        most=_take(ranked[ranked["value_index"] > 100 + LIKE_ALL]),
        least=_take(ranked[ranked["value_index"] < 100 - LIKE_ALL][::-1]),
    )


def state_reliability(table: pd.DataFrame) -> list[str]:
    """Say how reliable each scale is, which item is at odds with it, and what nobody answered."""
    if table.empty:
        return [explain_empty(table)]
    scales = table[table["question"] == ""].set_index("scale", drop=False)
    items = table[table["question"] != ""]
    whole = items["scale"].map(scales["alpha"])
    better = items[items["alpha"] > whole + 0.005]
    return write_sentences(
        "bases.reliability",
        scales=scales.dropna(subset=["alpha"]).to_dict("records"),
        weak=[name.replace("_", " ") for name in scales.index[scales["alpha"].isna()]],
        items=better.sort_values("alpha").drop_duplicates("scale", keep="last").to_dict("records"),
        silent=items.loc[items["customer_count"] == 0, "question"].tolist(),
        enough=ENOUGH_ALPHA,
    )


def state_funnel(table: pd.DataFrame) -> list[str]:
    """Say how many customers are known, and at which step most of them are lost."""
    if table.empty:
        return ["No table names enough customers."]
    steps = table[table["step_share"] < 1]
    lost = _take(steps.nsmallest(1, "step_share"))
    return write_sentences("bases.funnel", known=table["customer_count"].iloc[0], drop=lost)


def state_season(index: pd.DataFrame, figures: dict[str, float]) -> list[str]:
    """Say whether sales follow the calendar, as `segkit.features.season.measure_season` found."""
    ranked = index.sort_values("index", ascending=False, kind="stable")
    ends = [ranked.iloc[0], ranked.iloc[-1]] if ranked["index"].nunique() > 1 else []
    return write_sentences("bases.season", figures=figures, ends=ends, likely=ENOUGH_P_VALUE)


def state_cuts(table: pd.DataFrame) -> list[str]:
    """Say what a lapsed customer is, and from how many gaps between orders that was learned."""
    if table.empty:
        return [explain_empty(table)]
    cuts = table.set_index("stage")["cut"]
    first = table.iloc[0]
    return write_sentences(
        "bases.cuts",
        lapsed=cuts["lapsed"],
        at_risk=cuts["at risk"],
        is_learned=first["is_learned"],
        gap_count=first["gap_count"],
        least=LEAST_GAPS,
        shares=[1 - AT_RISK_SHARE, 1 - LAPSED_SHARE],
    )


def _take(rows: pd.DataFrame) -> pd.Series | None:
    return rows.iloc[0] if len(rows) else None
