"""Do the segments hold: the whole, each segment, paths between solutions, and columns left out?"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from segkit.core.findings import Condition, Figure, Finding
from segkit.core.measures import LABEL
from segkit.core.privacy import Published, Shape
from segkit.features.wording import name_feature
from segkit.report.shared import figures
from segkit.report.shared.extremes import list_alike
from segkit.report.shared.figures import BLUE, GREY, MUTED, ORANGE, TRACK, chart
from segkit.report.shared.numbers import format_number, format_share, join_words, plural
from segkit.report.shared.sentences import write_figure, write_finding
from segkit.report.shared.views import Column, View
from segkit.validation.stability import STABLE

# How often a segment is found again is no amount of its customers.
RATINGS = View(
    Shape(
        "ratings",
        by=("segment",),
        shown=("scheme", "segment_count", "segment_name"),
        measures=dict.fromkeys(("jaccard", "jaccard_low", "jaccard_high"), LABEL)
        | {"dissolved_share": LABEL},
    )
)
NODES = View(
    Shape(
        "paths",
        by=("segment",),
        within=("segment_count",),
        shown=("segment_name",),
        measures={"entropy": LABEL, "continuity": LABEL},
    )
)
FLOWS = View(Shape("flows", by=("segment_before", "segment"), within=("segment_count",)))
LEFT_OUT = View(
    Shape("columns_left_out", population="columns", by=("column",)),
    {
        "column": Column("Column left out", "feature"),
        "agreement": Column("Agreement with all columns"),
        "stability": Column("Stability without it"),
        "stability_with_all": Column("Stability with all"),
    },
)
CONFIDENCE = View(Shape("confidence", by=("confidence",)))
# Of the paths' picture: between boxes, and how wide they are.
GAP = 0.025
BOX_WIDTH = 0.12
TWO_DECIMALS = partial(format_number, decimals=2)
# Of one segment and of several.
CHANGES = {
    "stays": ("stays as it is", "stay as they are"),
    "splits off": ("splits off", "split off"),
    "merges": ("is a new mixture", "are new mixtures"),
}


@chart("segment_count", "stability", values=["stability_low", "stability_high"])
def plot_stability(table: pd.DataFrame, *, title: str = "Stability by number of segments") -> Axes:
    """Draw how far bootstrap solutions agree, for each number of segments, and without groups.

    How to read it: the blue line is the median agreement of pairs of solutions (1 is full, 0 is
    chance), the band holds the middle half of the pairs; grey is the same on data without groups
    that depend as these do. A blue line no higher than grey is stable for another reason than that
    customers form groups.
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
        ends.append((reference.dropna().iloc[-1], "without groups", MUTED))
    ax.set(ylim=(min(0, reference.min(), rows["stability_low"].min()), 1.04))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("number of segments")
    ax.grid(True, axis="y")
    figures.name_ends(ax, ends)
    figures.name_values(ax, "adjusted Rand index of pairs of bootstrap solutions")
    counted = rows["segment_count"].astype(str) + " segments: "
    texts = counted + rows["stability"].map(TWO_DECIMALS)
    told = reference.map(TWO_DECIMALS).where(reference.notna(), "not measured")
    return figures.describe_chart(ax, "Stability", texts + ", without groups " + told)


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
    texts = rows["jaccard"].map(TWO_DECIMALS) + ", " + rows["rating"].astype(str)
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


@chart("segment_count", "segment", values=["customer_share", "change"])
def plot_paths(
    table: pd.DataFrame,
    *,
    flows: pd.DataFrame | None = None,
    title: str = "How segments part and merge",
) -> Axes:
    """Draw the segments of each number of segments, and who goes where, as bands.

    How to read it: a column is a solution, a box a segment, as high as its share of customers. A
    band that goes on whole is a segment that stays; an orange box draws its customers from several
    segments of the column before, which a real segment seldom does.
    The table has a row a segment of a solution: ``segment_count``, ``segment``,
    ``customer_share`` and ``change``. ``flows`` has a row a segment and segment before:
    ``segment_count``, ``segment``, ``segment_before`` and ``customer_share``, of all customers.
    """
    rows = table.sort_values(["segment_count", "segment"], kind="stable")
    counts = rows["segment_count"].unique()
    ax = figures.new_axes(title, height=4.6)
    tops = _draw_boxes(ax, rows)
    if flows is not None:
        _draw_flows(ax, flows, tops)
    lowest = -1 - GAP * rows["segment_count"].max()
    ax.set(xlim=(-0.4, len(counts) - 0.6), ylim=(lowest, 0.03), yticks=[])
    ax.set_xticks(range(len(counts)), [f"{count} segments" for count in counts])
    ax.spines[:].set_visible(False)
    figures.name_values(ax, "height: share of customers; orange: drawn from several segments")
    said = [_describe_node(row) for row in rows.itertuples()]
    return figures.describe_chart(ax, f"Paths through {plural(len(counts), 'solution')}", said)


def _describe_node(row: tuple) -> str:
    name = f"{row.segment_count} segments, number {row.segment}"
    if pd.isna(row.customer_share):
        return f"{name}: not shown"
    change = f", {row.change}" if row.change else ""
    return f"{name}: {format_share(row.customer_share)} of customers{change}"


def _draw_boxes(ax: Axes, rows: pd.DataFrame) -> dict[tuple[int, int], tuple[int, float]]:
    """Draw a box a segment; return its column's place and its top, by solution and segment."""
    tops = {}
    for place, count in enumerate(rows["segment_count"].unique()):
        top = 0.0
        for row in rows[rows["segment_count"] == count].itertuples():
            if pd.isna(row.customer_share):
                continue
            tops[count, row.segment] = (place, top)
            colour = ORANGE if row.change == "merges" else BLUE
            ax.bar(place, -row.customer_share, BOX_WIDTH, top, color=colour, zorder=3)
            ax.annotate(
                str(row.segment),
                (place, top - row.customer_share / 2),
                color="white",
                ha="center",
                va="center",
                fontweight="bold",
                zorder=4,
                fontsize=9,
            )
            top -= row.customer_share + GAP
    return tops


def _draw_flows(
    ax: Axes, flows: pd.DataFrame, tops: dict[tuple[int, int], tuple[int, float]]
) -> None:
    """Draw a band for each flow between two boxes, from the top of each downwards."""
    counts = sorted({count for count, _ in tops})
    known = flows.dropna(subset=["customer_share"])
    known = known.sort_values(["segment_count", "segment", "segment_before"], kind="stable")
    leaving = {}
    arriving = {}
    for row in known.itertuples():
        earlier = [count for count in counts if count < row.segment_count]
        source = (earlier[-1] if earlier else None, row.segment_before)
        target = (row.segment_count, row.segment)
        if source not in tops or target not in tops:
            continue
        source_place, source_top = tops[source]
        target_place, target_top = tops[target]
        start = leaving.get(source, source_top)
        end = arriving.get(target, target_top)
        left = (source_place + BOX_WIDTH / 2, start)
        right = (target_place - BOX_WIDTH / 2, end)
        _draw_band(ax, left, right, row.customer_share)
        leaving[source] = start - row.customer_share
        arriving[target] = end - row.customer_share


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


def state_ratings(ratings: Published) -> list[Finding]:
    """Say which segments are found again and which are not; of hidden ones nothing."""
    frame = ratings.frame
    known = frame.dropna(subset=["jaccard"])
    weak = known[known["jaccard"] < STABLE]
    if len(weak):
        return [_state_weak(ratings, row) for row in weak.to_dict("records")]
    if known.empty:
        return []
    least = known.loc[known["jaccard"].idxmin(), "segment"]
    place = {"segment": int(least)}
    interval = ("jaccard_low", "jaccard_high")
    figures = [
        ratings.read_figure("jaccard", where=place, interval=interval, decimals=2),
        ratings.read_figure("customer_count", where=place, kind="count"),
    ]
    sentence = "all_of_those_shown" if frame["jaccard"].isna().any() else "all"
    return [write_finding(f"stability.ratings.{sentence}", figures)]


def _state_weak(ratings: Published, row: dict[str, object]) -> Finding:
    place = {"segment": int(row["segment"])}
    return write_finding(
        "stability.ratings.weak",
        [
            ratings.read_figure("jaccard", where=place, decimals=2),
            ratings.read_figure("dissolved_share", where=place, kind="share", decimals=0),
        ],
        count=ratings.read_figure("customer_count", where=place),
        words={"segment_name": row["segment_name"], "rating": row["rating"]},
    )


def state_paths(nodes: Published) -> list[Finding]:
    """Say of each further number of segments which segments stay, split off or merge."""
    frame = nodes.frame.dropna(subset=["continuity"])
    return [_state_step(nodes, int(count), own) for count, own in frame.groupby("segment_count")]


def _state_step(nodes: Published, count: int, own: pd.DataFrame) -> Finding:
    told = []
    parts = []
    for change, (of_one, of_several) in CHANGES.items():
        if change not in set(own["change"]):
            continue
        changed = [Condition("segment_count", "==", count), Condition("change", "==", change)]
        figure = nodes.read_figure("segment", where=changed, how="rows", kind="count")
        told.append(figure)
        verb = of_one if figure.value == 1 else of_several
        parts.append(f"{write_figure(figure)} of them {verb}")
    worst = own.loc[own["continuity"].idxmin()]
    place = {"segment_count": count, "segment": int(worst["segment"])}
    return write_finding(
        "stability.paths.step",
        [
            nodes.read_figure("segment_count", where=place, kind="count"),
            nodes.read_figure("continuity", where=place, decimals=2),
            *told,
        ],
        words={"changes": join_words(parts), "segment_name": worst["segment_name"]},
    )


def state_columns(left_out: Published) -> list[Finding]:
    """Say which column the segments hang on most."""
    told = []
    ranked = left_out.frame.sort_values("agreement", kind="stable")
    values = ranked["agreement"].astype(float)
    alike = list_alike(values, lambda value: format_number(value, 2))
    worst = ranked.loc[alike] if len(alike) == 1 else ranked.head(0)
    for column in worst["column"]:
        figure = left_out.read_figure("agreement", where={"column": column}, decimals=2)
        words = {"column": name_feature(column, left_out.labels)}
        told.append(write_finding("stability.columns.hang_on", [figure], words=words))
    return told


def state_confidence(confidence: Published) -> list[Finding]:
    """Say how many customers keep their segment in the bootstrap solutions.

    ``confidence`` is that of `segkit.validation.stability.count_confidence`. Nothing is said where
    the shares are hidden.
    """
    sure = _read_confidence(confidence, "sure", decimals=0)
    unsure = _read_confidence(confidence, "unsure")
    if sure.value is None and unsure.value is None:
        return []
    sentence = "both"
    if unsure.value is None:
        sentence = "sure"
    elif sure.value is None:
        sentence = "unsure"
    told = [figure for figure in (sure, unsure) if figure.value is not None]
    return [write_finding(f"stability.confidence.{sentence}", told)]


def _read_confidence(confidence: Published, level: str, *, decimals: int | None = None) -> Figure:
    return confidence.read_figure(
        "customer_share",
        where={"confidence": level},
        kind="share",
        decimals=decimals,
        name=f"{level}_share",
    )
