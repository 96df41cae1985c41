"""Which segments to aim at: the target-selection matrix."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Finding
from segkit.core.privacy import Published, Shape
from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, GREY, MUTED, chart
from segkit.report.shared.numbers import format_number, format_share, join_words, plural
from segkit.report.shared.sentences import explain_absence, name_column, write_finding
from segkit.report.shared.views import View

MOST_WRAPPED = 10  # segments, whose names have room for two lines
UNKNOWN_FIT = "fit not known, drawn in the middle"
TARGETS = View(Shape("targets", by=("segment_name",)))


@chart("segment_name", "attractiveness", values=["fit", "customer_share"])
def plot_targets(table, *, title: str = "Which segments to aim at") -> Axes:
    """Draw the target-selection matrix: how attractive each segment is, and how fit we are.

    How to read it: top right are segments that are attractive and that we can serve; bottom left
    those to leave alone. The area of a circle is the segment's share of customers.
    The table has a row a segment: ``segment_name``, ``attractiveness``, ``fit`` (0 to 1) and
    ``customer_share``.
    """
    columns = ["attractiveness", "fit", "customer_share"]
    rows = table.astype(dict.fromkeys(columns, float))
    rows["is_known"] = rows["fit"].notna()
    rows["fit"] = rows["fit"].fillna(0.5)
    ax = figures.new_axes(title, height=max(4.4, 1.2 + 0.28 * len(rows)))
    _draw_ranges(ax, rows)
    ax.scatter(
        rows["attractiveness"],
        rows["fit"],
        s=2600 * rows["customer_share"],
        color=BLUE,
        alpha=0.55,
        edgecolor="white",
    )
    for line in (ax.axhline, ax.axvline):
        line(0.5, color=GREY, linestyle=(0, (3, 3)), linewidth=1)
    ax.set(xlim=(-0.06, 1.12), ylim=(-0.06, 1.12))
    ax.set_xlabel("attractiveness, 0 to 1")
    figures.name_values(ax, "fit, 0 to 1")
    _name_circles(ax, rows.dropna(subset=["attractiveness"]))
    said = [_describe_target(row) for row in rows.itertuples()]
    return figures.describe_chart(ax, f"{plural(len(rows), 'segment')} by two scores", said)


def _draw_ranges(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw how far each score could reach, where some of its measures are not known."""
    for name, other, draw in (
        ("attractiveness", "fit", ax.hlines),
        ("fit", "attractiveness", ax.vlines),
    ):
        if f"{name}_high" not in rows:
            continue
        high = rows[f"{name}_high"].astype(float)
        open_rows = rows[(high > rows[name] + 0.005) & rows["is_known"]]
        draw(open_rows[other], open_rows[name], high[open_rows.index], color=MUTED, linewidth=1)


def _name_circles(ax: Axes, rows: pd.DataFrame) -> None:
    """Write the segments' names in a column at the right, each with a line to its circle.

    Circles often lie close together, where names beside them would cover each other.
    """
    bottom, top = ax.get_ylim()
    lines = 2 if len(rows) <= MOST_WRAPPED else 1
    step = min(0.055 * lines, 0.94 / max(len(rows) - 1, 1)) * (top - bottom)
    heights: list[float] = []
    ordered = rows.sort_values(["fit", "attractiveness"], kind="stable")
    for fit in ordered["fit"]:
        heights.append(max(float(fit), heights[-1] + step if heights else bottom + 0.02))
    for place in range(len(heights) - 1, -1, -1):  # what reaches beyond the top moves down
        above = heights[place + 1] - step if place + 1 < len(heights) else top - 0.02
        heights[place] = min(heights[place], above)
    line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.8, "shrinkA": 2, "shrinkB": 0}
    line |= {"relpos": (0, 0.5)}
    for row, height in zip(ordered.itertuples(), heights, strict=True):
        ax.annotate(
            textwrap.fill(figures.shorten(row.segment_name, 27 * lines), 28),
            (row.attractiveness, row.fit),
            (1.02, height),
            textcoords=("axes fraction", "data"),
            arrowprops=line,
            va="center",
            fontsize=9,
            fontweight="bold",
        )


def _describe_target(row: tuple) -> str:
    fit = f"fit {format_number(row.fit, 2)}" if row.is_known else UNKNOWN_FIT
    attractiveness = f"attractiveness {format_number(row.attractiveness, 2)}"
    share = f"{format_share(row.customer_share)} of customers"
    return f"{row.segment_name}: {attractiveness}, {fit}, {share}"


def state_targets(
    targets: Published, measures: Mapping[str, Sequence[str]], *, unknown: Sequence[str] = ()
) -> list[Finding]:
    """Say which segment comes first, from which measures the scores are made, and what is unknown.

    Parameters
    ----------
    targets : Published
        Of `rate_targets`.
    measures : mapping of str to sequence of str
        Of `list_used`.
    unknown : sequence of str, optional
        Of `list_unknown`.
    """
    seen = targets.frame.dropna(subset=["attractiveness"])
    if targets.empty:
        return [explain_absence(targets)]
    told = []
    scores = seen["attractiveness"] * seen["fit"].fillna(1.0)
    is_alone = len(seen) == 1 or (len(seen) > 1 and scores.iloc[0] != scores.iloc[1])
    if is_alone:
        where = {"segment_name": seen["segment_name"].iloc[0]}
        scores = [
            targets.read_figure("attractiveness", where=where, decimals=2),
            targets.read_figure("fit", where=where, decimals=2),
        ]
        count = targets.read_figure("customer_count", where=where, kind="count")
        told.append(write_finding("targeting.targets.first", scores, count=count, words=where))
    parts = [
        f"{name} is measured by {join_words([name_column(measure) for measure in measures[name]])}"
        for name in ("attractiveness", "fit")
        if measures[name]
    ]
    if parts:
        words = {"measures": join_words(parts).capitalize()}
        told.append(write_finding("targeting.targets.measures", words=words))
    if unknown:
        words = {"measures": join_words([name_column(name) for name in unknown])}
        told.append(write_finding("targeting.targets.unknown", words=words))
    return told
