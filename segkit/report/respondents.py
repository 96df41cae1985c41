"""Who answered the survey, and what weights that let them stand for all change."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from segkit.core.findings import Condition, Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import NOTE, Published, Shape
from segkit.evidence.experience.respondents import EVERYBODY, SEGMENT
from segkit.features.wording import capitalise, name_feature
from segkit.report.by_segment import count_decimals
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import explain_absence, explain_silence, write_finding
from segkit.report.shared.views import Column, View, reshape_published

MOST_TOLD = 5
LARGE_GAP = 0.005  # of a weighted share from its target: half a point
SHARES = ("response_share", "response_low", "response_high", "customer_share", "respondent_share")

RESPONDENTS = View(
    Shape(
        "respondents",
        by=("level",),
        within=("feature",),
        count="respondent_count",
        wholes=("customer_count",),
        shown=("base_share",),
        measures=dict.fromkeys(SHARES, COUNT),
    ),
    {
        "feature": Column("By"),
        "level": Column("Level"),
        "customer_count": Column("Customers", "integer"),
        "respondent_count": Column("Answered", "integer"),
        "response_share": Column("Share that answered", "share"),
        "interval": Column(kind="share", interval=("response_low", "response_high")),
        "customer_share": Column("Share of all", "share"),
        "respondent_share": Column("Share of who answered", "share"),
        NOTE: Column(),
    },
)
SKIPPED = View(
    Shape(
        "skipped",
        by=("question",),
        count="skipped_count",
        wholes=("customer_count",),
        adds_up=False,
        measures=dict.fromkeys(("skipped_share", "low", "high"), COUNT),
    ),
    {
        "question": Column("Question"),
        "customer_count": Column("Asked", "integer"),
        "skipped_count": Column("Left empty", "integer"),
        "skipped_share": Column("Share left empty", "share"),
        "interval": Column(kind="share", interval=("low", "high")),
        NOTE: Column(),
    },
)
SMALL_COUNTS = {name: name for name in ("trimmed_count", "left_out_count")}
WEIGHTS = View(Shape("survey_weights", adds_up=False, rests=SMALL_COUNTS))
WEIGHTED_SHAPE = Shape(
    "weighted_answers", by=("answer",), within=("question",), shown=("kind",), covered=("answer",)
)


def _view_weighted(kind: str) -> View:
    """Return the view of weighted answers that are numbers, or shares."""
    return View(
        WEIGHTED_SHAPE,
        {
            "question": Column("Question"),
            "answer": Column("Answer"),
            "customer_count": Column("Customers", "integer"),
            "value": Column("As answered", kind),
            "interval": Column(kind=kind, interval=("low", "high")),
            "weighted_value": Column("Weighted", kind),
            "weighted_interval": Column(
                "Interval, weighted", kind, interval=("weighted_low", "weighted_high")
            ),
            "effective_count": Column("Effective count", "integer"),
            NOTE: Column(),
        },
    )


WEIGHTED = _view_weighted("number")
KNOWN = (Condition("value", "known"), Condition("weighted_value", "known"))


def lay_out_respondents(respondents: Published, skipped: Published) -> list[Exhibit]:
    """Return what is shown of who answered; without answers the one line that says so."""
    if respondents.empty:
        return [Exhibit(thing=[explain_absence(respondents)])]
    caption = "Who answered, by segment and by what is known of all customers, with intervals"
    named = respondents.frame["feature"].map(lambda name: name_margin(name, respondents))
    frame = respondents.frame.assign(feature=named.map(capitalise))
    table = reshape_published(respondents, frame, RESPONDENTS)
    shown = [Exhibit(thing=table, caption=caption, max_rows=40)]
    if not skipped.empty:
        caption = "Questions that were left empty"
        shown.append(Exhibit(thing=skipped, caption=caption, folded=True))
    return [*shown, Exhibit(thing=state_respondents(respondents))]


def state_respondents(respondents: Published) -> list[Finding]:
    """Say how many answered, and which levels did so more or less often than all others."""
    if respondents.empty:
        return [explain_absence(respondents)]
    told = [_state_whole(respondents)]
    frame = respondents.frame
    rows = frame[frame["response_share"].notna()]
    different = rows[rows["is_different"].fillna(False).astype(bool)]
    order = different["corrected_p_value"].astype(float).sort_values(kind="stable").index
    told += [_state_level(respondents, rows.loc[row].to_dict()) for row in order[:MOST_TOLD]]
    if different.empty:
        told.append(write_finding("respondents.levels.alike"))
    return told


def _state_whole(respondents: Published) -> Finding:
    place = {"feature": EVERYBODY}
    hidden = explain_silence(
        respondents, respondents.frame[respondents.frame["feature"] == EVERYBODY]
    )
    if hidden:
        return hidden
    count = respondents.read_figure(
        "customer_count", where=place, kind="count", unit="customer", name="customer_count"
    )
    hits = respondents.read_figure("respondent_count", where=place, kind="count")
    share = respondents.read_figure(
        "response_share", where=place, kind="share", interval=("response_low", "response_high")
    )
    return write_finding("respondents.levels.whole", [hits, count, share], count=hits)


def _state_level(respondents: Published, row: dict) -> Finding:
    place = {"feature": row["feature"], "level": row["level"]}
    share = respondents.read_figure(
        "response_share", where=place, kind="share", interval=("response_low", "response_high")
    )
    base = respondents.read_figure("base_share", where=place, kind="share")
    count = respondents.read_figure("respondent_count", where=place, kind="count")
    words = {"feature": name_margin(row["feature"], respondents), "level": row["level"]}
    return write_finding(
        "respondents.levels.different", [share, base, count], count=count, words=words
    )


def list_weight_tables(
    summary: pd.DataFrame, weighted: pd.DataFrame
) -> list[tuple[pd.DataFrame, View]]:
    """Return the tables of weights, each with its view."""
    return [(summary, WEIGHTS), (weighted, WEIGHTED)]


def lay_out_weights(published: Sequence[Published], *, margins: Sequence[str]) -> list[Exhibit]:
    """Return what weights change; without margins, or answers, the one line that says so.

    ``published`` are the tables of `list_weight_tables`, in their order.
    """
    weights, weighted = published
    if weights.empty:
        return [Exhibit(thing=[explain_absence(weights)])]
    shown = []
    for kind, way, what in (("number", "number", "Mean answers"), ("choice", "share", "Choices")):
        rows = weighted.frame[weighted.frame["kind"] == kind] if not weighted.empty else []
        if len(rows):
            table = reshape_published(weighted, rows, _view_weighted(way))
            caption = f"{what} as given and weighted; intervals, the latter by the effective count"
            shown.append(Exhibit(thing=table, caption=caption, max_rows=60, folded=True))
    return [*shown, Exhibit(thing=state_weights(published, margins=margins))]


def state_weights(published: Sequence[Published], *, margins: Sequence[str]) -> list[Finding]:
    """Say what the weights cost in certainty, whether they hit their margins, what they move."""
    weights, weighted = published
    if weights.empty:
        return [explain_absence(weights)]
    row = weights.frame.iloc[0]
    words = {"margins": join_words([f"“{name_margin(name, weights)}”" for name in margins])}
    effect = weights.read_figure("design_effect", decimals=2)
    count = weights.read_figure("customer_count", kind="count", unit="customer")
    effective = weights.read_figure("effective_count", kind="count")
    told = [
        write_finding(
            "respondents.weights.cost", [effect, count, effective], count=count, words=words
        )
    ]
    if pd.notna(row["left_out_count"]) and row["left_out_count"] > 0:
        left = weights.read_figure("left_out_count", kind="count", unit="customer")
        told.append(write_finding("respondents.weights.left_out", [left], count=left))
    if float(row["gap_share"]) > LARGE_GAP:
        gap = weights.read_figure("gap_share", kind="gap")
        told.append(write_finding("respondents.weights.gap", [gap]))
    if not weighted.empty:
        told += _state_moved(weighted)
    return told


def name_margin(name: str, table: Published) -> str:
    """Return what a margin is called for people."""
    own = {SEGMENT: "segment", EVERYBODY: EVERYBODY}
    return own.get(name) or name_feature(name, table.labels)


def _state_moved(weighted: Published) -> list[Finding]:
    frame = weighted.frame
    moved = frame[frame["is_moved"].fillna(False).astype(bool)].dropna(subset=["weighted_value"])
    found = [
        weighted.read_figure(
            "value", where=KNOWN, how="rows", kind="count", unit="figure", name="figure_count"
        ),
        weighted.read_figure(
            "value",
            where=[*KNOWN, Condition("is_moved", "==", True)],
            how="rows",
            kind="count",
            name="moved_count",
        ),
    ]
    told = [write_finding("respondents.weights.moved", found)]
    gap = (moved["weighted_value"] - moved["value"]).astype(float).abs()
    spread = (moved["high"] - moved["low"]).astype(float)
    order = (gap / spread.where(spread > 0)).sort_values(ascending=False, kind="stable").index
    return told + [_state_answer(weighted, moved.loc[row].to_dict()) for row in order[:MOST_TOLD]]


def _state_answer(weighted: Published, row: dict) -> Finding:
    place = {"question": row["question"], "answer": row["answer"]}
    is_number = row["kind"] == "number"
    ends = {"value": None, "weighted_value": ("weighted_low", "weighted_high")}
    found = [
        weighted.read_figure(
            column,
            where=place,
            kind="number" if is_number else "share",
            decimals=count_decimals(row[column]) if is_number else None,
            interval=interval,
        )
        for column, interval in ends.items()
    ]
    count = weighted.read_figure("customer_count", where=place, kind="count")
    words = {"question": row["question"], "answer": row["answer"] or "mean"}
    return write_finding("respondents.weights.answer", [*found, count], count=count, words=words)
