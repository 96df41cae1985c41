"""Charts of the evidence: do segments hold, how do they part, and which to aim at.

They follow the rules of `segkit.report.shared.charts`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, GREY, MUTED, ORANGE, TRACK, chart
from segkit.report.shared.numbers import format_share, plural


@chart("segment_count", "stability", values=["stability_low", "stability_high"])
def plot_stability(table: pd.DataFrame, *, title: str = "Stability by number of segments") -> Axes:
    """Draw how far bootstrap solutions agree, for each number of segments, and on shuffled columns.

    How to read it: the blue line is the median agreement of pairs of solutions (1 is full, 0 is
    chance), the band holds the middle half of the pairs; grey is the same on data in which nothing
    hangs together. Only what lies clearly above grey speaks for a structure.
    The table has a row a number of segments: ``segment_count``, ``stability``, ``stability_low``,
    ``stability_high``, ``reference_stability``.
    """
    rows = table.sort_values("segment_count")
    counts = rows["segment_count"].to_numpy()
    ax = figures.new_axes(title, height=3.4)
    ax.fill_between(counts, rows["stability_low"], rows["stability_high"], color=BLUE, alpha=0.16)
    ax.plot(counts, rows["stability"], color=BLUE, marker="o")
    ends = [(rows["stability"].iloc[-1], "the customers", BLUE)]
    reference = rows.get("reference_stability", pd.Series(np.nan, rows.index)).astype(float)
    if reference.notna().any():
        ax.plot(counts, reference, color=GREY, marker="s", linestyle=(0, (3, 2)))
        ends.append((reference.dropna().iloc[-1], "shuffled columns", MUTED))
    ax.set(ylim=(min(0, reference.min(), rows["stability_low"].min()), 1.04))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("number of segments")
    ax.grid(True, axis="y")
    figures.name_ends(ax, ends)
    figures.name_values(ax, "adjusted Rand index of pairs of bootstrap solutions")
    texts = (
        rows["segment_count"].astype(str) + " segments: " + rows["stability"].map("{:.2f}".format)
    )
    told = reference.map("{:.2f}".format).where(reference.notna(), "not measured")
    return figures.describe_chart(ax, "Stability", texts + ", shuffled columns " + told)


@chart("segment_name", "jaccard", values=["jaccard_low", "jaccard_high", "rating"])
def plot_segment_stability(
    table: pd.DataFrame, *, title: str = "Is each segment found again?"
) -> Axes:
    """Draw the mean Jaccard coefficient of each segment, with the middle half of the solutions.

    How to read it: to the right of .75 a segment is stable, to the left of .60 it is not to be
    trusted (orange). The line spans the middle half of the bootstrap solutions.
    The table has a row a segment: ``segment_name``, ``jaccard``, ``jaccard_low``,
    ``jaccard_high``, ``rating``.
    """
    rows = table.iloc[::-1]
    weak = rows["rating"].isin(["dissolved", "do not trust"]).to_numpy()
    colours = np.where(weak, ORANGE, BLUE)
    ax = figures.new_axes(title, height=1.2 + 0.36 * len(rows))
    track = ax.barh(range(len(rows)), 1, color=TRACK, height=0.04)
    texts = rows["jaccard"].map("{:.2f}".format) + ", " + rows["rating"].astype(str)
    ax.bar_label(track, texts, padding=10)
    ax.hlines(range(len(rows)), rows["jaccard_low"], rows["jaccard_high"], colors=colours, lw=3)
    ax.scatter(rows["jaccard"], range(len(rows)), c=colours, s=64, zorder=3, clip_on=False)
    for limit in (0.60, 0.75):
        ax.axvline(limit, color=GREY, linestyle=(0, (3, 3)), linewidth=1)
        place = (limit, len(rows) - 0.4)
        ax.text(*place, f"{limit:.2f}", ha="center", va="bottom", fontsize=8.5, color=MUTED)
    ax.set_xlim(0, 1)
    figures.name_rows(ax, rows["segment_name"])
    figures.name_values(ax, "Jaccard coefficient with the nearest segment of bootstrap solutions")
    said = rows["segment_name"].astype(str) + ": " + texts
    return figures.describe_chart(ax, "Stability of each segment", said.iloc[::-1])


@chart("segment_count", "segment", values=["customer_share", "change", "flows"])
def plot_paths(table: pd.DataFrame, *, title: str = "How segments part and merge") -> Axes:
    """Draw the segments of each number of segments, and who goes where, as bands.

    How to read it: a column is a solution, a box a segment, as high as its share of customers. A
    band that goes on whole is a segment that stays; an orange box draws its customers from several
    segments of the column before, which a real segment seldom does.
    The table has a row a segment of a solution: ``segment_count``, ``segment``,
    ``customer_share``, ``change`` and ``flows``, a dict from the segment before to the share of
    all customers that comes from it.
    """
    rows = table.sort_values(["segment_count", "segment"], kind="stable")
    counts = rows["segment_count"].unique()
    gap, width, tops, ends = 0.025, 0.12, {}, {}
    ax = figures.new_axes(title, height=4.6)
    for place, count in enumerate(counts):
        top = 0.0
        for row in rows[rows["segment_count"] == count].itertuples():
            tops[place, row.segment] = top
            bottom = top - row.customer_share
            merged = row.change == "merges"
            box = (place, -row.customer_share)
            ax.bar(box[0], box[1], width, top, color=ORANGE if merged else BLUE, zorder=3)
            ax.annotate(
                str(row.segment), (place, (top + bottom) / 2), color="white", ha="center",
                va="center", fontweight="bold", zorder=4, fontsize=9,
            )  # fmt: skip
            begin = top
            for source, share in sorted(row.flows.items()):
                start = ends.get((place - 1, source), tops[place - 1, source])
                ends[place - 1, source] = start - share
                _draw_band(ax, (place - 1 + width / 2, start), (place - width / 2, begin), share)
                begin -= share
            top = bottom - gap
    lowest = -1 - gap * rows["segment_count"].max()
    ax.set(xlim=(-0.4, len(counts) - 0.6), ylim=(lowest, 0.03), yticks=[])
    ax.set_xticks(range(len(counts)), [f"{count} segments" for count in counts])
    ax.spines[:].set_visible(False)
    figures.name_values(ax, "height: share of customers; orange: drawn from several segments")
    said = [
        f"{row.segment_count} segments, number {row.segment}: {format_share(row.customer_share, 0)}"
        f" of customers{', ' + row.change if row.change else ''}"
        for row in rows.itertuples()
    ]
    return figures.describe_chart(ax, f"Paths through {plural(len(counts), 'solution')}", said)


def _draw_band(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], share: float
) -> None:
    (x0, y0), (x1, y1) = start, end
    middle = (x0 + x1) / 2
    corners = [(x0, y0), (middle, y0), (middle, y1), (x1, y1)]
    back = [(x1, y1 - share), (middle, y1 - share), (middle, y0 - share), (x0, y0 - share)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
    band = Path([*corners, *back], codes)
    ax.add_patch(PathPatch(band, facecolor=GREY, alpha=0.35, linewidth=0))
