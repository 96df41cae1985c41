"""Whether the segments lie apart on the two axes along which customers differ most."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Condition, Figure, Finding
from segkit.core.privacy import Published, Shape
from segkit.features.wording import Labels, name_feature, tell_end
from segkit.report.shared import figures
from segkit.report.shared.extremes import find_ends
from segkit.report.shared.figures import SERIES, chart
from segkit.report.shared.numbers import format_share, join_words, plural
from segkit.report.shared.segment_counts import add_segment_counts
from segkit.report.shared.sentences import explain_absence, write_figure, write_finding
from segkit.report.shared.views import View
from segkit.validation.separation import INSIDE, Separation

# An outline and a centre rest on the customers inside the inner outline.
OUTLINES = View(
    Shape(
        "outlines",
        by=("segment_name", "part", "point"),
        count="inner_count",
        adds_up=False,
        shown=("segment",),
    )
)
CENTRES = View(
    Shape("centres", by=("segment_name",), count="inner_count", adds_up=False, shown=("segment",))
)
OVERLAPS = View(
    Shape(
        "overlaps",
        within=("segment_name",),
        by=("place",),
        wholes=("segment_count", "inner_count"),
        shown=("segment",),
    )
)
SHARE_ENDS = ("share_low", "share_high")
AXES = View(Shape("axes", population="columns", by=("axis",)))


def list_tables(apart: Separation, sizes: Published) -> list[tuple[pd.DataFrame, View]]:
    """Return outlines, centres, overlaps and axes of a projection, each with its view.

    Of a segment whose size is hidden no overlap is shown.
    """
    return [
        (apart.outlines, OUTLINES),
        (apart.centres, CENTRES),
        (add_segment_counts(apart.overlaps, sizes), OVERLAPS),
        (apart.axes, AXES),
    ]


@chart("segment_name", "part", "x", "y")
def plot_separation(
    table,
    *,
    centres: pd.DataFrame,
    overlaps: pd.DataFrame,
    axes: pd.DataFrame,
    labels: Labels | None = None,
    title: str = "Do the segments lie apart?",
) -> Axes:
    """Draw each segment's outlines on the two axes along which customers differ most.

    How to read it: half of a segment's customers lie within its shaded outline, nine tenths within
    its dashed one. Segments whose outlines lie over each other may still differ along directions
    that are not drawn: the axes say how much of all differences they show.
    The four tables are those of a `Separation`.
    """
    ax = figures.new_axes(title, height=5.6)
    named = centres.dropna(subset=["x", "y"]).set_index("segment_name")
    names = list(table["segment_name"].unique())
    for number, name in enumerate(names):
        colour = SERIES[number % len(SERIES)]
        _draw_outlines(ax, table[table["segment_name"] == name], colour)
        ax.plot(named.loc[name, "x"], named.loc[name, "y"], "o", color=colour, markersize=6)
    places = named.loc[names, ["x", "y"]].to_numpy(dtype=float)
    figures.name_points(ax, places, names)
    words = axes["columns"].map(lambda columns: _word_axis(columns, labels))
    words = words + " (" + axes["explained_share"].map(format_share) + " of all differences)"
    x, y = (figures.shorten(text, 88) for text in words)
    ax.set(xticks=[], yticks=[], xlabel=x, ylabel=y)
    said = f"Outlines of {plural(len(names), 'segment')} on two axes: {x}; {y}"
    inside = overlaps[overlaps["place"] == INSIDE].dropna(subset=["share"])
    shares = inside["share"].astype(float).map(format_share).astype(str)  # of none, too
    words = inside["segment_name"] + ": " + shares + " of its customers in another's outline"
    return figures.describe_chart(ax, said, words)


def _word_axis(columns: str, labels: Labels | None) -> str:
    """Say what an axis is made of.

    >>> _word_axis("+order_count, -recency_days, customer_type", None)
    'more orders, a more recent last order, customer type'
    """
    words = []
    for column in columns.split(", "):
        name = column.lstrip("+-")
        if name == column:
            words.append(name_feature(name, labels))
        else:
            words.append(tell_end(name, is_more=column.startswith("+"), labels=labels))
    return ", ".join(words)


def _draw_outlines(ax: Axes, rows: pd.DataFrame, colour: str) -> None:
    """Draw a segment's shaded inner outline, and its dashed outer one."""
    for part, line in rows.groupby("part"):
        x = line["x"].astype(float)
        y = line["y"].astype(float)
        if part == "inner":
            ax.plot(x, y, color=colour, linestyle="-", linewidth=1.8)
            ax.fill(x, y, color=colour, alpha=0.13, linewidth=0)
        else:
            ax.plot(x, y, color=colour, linestyle="--", linewidth=0.9)


def state_separation(axes: Published, overlaps: Published) -> list[Finding]:
    """Say how much the two axes show, and which segments lie over others."""
    if axes.empty:
        return [explain_absence(axes)]
    shown = axes.read_figure("explained_share", how="sum", kind="share")
    told = [write_finding("separation.separation.shown", [shown])]
    frame = overlaps.frame
    known = frame[frame["place"] == INSIDE].dropna(subset=["share"]).set_index("segment_name")
    if len(known) > 1:
        told.append(_state_ends(overlaps, known["share"].astype(float)))
    return told


def _state_ends(overlaps: Published, shares: pd.Series) -> Finding:
    """Say which segments lie most apart and which least, or that all lie alike.

    ``shares`` is, by segment, the share of its customers inside another segment's outline.
    """
    ends = {"least": shares.idxmin(), "most": shares.idxmax()}
    interval = SHARE_ENDS if set(SHARE_ENDS) <= set(overlaps.frame) else None
    read = []
    words = {}
    for name, segment in ends.items():
        is_here = [Condition("place", "==", INSIDE), Condition("segment_name", "==", segment)]
        is_alike = [Condition("place", "==", INSIDE), Condition("share", "==", shares[segment])]
        read += [
            overlaps.read_figure(
                "share", where=is_here, kind="share", name=f"{name}_share", interval=interval
            ),
            overlaps.read_figure(
                "segment_count", where=is_alike, how="sum", kind="count", name=f"{name}_count"
            ),
        ]
        words[name] = join_words(list(shares.index[shares == shares[segment]]))
        words[f"{name}_interval"] = _write_interval(read[-2])
    least, _, most, count = read
    if write_figure(least) == write_figure(most):
        return write_finding("separation.separation.alike", [least], count=count)
    judged = _judge_ends(overlaps)
    read = [replace(figure, carried=judged.get(figure.name)) for figure in read]
    kind = "ends_by_few" if any(judged.values()) else "ends"
    return write_finding(f"separation.separation.{kind}", read, words=words)


def _write_interval(share: Figure) -> str:
    """Write the interval of a share beside it; nothing where there is none."""
    if share.low is None or share.high is None:
        return ""
    part = write_finding("separation.separation.interval", [replace(share, name="share")])
    return f"{part.text}, "


def _judge_ends(overlaps: Published) -> dict[str, bool | None]:
    """Return whether two customers make which segment lies most, and which least, apart."""

    def read(row: pd.Series, name: str) -> Figure:
        where = {"segment_name": row["segment_name"], "place": INSIDE}
        return overlaps.read_figure("share", where=where, kind="share", name=name)

    rows = overlaps.frame.index[overlaps.frame["place"] == INSIDE]
    ends = find_ends(overlaps, "share", read, rows=rows, names=("most_share", "least_share"))
    return {} if ends is None else {end.figure.name: not end.stands for end in ends}
