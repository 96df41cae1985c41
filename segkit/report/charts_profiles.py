"""Finished tables on what sets segments apart -> matplotlib Axes; see :mod:`charts`."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, GREY, MUTED, ORANGE, SERIES, TRACK, chart
from segkit.report.shared.numbers import format_number, format_share, plural

PALE = "#c4ccd3"
# Pearson residuals beyond 2 and 4 are shaded (Friendly 1994): far fewer, fewer, more, far more.
SHADES = ["#c67a3f", "#f0d3b8", "#f1f3f5", "#bcd8ea", "#5b9bc6"]
STEPS = [-4, -2, 2, 4]


@chart("feature", "segment_name", values=["mean", "base_mean", "difference_sd", "is_marker"])
def plot_profile_panels(
    table: pd.DataFrame, *, title: str = "What each segment is known by"
) -> Axes:
    """Draw one panel a segment: its columns against all customers, the markers in colour.

    How to read it: a bar to the right is above all customers, to the left below. Blue bars are
    markers, the columns that a segment is known by, and carry the segment's mean; grey bars are
    not. Where all columns are zeros and ones, bars are shares and the dark line is that of all.
    The table is what `profile_segments` returned, or some of its features.
    """
    names, features = list(table["segment_name"].unique()), list(table["feature"].unique())[::-1]
    across = min(len(names), 3)
    down = -(-len(names) // across)
    height = 0.9 + down * (0.55 + 0.21 * len(features))
    panels = figures.new_axes(title, height=height, columns=across, rows=down)
    panels = np.atleast_1d(panels).ravel()
    shares = bool(table["is_binary"].all()) if "is_binary" in table else False
    value = "mean" if shares else "difference_sd"
    reach = table[value].abs().max()
    reach, said = (reach if np.isfinite(reach) and reach > 0 else 1.0), []
    for ax, name in zip(panels, names, strict=False):
        own = table[table["segment_name"] == name].drop_duplicates("feature")
        rows = own.set_index("feature").reindex(features)
        marked = rows["is_marker"].fillna(False).to_numpy(bool)
        colours = np.where(marked, BLUE, PALE)
        ax.barh(range(len(rows)), rows[value].fillna(0), color=colours, height=0.66)
        if shares:
            ax.plot(rows["base_mean"], range(len(rows)), "|", color="black", markersize=9)
        ax.axvline(0, color=GREY, linewidth=1)
        for y, (_, row) in enumerate(rows.iterrows()):
            if marked[y]:
                _label_bar(ax, y, row, value)
        figures.name_rows(ax, [feature.replace("_", " ") for feature in features])
        ax.set_xlim(0 if shares else -1.45 * reach, 1.45 * reach)
        ax.set_title("\n".join(textwrap.wrap(figures.shorten(name, 60), 25)), fontsize=9.5)
        words = [
            f"{f.replace('_', ' ')} {_write_mean(r)}" for f, r in rows[marked][::-1].iterrows()
        ]
        said.append(f"{name}: {', '.join(words) or 'no markers'}")
    for ax in panels[len(names) :]:
        ax.set_axis_off()
    unit = "share of customers" if shares else "standard deviations from the mean of all customers"
    panels[0].figure.supxlabel(f"{unit}; blue: markers", fontsize=9, color=MUTED)
    start = f"{plural(len(names), 'panel')} of {plural(len(features), 'column')}. Markers"
    return figures.describe_chart(panels[0], f"{start}: {'; '.join(said)}")


def _label_bar(ax: Axes, y: int, row: pd.Series, value: str) -> None:
    side = -1 if row[value] < 0 else 1
    place = {"xytext": (3 * side, 0), "textcoords": "offset points", "va": "center"}
    look = {"ha": "left" if side > 0 else "right", "fontsize": 8}
    ax.annotate(_write_mean(row), (row[value], y), **place, **look)


def _write_mean(row: pd.Series) -> str:
    share = bool(row.get("is_binary", False)) or row.get("unit") == "share"
    return figures.write_value(row["mean"], "share" if share else "number")


@chart("segment_name", "part", "x", "y")
def plot_separation(
    table: pd.DataFrame,
    *,
    centres: pd.DataFrame,
    axes: pd.DataFrame,
    title: str = "Do the segments lie apart?",
) -> Axes:
    """Draw each segment's outlines on the two axes along which customers differ most.

    How to read it: half of a segment's customers lie within its shaded outline, nine tenths within
    its dashed one. Segments whose outlines lie over each other may still differ along directions
    that are not drawn: the axes say how much of all differences they show.
    The three tables are those of a `Separation`.
    """
    ax, points = figures.new_axes(title, height=5.6), []
    for number, (name, rows) in enumerate(table.groupby("segment_name", sort=False)):
        colour = SERIES[number % len(SERIES)]
        for part, line in rows.groupby("part"):
            inner = part == "inner"
            look = {"linestyle": "-" if inner else "--", "linewidth": 1.8 if inner else 0.9}
            ax.plot(line["x"], line["y"], color=colour, **look)
            if inner:
                ax.fill(line["x"], line["y"], color=colour, alpha=0.13, linewidth=0)
        centre = centres[centres["segment_name"] == name].iloc[0]
        ax.plot(centre["x"], centre["y"], "o", color=colour, markersize=6)
        points.append((centre["x"], centre["y"], name))
    places = np.array([point[:2] for point in points], dtype=float)
    figures.name_points(ax, places, [point[2] for point in points])
    labels = axes["label"] + " (" + axes["explained_share"].map(format_share)
    labels = [figures.shorten(text, 88) for text in labels + " of all differences)"]
    ax.set(xticks=[], yticks=[], xlabel=labels[0], ylabel=labels[1])
    said = f"Outlines of {plural(len(points), 'segment')} on two axes: {labels[0]}; {labels[1]}"
    shares = centres["overlap_share"].map(format_share).where(centres["overlap_share"].notna())
    words = centres["segment_name"] + ": " + shares + " of its customers in another's outline"
    return figures.describe_chart(ax, said, words.dropna())


@chart("segment_name", "value", values=["share", "residual", "segment_count"])
def plot_mosaic(table: pd.DataFrame, *, descriptor: str = "", title: str = "Mosaic") -> Axes:
    """Draw a descriptor's levels by segment as tiles, coloured where they differ from chance.

    How to read it: a stripe is a segment, as wide as it is large; a tile is as high as the level's
    share of the segment. Blue tiles are more, brown tiles fewer than if the descriptor had nothing
    to do with the segments: pale for a Pearson residual beyond two, dark beyond four (Friendly
    1994, *JASA* 89). Hatched tiles hold levels too small to be shown.
    The table is what `count_descriptor` returned.
    """
    names, levels = list(table["segment_name"].unique()), list(table["value"].unique())
    counts = table.drop_duplicates("segment_name").set_index("segment_name")["segment_count"]
    widths, left, most = counts / counts.sum(), 0.0, []
    ax = figures.new_axes(title, height=4.8)
    for name in names:
        rows = table[table["segment_name"] == name].set_index("value").reindex(levels)
        width, bottom = widths[name], 0.0
        for level, row in rows[rows["share"] > 0][::-1].iterrows():
            shade = SHADES[int(np.searchsorted(STEPS, row["residual"]))]
            _draw_tile(ax, left, bottom, width, row["share"], color=shade)
            if row["share"] > 0.04 and width > 0.04:
                text = figures.shorten(level, max(4, int(92 * width)))
                text += ("\n" if row["share"] > 0.09 else " ") + format_share(row["share"], 0)
                look = {"ha": "center", "va": "center", "fontsize": 7.5}
                ax.text(left + width / 2, bottom + row["share"] / 2, text, **look)
            bottom += row["share"]
        if bottom < 0.9999:
            look = {"color": TRACK, "hatch": "////"}
            _draw_tile(ax, left, bottom, width, 1 - bottom, **look)
        label = "\n".join(textwrap.wrap(figures.shorten(name, 44), max(10, int(80 * width))))
        ax.text(left + width / 2, -0.015, label, ha="center", va="top", fontsize=8)
        left += width
        strongest = rows["residual"].abs().max()
        if np.isfinite(strongest):
            level = rows["residual"].abs().idxmax()
            figure = format_number(rows.loc[level, "residual"], 1)
            most.append(f"{name}: {level}, residual {figure}")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.text(0, -0.16, " ", va="top")  # keeps the room for names of several lines
    ax.set_axis_off()
    words = f"{descriptor.replace('_', ' ')}: " if descriptor else ""
    figures.name_values(ax, f"{words}blue more, brown fewer than by chance; hatched not shown")
    said = f"Mosaic of {plural(len(levels), 'level')} by {plural(len(names), 'segment')}"
    return figures.describe_chart(ax, f"{said}. Strongest of each: {'; '.join(most)}")


def _draw_tile(ax: Axes, left: float, bottom: float, width: float, height: float, **look) -> None:
    place = {"x": left, "width": width, "bottom": bottom, "align": "edge"}
    ax.bar(height=height, edgecolor="white", linewidth=1.5, **place, **look)


@chart("question_count", "question", "accuracy", values=["accuracy_low", "accuracy_high"])
def plot_quiz(
    table: pd.DataFrame,
    *,
    baseline: float,
    wanted: float,
    asked: int = 0,
    title: str = "How many questions place a newcomer?",
) -> Axes:
    """Draw the accuracy by number of questions, with its interval.

    How to read it: each row adds one question to those above it. A dot is the share of unseen
    customers placed rightly, the line its interval. The quiz ends at the first dot, in orange, that
    reaches the accuracy wanted; the other dashed line is what guessing the largest segment reaches.
    The table is the steps of a `Quiz`; ``asked`` is how many questions the quiz has.
    """
    rows = table.sort_values("question_count", ascending=False)
    ends = rows["question_count"].to_numpy() == asked
    names = rows["question_count"].map("{:.0f}. ".format) + rows["question"].str.replace("_", " ")
    ax = figures.new_axes(title, height=1.4 + 0.36 * len(rows))
    colours = np.where(ends, ORANGE, BLUE)
    ax.hlines(range(len(rows)), rows["accuracy_low"], rows["accuracy_high"], color=colours)
    ax.scatter(rows["accuracy"], range(len(rows)), s=60, color=colours, zorder=3)
    figures.name_rows(ax, names, bold=ends)
    for place, word in ((baseline, "guessing"), (wanted, "wanted")):
        ax.axvline(place, color=GREY, linestyle=(0, (3, 3)), linewidth=1.2)
        text = f"{word} {format_share(place)}"
        ax.text(place, len(rows) - 0.35, text, ha="center", fontsize=8.5, color=MUTED)
    for y, (_, row) in enumerate(rows.iterrows()):
        place = {"xytext": (8, 0), "textcoords": "offset points", "va": "center"}
        look = {"fontsize": 9, "bbox": {"color": "white", "pad": 1}}
        text = format_share(row["accuracy"])
        ax.annotate(text, (row["accuracy_high"], y), **place, **look)
    ax.set_xlim(0, 1.08)
    ax.set_xlabel("share of unseen customers placed rightly, with its 95% interval")
    texts = names.str.cat(rows["accuracy"].map(format_share), sep=": ")
    said = f"Accuracy by number of questions; guessing reaches {format_share(baseline)}, "
    return figures.describe_chart(ax, f"{said}wanted is {format_share(wanted)}", texts.iloc[::-1])
