"""What the segments say about time they have not seen, beside RFM and lifetime value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.core.absence import empty_table
from segkit.core.findings import Figure, Finding
from segkit.core.periods import name_next_days
from segkit.core.privacy import Published, Shape
from segkit.features.wording import name_features
from segkit.report.shared import figures
from segkit.report.shared.figures import GREY, MUTED, SERIES, chart
from segkit.report.shared.numbers import (
    THIN_SPACE,
    format_number,
    format_share,
    join_period,
    join_words,
)
from segkit.report.shared.sentences import write_figure, write_finding
from segkit.report.shared.views import View, reshape_published
from segkit.validation.foresight import has_to_wait
from segkit.validation.prediction import PERFECT, TOP_SHARE
from segkit.validation.usefulness import (
    BOTH,
    LIFETIME,
    NOTHING,
    RFM,
    SEGMENTS,
    Usefulness,
    list_gains,
)

LINES = {BOTH: SERIES[2], SEGMENTS: SERIES[0], RFM: SERIES[1], LIFETIME: SERIES[3]}
DASHES = {RFM: (0, (5, 2)), LIFETIME: (0, (1.5, 1.5))}
OUTCOMES = {
    "later_spend": "net spend",
    "later_order_count": "orders",
    "bought_again": "buying again",
    "responded": "answering messages",
}
MEASURES = {
    "explained_share": "Share explained",
    "top_fifth_share": "Net spend of the first fifth",
    "gain_index": "Gain index",
    "ranking": "Ranking (AUC)",
}
FIRST_FIFTH = "top_fifth_share"
NO_SHARES = ("gain_index", "ranking")  # the other measures are shares
COLUMNS = {RFM: "RFM", LIFETIME: "Lifetime value", SEGMENTS: "Segments", BOTH: "RFM and segments"}
ADDED = "Added to RFM"
ANSWERS = {
    "adds to RFM": "usefulness.answer.adds",
    "as much as RFM": "usefulness.answer.as_much",
    "nothing beyond RFM": "usefulness.answer.nothing_beyond",
    "nothing": "usefulness.answer.nothing",
}
SUMMARY = View(Shape("usefulness"))
FIGURES = View(Shape("later_time", by=("outcome", "measure", "predictor"), adds_up=False))
GAINS = View(Shape("gains", by=("predictor", "customer_share"), adds_up=False))


@chart("predictor", "customer_share", "spend_share")
def plot_gains(
    table,
    *,
    measured: pd.DataFrame | None = None,
    period: str = "",
    title: str = "Later net spend found, highest first",
) -> Axes:
    """Draw which share of later spend a predictor finds in which share of customers.

    How to read it: customers stand in the order of what was expected of them, the highest first. A
    line further above the diagonal finds more of the later spend in the same share of customers;
    the grey line above all knows the future. Dots mark the first fifth of customers. Where two
    lines lie on each other, one predictor says as much as the other.
    The table has ``predictor``, ``customer_share`` and ``spend_share``, both cumulative, 0 to 1.
    ``measured`` has the figures of the first fifth that are written, those of the sentences and the
    table: ``outcome``, ``measure``, ``predictor`` and ``estimate``.
    """
    ax = figures.new_axes(title, height=4.6)
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1.2, linestyle=(0, (4, 3)))
    ax.text(
        0.27,
        0.255,
        "in any order",
        color=MUTED,
        va="top",
        rotation=45,
        transform_rotates_text=True,
        rotation_mode="anchor",
    )
    table = table.astype({"customer_share": float, "spend_share": float})
    curves = dict(list(table.groupby("predictor", sort=False)))
    if PERFECT in curves:
        best = curves.pop(PERFECT)
        ax.plot(best["customer_share"], best["spend_share"], color=GREY, linewidth=1.2)
        ax.text(0.02, 1.015, PERFECT, color=MUTED, va="bottom")
    curves.pop(NOTHING, None)
    found = _read_first_fifth(measured)
    for name, rows in curves.items():
        colour = LINES.get(name, MUTED)
        dashes = DASHES.get(name, "-")
        ax.plot(
            rows["customer_share"],
            rows["spend_share"],
            color=colour,
            linestyle=dashes,
            linewidth=2.2,
        )
        if name in found:
            ax.plot([TOP_SHARE], [found[name]], "o", markersize=6, color=colour)
    names = sorted(found.keys() & curves.keys(), key=lambda name: (-found[name], name))
    texts = [f"{name}: {format_share(found[name])}" for name in names]
    first = format_share(TOP_SHARE, 0)
    if names:
        ax.text(0.57, 0.40, f"Net spend of the first {first} of customers", color=MUTED)
    for place, (name, text) in enumerate(zip(names, texts, strict=True)):
        height = 0.33 - 0.07 * place
        colour = LINES.get(name, MUTED)
        ax.plot([0.57, 0.62], [height + 0.012] * 2, color=colour, linestyle=DASHES.get(name, "-"))
        ax.text(0.635, height, text, color=colour, fontweight="bold")
    order = "share of customers, from the highest expected spend to the lowest"
    ax.set(xlim=(0, 1.003), ylim=(0, 1.09), xlabel=order, yticks=np.arange(0, 1.01, 0.2))
    figures.name_values(ax, "share of later net spend", period=period)
    ax.grid(True)
    figures.set_numbers(ax.xaxis, "share")
    figures.set_numbers(ax.yaxis, "share")
    said = f"Gain curves by predictor of {join_period('later net spend', period)}"
    if not names:
        return figures.describe_chart(ax, said)
    said = f"{said}. The first {first} of customers bring, by predictor"
    return figures.describe_chart(ax, said, texts)


def _read_first_fifth(measured: pd.DataFrame | None) -> dict[str, float]:
    """Return by predictor which share of later spend the first fifth of customers brings."""
    if measured is None or measured.empty:
        return {}
    rows = measured[(measured["outcome"] == "later_spend") & (measured["measure"] == FIRST_FIFTH)]
    return rows.set_index("predictor")["estimate"].dropna().astype(float).to_dict()


def name_later(found: Usefulness) -> str:
    """Name the time that the outcomes are of, as a period; nothing where none was measured."""
    return "" if found.reason else name_next_days(found.split_on, found.later_days)


def state_usefulness(
    found: Usefulness, summary: Published, measured: Published, *, is_rfm: bool = False
) -> list[Finding]:
    """Say whether the segments tell more than RFM about later time, and what that rests on.

    ``summary`` and ``measured`` are the published summary and figures of ``found``. Segments that
    are RFM's own (``is_rfm``) are set beside the scores that they are made of.
    """
    if found.reason:
        return [write_finding("usefulness.answer.not_measured", words={"reason": found.reason})]
    told = [_state_answer(found, measured, is_rfm=is_rfm), _state_test(summary)]
    outcomes = measured.frame["outcome"].unique()
    told += [_state_outcome(measured, outcome, is_rfm=is_rfm) for outcome in outcomes]
    told += _state_first_fifth(summary, measured)
    if found.undated:
        words = {"columns": join_words(name_features(found.undated, measured.labels))}
        told.append(write_finding("usefulness.test.undated", words=words))
    for name, reason in found.left_out.items():
        words = {"name": OUTCOMES.get(name, name), "reason": reason}
        told.append(write_finding("usefulness.test.left_out", words=words))
    return told


def _state_answer(found: Usefulness, measured: Published, *, is_rfm: bool) -> Finding:
    """Give the answer; where the segments add to RFM, with what they add."""
    gains = list_gains(found.figures, BOTH, "difference")
    words = {"outcomes": join_words([OUTCOMES[name] for name in gains])}
    kind = ANSWERS[found.answer]
    if is_rfm:
        kind = kind.replace(".answer.", ".answer_of_rfm.")
    return write_finding(kind, [read_added(measured, name) for name in gains], words=words)


def read_added(measured: Published, outcome: str) -> Figure:
    """Read what the segments add to what RFM says of an outcome, in points."""
    return _read_measure(measured, outcome, BOTH, "difference", kind="points")


def _state_test(summary: Published) -> Finding:
    count = summary.read_figure("customer_count", kind="count", unit="customer")
    return write_finding(
        "usefulness.test.split",
        [
            summary.read_figure("segment_count", kind="count", unit="segment"),
            count,
            summary.read_figure("split_on", kind="date"),
            summary.read_figure("later_days", kind="count", unit="day"),
        ],
        count=count,
    )


def _state_outcome(measured: Published, outcome: str, *, is_rfm: bool) -> Finding:
    """Say how much of an outcome RFM, the segments and both together explain."""
    return write_finding(
        "usefulness.test.outcome_of_rfm" if is_rfm else "usefulness.test.outcome",
        [
            _read_measure(measured, outcome, RFM, "estimate", name="by_rfm"),
            _read_measure(measured, outcome, SEGMENTS, "estimate", name="by_segments"),
            _read_measure(measured, outcome, BOTH, "estimate", name="by_both"),
            _read_measure(
                measured,
                outcome,
                BOTH,
                "difference",
                kind="points",
                interval=("difference_low", "difference_high"),
            ),
        ],
        count=_read_measure(measured, outcome, BOTH, "customer_count", kind="count"),
        words={"outcome": OUTCOMES[outcome]},
    )


def _read_measure(
    measured: Published, outcome: str, predictor: str, column: str, *, kind="share", **written: Any
):
    where = {"outcome": outcome, "measure": "explained_share", "predictor": predictor}
    return measured.read_figure(column, where=where, kind=kind, **written)


def _state_first_fifth(summary: Published, measured: Published) -> list[Finding]:
    """Say how much of later spend the first fifth of customers brings, by predictor."""
    frame = measured.frame
    rows = frame[(frame["outcome"] == "later_spend") & (frame["measure"] == FIRST_FIFTH)]
    names = [name for name in COLUMNS if name in set(rows["predictor"])]
    if not names:
        return []
    top_share = summary.read_figure("top_share", kind="share", decimals=0)
    shares = []
    for name in names:
        where = {"outcome": "later_spend", "measure": FIRST_FIFTH, "predictor": name}
        shares.append(
            measured.read_figure("estimate", where=where, kind="share", name=f"by {name}")
        )
    words = {"shares": join_words([f"{write_figure(share)} {share.name}" for share in shares])}
    words["by_period"] = shares[0].period
    return [write_finding("usefulness.test.first_fifth", [top_share, *shares], words=words)]


def list_measures(measured: Published) -> Published:
    """List the figures, a row an outcome and measure and a column a predictor, as text.

    After each figure stands half the width of its 95 % interval; the last column is what the
    segments add to RFM.
    """
    columns = ["outcome", "measure", *COLUMNS.values(), ADDED]
    if measured.empty:
        nothing = empty_table(columns, measured.reason)
        return reshape_published(measured, nothing, View(measured.shape))
    rows = []
    for (outcome, measure), part in measured.frame.groupby(["outcome", "measure"], sort=False):
        by_predictor = part.set_index("predictor")
        row = {"outcome": OUTCOMES[outcome].capitalize(), "measure": MEASURES[measure]}
        for name, heading in COLUMNS.items():
            if name in by_predictor.index:
                row[heading] = _write_measure(
                    *by_predictor.loc[name, ["estimate", "high"]], measure
                )
        ends = by_predictor.loc[BOTH, ["difference", "difference_high"]]
        row[ADDED] = _write_added(*ends, measure)
        rows.append(row)
    table = pd.DataFrame(rows)
    table = table[[name for name in columns if name in table]]
    return reshape_published(measured, table, View(measured.shape))


def _write_measure(value: float, high: float, measure: str) -> str:
    """Write a figure and half of its interval; shares as percentages."""
    if measure in NO_SHARES:
        return _join_width(format_number(value, 2), format_number(high - value, 2))
    return _join_width(format_share(value), format_number(100 * (high - value), 1))


def _write_added(value: float, high: float, measure: str) -> str:
    """Write a difference with its sign, and half of its interval; of shares in points."""
    scale, decimals = (1, 2) if measure in NO_SHARES else (100, 1)
    sign = "+" if round(scale * value, decimals) > 0 else ""
    text = sign + format_number(scale * value, decimals)
    return _join_width(text, format_number(scale * (high - value), decimals))


def _join_width(text: str, width: str) -> str:
    return f"{text}{THIN_SPACE}±{THIN_SPACE}{width}"


def list_tests(told: list[Finding]) -> list[Finding]:
    """Return the finding that says on whom and on what time it rests; none if nothing was tested.

    ``told`` is what `state_usefulness` said.
    """
    return [finding for finding in told if finding.kind == "usefulness.test.split"]


def list_headline(found: Usefulness, told: list[Finding], summary: Published) -> dict[str, Any]:
    """Return the answer for the facts: ``answer``, ``text`` and ``split_on``, empty if none.

    Where a yes has to wait for later time, see `has_to_wait`, ``doubt`` says why.
    """
    headline = {
        "answer": found.answer or "not measured",
        "text": told[0],
        "split_on": str(found.split_on or ""),
    }
    if has_to_wait(found):
        headline["doubt"] = _state_doubt(summary)
    return headline


def _state_doubt(summary: Published) -> Finding:
    """Say on whom and on what time it rests that the segments foresee nothing."""
    count = summary.read_figure("customer_count", kind="count", unit="customer")
    read = [
        summary.read_figure("split_on", kind="date"),
        count,
        summary.read_figure("later_days", kind="count", unit="day"),
    ]
    return write_finding("usefulness.answer.doubt", read, count=count)
