"""What customers say beside what they do, where both agree and where they contradict each other."""

from __future__ import annotations

from segkit.contract.features import FEATURES
from segkit.core.findings import Condition, Finding
from segkit.core.measures import LABEL
from segkit.core.privacy import NOTE, Published, Shape
from segkit.features.wording import name_feature
from segkit.report.by_segment import count_decimals
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.sentences import explain_absence, explain_silence, write_finding
from segkit.report.shared.views import Column, View

MOST_TOLD = 4  # pairs that agree; those that contradict each other are all told
OUTCOMES = ("contradict", "agree")
BOTH = ("difference", "low", "high", "corrected_p_value")
TRENDS = View(
    Shape(
        "common_trends",
        by=("said", "done"),
        within=("kind",),
        count="said_count",
        adds_up=False,
        shown=("expected",),
        rests={
            "other_count": "other_count",
            "other_mean": "other_count",
            "least_count": "least_count",
            **dict.fromkeys((*BOTH, "outcome"), "least_count"),
        },
        measures={"compared_segments": LABEL, "agreeing_segments": LABEL},
    ),
    {
        "kind": Column("Said by"),
        "said": Column("What they say"),
        "done": Column("What is measured", "feature"),
        "expected": Column("Expected"),
        "said_count": Column("Say so", "integer"),
        "other_count": Column("Do not", "integer"),
        "said_mean": Column("Mean of who say so", "number"),
        "other_mean": Column("Mean of who do not", "number"),
        "difference": Column("Difference", "number"),
        "interval": Column(kind="number", interval=("low", "high")),
        "outcome": Column("Words and deeds"),
        "compared_segments": Column("Segments compared", "integer"),
        "agreeing_segments": Column("As expected in", "integer"),
        NOTE: Column(),
    },
)


def lay_out_trends(trends: Published) -> list[Exhibit]:
    """Return the table of common trends and what it says; without pairs one line."""
    if trends.empty:
        return [Exhibit(thing=[explain_absence(trends)])]
    caption = "What customers say beside what they do, with intervals"
    return [
        Exhibit(thing=trends, caption=caption, max_rows=60),
        Exhibit(thing=state_trends(trends)),
    ]


def state_trends(trends: Published) -> list[Finding]:
    """Say how many pairs agree, and of which what was said and measured contradict each other."""
    if trends.empty:
        return [explain_absence(trends)]
    frame = trends.frame.dropna(subset=["outcome"])
    if frame.empty:
        return [hidden] if (hidden := explain_silence(trends)) else []
    known = Condition("outcome", "known")
    found = [
        trends.read_figure(
            "said", where=[known], how="rows", kind="count", unit="pair", name="pair_count"
        )
    ]
    for outcome, name in (("agree", "agree_count"), ("contradict", "contradict_count")):
        where = [Condition("outcome", "==", outcome)]
        found.append(trends.read_figure("said", where=where, how="rows", kind="count", name=name))
    told = [write_finding("common_trends.pairs.outcomes", found)]
    for outcome in OUTCOMES:
        rows = frame[(frame["outcome"] == outcome) & frame["difference"].notna()]
        order = rows["corrected_p_value"].astype(float).sort_values(kind="stable").index
        most = MOST_TOLD if outcome == "agree" else len(order)
        told += [_state_pair(trends, rows.loc[row].to_dict()) for row in order[:most]]
    return told


def _state_pair(trends: Published, row: dict) -> Finding:
    place = {name: row[name] for name in ("kind", "said", "done")}
    feature = FEATURES.get(row["done"])
    is_share = feature is not None and feature.unit == "share"
    is_money = feature is not None and feature.unit.startswith("currency")
    kind = "share" if is_share else "money" if is_money else "number"
    figures = [
        trends.read_figure(
            column,
            where=place,
            kind="points" if is_share and column == "difference" else kind,
            decimals=count_decimals(row[column]) if kind == "number" else None,
            interval=("low", "high") if column == "difference" else None,
        )
        for column in ("said_mean", "other_mean", "difference")
    ]
    counts = [
        trends.read_figure(column, where=place, kind="count")
        for column in ("said_count", "other_count")
    ]
    words = {
        "said": row["said"],
        "done": name_feature(row["done"], trends.labels),
        "expected": row["expected"],
        "kind": row["kind"],
    }
    return write_finding(
        f"common_trends.pairs.{row['outcome']}", [*figures, *counts], count=counts[0], words=words
    )
