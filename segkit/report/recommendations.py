"""What recommendations tell: how good lists are, who gets which, and which products go together."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from segkit.action.recommendations.lists import BOUGHT, BY_ALL, BY_SEGMENT
from segkit.action.recommendations.measured import Recommended
from segkit.action.recommendations.model import AGAIN, ALL, NEW
from segkit.core.absence import EmptyTable
from segkit.core.findings import Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.by_segment import RESTS_ON
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View

KIND_WORDS = {AGAIN: "What they buy again", NEW: "What is new to them", ALL: "Both in one"}
QUALITY = View(
    Shape(
        "recommendation_quality",
        by=("list_name", "method"),
        count=RESTS_ON,
        adds_up=False,
        shown=("is_chosen",),
    ),
    {
        "list_name": Column("List"),
        "method": Column("Products are ranked by"),
        "is_chosen": Column("Chosen"),
        "customer_count": Column("Customers", "integer"),
        "hit_share": Column("Found something they then bought", "share"),
        "hit_interval": Column("Interval", "share", interval=("hit_share_low", "hit_share_high")),
        "ndcg": Column("NDCG", "number"),
        "ndcg_interval": Column("Interval", "number", interval=("ndcg_low", "ndcg_high")),
        "hit_gain": Column("Chosen one more, points", "points"),
        "gain_interval": Column("Interval", "points", interval=("hit_gain_low", "hit_gain_high")),
        NOTE: Column(),
    },
)
COUNTS = View(
    Shape("recommendation_lists", by=("basis",), measures={"again_count": COUNT}),
    {
        "basis": Column("What is new is listed"),
        "customer_count": Column("Customers", "integer"),
        NOTE: Column(),
    },
)
_PAIRS = Shape(
    "product_pairs",
    by=("product", "other"),
    adds_up=False,
    repeats=True,
    wholes=("product_customer_count", "other_customer_count"),
    measures=dict.fromkeys(
        ("support", "share", "share_low", "share_high", "base_share", "lift", "score"), COUNT
    ),
)


def _view_pairs(heading: str) -> dict[str, Column]:
    return {
        "product": Column(heading),
        "other": Column("Bought"),
        "customer_count": Column("Customers with both", "integer"),
        "product_customer_count": Column("With the first", "integer"),
        "share": Column("Of these", "share"),
        "share_interval": Column("Interval", "share", interval=("share_low", "share_high")),
        "base_share": Column("Of all", "share"),
        "support": Column("Both, of all", "share"),
        "lift": Column("Lift", "number"),
        "score": Column("Shrunk lift", "number"),
        NOTE: Column(),
    }


PAIRS = View(_PAIRS, _view_pairs("Who bought"))
WISHED = View(_PAIRS, _view_pairs("Who wished for")).rename("wished_pairs")


@dataclass(frozen=True)
class Tables:
    """The published tables of recommendations but for their quality."""

    counts: Published
    pairs: Published
    wished: Published


def list_quality(recommended: Recommended) -> pd.DataFrame:
    """Return how good the lists are, by name, with how many customers each row rests on.

    Where few found something, or few did not, the row rests on these.
    """
    quality = recommended.quality
    if isinstance(quality, EmptyTable) or quality.empty:
        return quality
    hits = quality["hit_count"]
    missed = quality["customer_count"] - hits
    counts = pd.concat([hits.mask(hits == 0), missed.mask(missed == 0)], axis=1).min(axis=1)
    names = quality["kind"].map(KIND_WORDS)
    table = quality.drop(columns=["hit_count", "kind"])
    return table.assign(list_name=names, **{RESTS_ON: counts.fillna(quality["customer_count"])})


def list_tables(recommended: Recommended) -> list[tuple[pd.DataFrame, View]]:
    """Return the other tables, each with its view, for `ws.publish_each`."""
    counts = recommended.counts
    if not isinstance(counts, EmptyTable):
        counts = counts.drop(columns="again_count")
    return [
        (counts, COUNTS),
        (_drop_ids(recommended.pairs), PAIRS),
        (_drop_ids(recommended.wished), WISHED),
    ]


def _drop_ids(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs.drop(columns=["product_id", "other_id"])


def name_tables(published: list[Published]) -> Tables:
    """Give the published tables of `list_tables` their names."""
    return Tables(*published)


def lay_out_quality(quality: Published) -> list[Exhibit]:
    """Return what is shown of how good the lists are."""
    if quality.empty:
        return []
    caption = "Lists made before the last days, judged by what was bought in these"
    return [Exhibit(thing=quality, caption=caption)]


def lay_out_tables(tables: Tables) -> list[Exhibit]:
    """Return what is shown of lists and pairs; nothing of a table without rows."""
    shown = [
        Exhibit(thing=tables.counts, caption="Customers by how their list is made"),
        Exhibit(thing=tables.pairs, caption="Who bought one also bought the other"),
        Exhibit(thing=tables.wished, caption="Who wished for one bought the other", folded=True),
    ]
    return [one for one in shown if not one.thing.empty]


def state_quality(quality: Published, *, count: int) -> list[Finding]:
    """Say how many found on their list what they then bought, beside the best simple rule.

    Parameters
    ----------
    quality : Published
        See `list_quality`.
    count : int
        Products on a list.
    """
    if quality.empty:
        return [explain_absence(quality)]
    told = []
    for name in (KIND_WORDS[AGAIN], KIND_WORDS[NEW]):
        rows = quality.frame[quality.frame["list_name"] == name].dropna(subset=["hit_share"])
        chosen = rows[rows["is_chosen"].astype(bool)]
        if chosen.empty:
            continue
        told.append(_state_kind(quality, chosen.iloc[0], rows.drop(chosen.index), count))
    return told


def _state_kind(quality: Published, chosen: pd.Series, others: pd.DataFrame, count: int) -> Finding:
    place = {"list_name": chosen["list_name"], "method": chosen["method"]}
    ends = ("hit_share_low", "hit_share_high")
    figures = [
        quality.read_figure("hit_share", where=place, kind="share", interval=ends),
        quality.read_figure("customer_count", where=place, kind="count"),
    ]
    words = {"list": chosen["list_name"], "method": chosen["method"], "count": count}
    others = others.dropna(subset=["hit_gain"])
    if others.empty:
        return write_finding(
            "recommendations.quality.alone", figures, count=figures[1], words=words
        )
    best = others.loc[others["ndcg"].astype(float).idxmax()]
    there = {"list_name": best["list_name"], "method": best["method"]}
    figures += [
        quality.read_figure("hit_share", where=there, kind="share", name="simple_share"),
        quality.read_figure(
            "hit_gain", where=there, kind="points", interval=("hit_gain_low", "hit_gain_high")
        ),
    ]
    kind = "alike"
    if best["hit_gain_low"] > 0:
        kind = "better"
    elif best["hit_gain_high"] < 0:
        kind = "worse"
    words["simple"] = best["method"]
    return write_finding(f"recommendations.quality.{kind}", figures, count=figures[1], words=words)


def state_lists(tables: Tables) -> list[Finding]:
    """Say how many customers have a list of their own, and which products go together most."""
    if tables.counts.empty:
        return []  # why nothing can be recommended was said of the quality
    told = _state_counts(tables.counts)
    for name, table in (("pairs", tables.pairs), ("wished", tables.wished)):
        seen = table.frame.dropna(subset=["share"]) if not table.empty else table.frame
        if table.empty or seen.empty:
            told.append(explain_absence(table))
            continue
        first = seen.iloc[0]
        place = {"product": first["product"], "other": first["other"]}
        ends = ("share_low", "share_high")
        figures = [
            table.read_figure("share", where=place, kind="share", interval=ends),
            table.read_figure("base_share", where=place, kind="share"),
            table.read_figure("product_customer_count", where=place, kind="count", unit="customer"),
        ]
        told.append(
            write_finding(f"recommendations.lists.{name}", figures, count=figures[2], words=place)
        )
    return told


def _state_counts(counts: Published) -> list[Finding]:
    told = []
    for basis, kind in ((BOUGHT, "own"), (BY_SEGMENT, "by_segment"), (BY_ALL, "by_all")):
        rows = counts.frame[counts.frame["basis"] == basis].dropna(subset=["customer_count"])
        if rows.empty:
            continue
        figure = counts.read_figure(
            "customer_count", where={"basis": basis}, kind="count", unit="customer"
        )
        told.append(write_finding(f"recommendations.lists.{kind}", [figure], count=figure))
    return told
