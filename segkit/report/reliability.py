"""Whether the questions of each scale agree, so that it can be relied on."""

from __future__ import annotations

import pandas as pd

from segkit.core.findings import Finding
from segkit.core.privacy import Published, Shape
from segkit.features.wording import capitalise, name_feature, name_features
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import explain_absence, name_some, write_finding
from segkit.report.shared.views import Column, View

ENOUGH_ALPHA = 0.7  # Nunnally and Bernstein (1994), Psychometric Theory, for early research
BETTER_ALPHA = 0.005  # an item whose removal raises alpha by less is not named

# Who answers one question may answer another; how they agree rests on those who answered all.
RELIABILITY = View(
    Shape(
        "reliability",
        by=("question",),
        within=("scale",),
        adds_up=False,
        rests={
            "alpha": "whole_count",
            "alpha_low": "whole_count",
            "alpha_high": "whole_count",
            "item_rest_correlation": "whole_count",
            "whole_count": "whole_count",
        },
    ),
    {
        "scale": Column("Scale", "feature"),
        "question": Column("Question"),
        "customer_count": Column("Answered"),
        "mean": Column("Mean"),
        "alpha": Column("Alpha, of an item: without it"),
        "alpha_low": Column("Lower end, 95%"),
        "alpha_high": Column("Upper end, 95%"),
        "item_rest_correlation": Column("Correlation with the others"),
    },
)


def state_reliability(reliability: Published) -> list[Finding]:
    """Say how reliable each scale is, which item is at odds with it, and what nobody answered."""
    if reliability.empty:
        return [explain_absence(reliability)]
    frame = reliability.frame
    scales = frame[frame["question"] == ""].set_index("scale", drop=False)
    items = frame[frame["question"] != ""]
    told = [_state_scale(reliability, row) for row in _list_rows(scales.dropna(subset=["alpha"]))]
    better = items[items["alpha"] > items["scale"].map(scales["alpha"]) + BETTER_ALPHA]
    best = better.sort_values("alpha").drop_duplicates("scale", keep="last")
    told += [_state_item(reliability, row) for row in _list_rows(best)]
    weak = scales.index[scales["alpha"].isna()]
    if len(weak):
        words = {"scales": join_words(name_features(weak, reliability.labels))}
        told.append(write_finding("reliability.scales.untold", words=words))
    silent = items.loc[items["customer_count"].eq(0).fillna(False).astype(bool), "question"]
    if len(silent):
        words = {"questions": name_some(silent)}
        told.append(write_finding("reliability.scales.silent", words=words))
    return told


def _list_rows(table: pd.DataFrame) -> list[dict]:
    return table.to_dict("records")


def _state_scale(reliability: Published, row: dict) -> Finding:
    place = {"scale": row["scale"], "question": ""}
    count = reliability.read_figure("customer_count", where=place, kind="count", unit="customer")
    alpha = reliability.read_figure(
        "alpha", where=place, decimals=2, interval=("alpha_low", "alpha_high")
    )
    kind = "reliable" if row["alpha"] >= ENOUGH_ALPHA else "too_low"
    words = {"scale": capitalise(name_feature(row["scale"], reliability.labels))}
    return write_finding(f"reliability.scales.{kind}", [alpha, count], count=count, words=words)


def _state_item(reliability: Published, row: dict) -> Finding:
    place = {"scale": row["scale"], "question": row["question"]}
    alpha = reliability.read_figure("alpha", where=place, decimals=2)
    words = {"question": row["question"], "scale": name_feature(row["scale"], reliability.labels)}
    count = reliability.read_figure("whole_count", where=place)
    return write_finding("reliability.scales.at_odds", [alpha], count=count, words=words)
