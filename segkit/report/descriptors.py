"""How the levels of descriptors go with the segments."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import Published, Shape
from segkit.features.wording import Labels, capitalise, name_feature
from segkit.profiles.descriptors import keep_telling_levels
from segkit.report.differences import name_evidence
from segkit.report.shared import figures
from segkit.report.shared.extremes import MOST_TIED, list_alike
from segkit.report.shared.figures import TRACK, chart
from segkit.report.shared.numbers import (
    format_number,
    format_share,
    join_words,
    plural,
    write_ranges,
)
from segkit.report.shared.sentences import explain_absence, explain_silence, write_finding
from segkit.report.shared.views import Column, View, reshape_published

# Pearson residuals beyond 2 and 4 are shaded (Friendly 1994): far fewer, fewer, more, far more.
TRUTHS = {"True": "yes", "False": "no"}
SHADES = ["#c67a3f", "#f0d3b8", "#f1f3f5", "#bcd8ea", "#5b9bc6"]
STEPS = [-4, -2, 2, 4]
SMALLEST_LABELLED = 0.04  # of the chart's height or width, for a tile to carry words
SMALLEST_OF_TWO_LINES = 0.09
# What is made of counts alone; intervals are of twice as many customers.
COUNTED = ("share", "base_share", "index", "difference", "p_value", "adjusted_p_value", "residual")
LEVELS = View(
    Shape(
        "levels",
        within=("descriptor",),
        by=("segment", "segment_name", "value"),
        wholes=("segment_count", "value_count"),
        shown=("by_construction", "base_count"),
        measures=dict.fromkeys(COUNTED, COUNT),
    )
)
TELLING = View(
    LEVELS.shape,
    {
        "segment_name": Column("Segment"),
        "descriptor": Column("Descriptor", "feature"),
        "value": Column("Level"),
        "share": Column("Share of the segment"),
        "index": Column("Index"),
        "interval": Column("Above others, 95% interval"),
        "evidence": Column("Evidence"),
    },
)
# Made of published levels, so nothing in it is of few customers.
RANKED = View(Shape("ranked_descriptors", population="columns", by=("descriptor",)))


@chart("segment_name", "value", values=["share", "residual"])
def plot_mosaic(
    table,
    *,
    sizes: pd.DataFrame,
    descriptor: str = "",
    labels: Labels | None = None,
    title: str = "",
) -> Axes:
    """Draw a descriptor's levels by segment as tiles, coloured where they differ from chance.

    How to read it: a stripe is a segment, as wide as it is large; a tile is as high as the level's
    share of the segment. Blue tiles are more, brown tiles fewer than if the descriptor had nothing
    to do with the segments: pale for a Pearson residual beyond two, dark beyond four (Friendly
    1994, *JASA* 89). Hatched tiles hold levels too small to be shown; a segment whose size must
    not be seen has no stripe.
    The tables are what `count_descriptor` and `size_segments` returned.
    """
    table = table.assign(value=table["value"].replace(TRUTHS))
    levels = list(table["value"].unique())
    counts = sizes.dropna(subset=["customer_count"]).set_index("segment_name")["customer_count"]
    names = [name for name in table["segment_name"].unique() if name in counts]
    counts = counts.astype(float)[names]
    widths = counts / counts.sum()
    left = 0.0
    strongest = []
    label = name_feature(descriptor, labels) if descriptor else ""
    title = title or (f"Segments by {label}" if label else "Mosaic")
    ax = figures.new_axes(title, height=4.8)
    for name in names:
        rows = table[table["segment_name"] == name].set_index("value").reindex(levels)
        rows = rows[["share", "residual"]].astype(float)
        _draw_stripe(ax, name, rows, left=left, width=widths[name])
        left += widths[name]
        residuals = rows["residual"].dropna()
        if len(residuals):
            level = residuals.abs().idxmax()
            strongest.append(f"{name}: {level}, residual {format_number(residuals[level], 1)}")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.text(0, -0.16, " ", va="top")  # keeps the room for names of several lines
    ax.set_axis_off()
    words = f"{capitalise(label)}: " if label else ""
    figures.name_values(ax, f"{words}blue more, brown fewer than by chance; hatched not shown")
    said = f"Mosaic of {plural(len(levels), 'level')} by {plural(len(names), 'segment')}"
    if strongest:
        said = f"{said}. Strongest of each: {'; '.join(strongest)}"
    return figures.describe_chart(ax, said)


def _draw_stripe(ax: Axes, name: str, rows: pd.DataFrame, *, left: float, width: float) -> None:
    """Draw one segment's tiles from below, the last level first, and its name under them."""
    bottom = 0.0
    for level, row in rows[rows["share"] > 0][::-1].iterrows():
        height = row["share"]
        shade = SHADES[int(np.searchsorted(STEPS, row["residual"]))]
        _draw_tile(ax, left, bottom, width, height, color=shade)
        if height > SMALLEST_LABELLED and width > SMALLEST_LABELLED:
            text = figures.shorten(level, max(4, int(92 * width)))
            text += ("\n" if height > SMALLEST_OF_TWO_LINES else " ") + format_share(height)
            middle = (left + width / 2, bottom + height / 2)
            ax.text(*middle, text, ha="center", va="center", fontsize=7.5)
        bottom += height
    if bottom < 0.9999:
        _draw_tile(ax, left, bottom, width, 1 - bottom, color=TRACK, hatch="////")
    label = "\n".join(textwrap.wrap(figures.shorten(name, 44), max(10, int(80 * width))))
    ax.text(left + width / 2, -0.015, label, ha="center", va="top", fontsize=8)


def _draw_tile(
    ax: Axes,
    left: float,
    bottom: float,
    width: float,
    height: float,
    *,
    color: str,
    hatch: str | None = None,
) -> None:
    ax.bar(
        left,
        height,
        width=width,
        bottom=bottom,
        align="edge",
        color=color,
        hatch=hatch,
        edgecolor="white",
        linewidth=1.5,
    )


def choose_first(ranked: Published) -> str:
    """Return the descriptor that goes furthest with the segments; empty if there is none."""
    return "" if ranked.empty else str(ranked.frame["descriptor"].iloc[0])


def keep_descriptor(levels: Published, descriptor: str) -> Published:
    """Return the levels of one descriptor."""
    return levels.keep(levels.frame["descriptor"] == descriptor)


def list_levels(levels: Published, *, count: int) -> Published:
    """Return the levels that tell most, with the interval and the evidence in words.

    Descriptors that made the segments are left out.
    """
    frame = levels.frame
    others = frame[~frame["by_construction"].astype(bool)]
    rows = keep_telling_levels(others, count=count)
    intervals = write_ranges(rows["difference_low"], rows["difference_high"], format_share)
    table = rows.assign(interval=intervals, evidence=name_evidence(rows))
    return reshape_published(levels, table, TELLING)


def state_descriptors(
    ranked: Published, levels: Published, sizes: Published | None = None
) -> list[Finding]:
    """Say which descriptor goes furthest with the segments.

    Where none is ranked, the ``levels`` may be hidden, or the ``sizes`` of the segments left out,
    and all that is said of them with them.
    """
    first = choose_first(ranked)
    if not first and sizes is not None and sizes.empty:
        return [explain_absence(sizes)]
    if not first:
        frame = levels.frame
        others = frame[~frame["by_construction"].astype(bool)]
        hidden = explain_silence(levels, others)
        return [hidden or write_finding("descriptors.descriptors.nothing")]
    strength = ranked.read_figure("cramers_v", where={"descriptor": first}, decimals=2)
    strengths = ranked.frame["cramers_v"].astype(float)
    alike = list_alike(strengths, lambda value: format_number(value, 2))
    sure = ranked.read_figure(
        "set_apart_count",
        how="sum",
        kind="count",
        unit="difference holds|differences hold",
        name="sure_count",
    )
    if len(alike) > MOST_TIED:
        return [write_finding("descriptors.descriptors.alike", [strength, sure])]
    names = [name_feature(name, ranked.labels) for name in ranked.frame.loc[alike, "descriptor"]]
    words = {"descriptor": capitalise(join_words(names))}
    kind = "furthest" if len(names) == 1 else "furthest_of_several"
    if sure.value == 0:
        words = {"descriptor": join_words(names)}
        kind = "by_chance"
    return [write_finding(f"descriptors.descriptors.{kind}", [strength, sure], words=words)]
