"""What sets each segment apart: its means beside those of all customers."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Condition, Figure, Finding
from segkit.core.privacy import Published, Shape
from segkit.features.wording import Labels, capitalise, name_feature, tell_end
from segkit.profiles.segment_profiles import keep_own_differences
from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, GREY, MUTED, chart
from segkit.report.shared.numbers import (
    format_number,
    format_share,
    join_words,
    plural,
    write_ranges,
)
from segkit.report.shared.sentences import explain_absence, explain_silence, write_finding
from segkit.report.shared.views import Column, View, reshape_published

PALE = "#c4ccd3"
LIKE_EVERYBODY_SD = 0.2
MADE = "made the segments"
HOLDS = "holds after correction"
CHANCE = "may be chance"
PROFILE = View(
    Shape(
        "profile",
        within=("feature",),
        by=("segment_name",),
        count="known_count",
        wholes=("segment_count", "base_count"),
        shown=("segment", "unit", "by_construction"),
    )
)
DIFFERENCES = View(
    PROFILE.shape,
    {
        "segment_name": Column("Segment"),
        "feature": Column("Column", "feature"),
        "mean_text": Column("Mean"),
        "base_text": Column("Mean of all"),
        "effect_size": Column("Effect size"),
        "interval": Column("95% interval"),
        "evidence": Column("Evidence"),
    },
)


@chart("feature", "segment_name", values=["mean", "base_mean", "difference_sd", "is_marker"])
def plot_profile_panels(
    table, *, labels: Labels | None = None, title: str = "What each segment is known by"
) -> Axes:
    """Draw one panel a segment: its columns against all customers, the markers in colour.

    How to read it: a bar to the right is above all customers, to the left below. Blue bars are
    markers, the columns that a segment is known by, and carry the segment's mean; grey bars are
    not. Where all columns are zeros and ones, bars are shares and the dark line is that of all.
    The table is what `profile_segments` returned, or some of its features.
    """
    names = list(table["segment_name"].unique())
    features = list(table["feature"].unique())[::-1]
    across = min(len(names), 3)
    down = -(-len(names) // across)
    height = 0.9 + down * (0.55 + 0.21 * len(features))
    panels = figures.new_axes(title, height=height, columns=across, rows=down)
    panels = np.atleast_1d(panels).ravel()
    shares = bool(table["is_binary"].dropna().all()) if "is_binary" in table else False
    value = "mean" if shares else "difference_sd"
    reach = float(table[value].abs().max())
    if not np.isfinite(reach) or reach == 0:
        reach = 1.0
    said = []
    for ax, name in zip(panels, names, strict=False):
        own = table[table["segment_name"] == name].drop_duplicates("feature")
        rows = own.set_index("feature").reindex(features)
        _draw_panel(ax, rows, value, labels)
        ax.set_xlim(0 if shares else -1.45 * reach, 1.45 * reach)
        ax.set_title("\n".join(textwrap.wrap(figures.shorten(name, 60), 25)), fontsize=9.5)
        said.append(f"{name}: {_list_markers(rows, value, labels)}")
    for ax in panels[len(names) :]:
        ax.set_axis_off()
    unit = "share of customers" if shares else "standard deviations from the mean of all customers"
    panels[0].figure.supxlabel(f"{unit}; blue: markers", fontsize=9, color=MUTED)
    start = f"{plural(len(names), 'panel')} of {plural(len(features), 'column')}. Markers"
    return figures.describe_chart(panels[0], f"{start}: {'; '.join(said)}")


def _draw_panel(ax: Axes, rows: pd.DataFrame, value: str, labels: Labels | None) -> None:
    """Draw one segment's bars; what is hidden has none."""
    marked = _find_markers(rows)
    bars = rows[value].astype(float)
    places = range(len(rows))
    ax.barh(places, bars.fillna(0), color=np.where(marked, BLUE, PALE), height=0.66)
    if value == "mean":
        ax.plot(rows["base_mean"].astype(float), places, "|", color="black", markersize=9)
    ax.axvline(0, color=GREY, linewidth=1)
    for place in np.flatnonzero(marked):
        side = -1 if bars.iloc[place] < 0 else 1
        ax.annotate(
            _write_panel_mean(rows.iloc[place]),
            (bars.iloc[place], place),
            xytext=(3 * side, 0),
            textcoords="offset points",
            va="center",
            ha="left" if side > 0 else "right",
            fontsize=8,
        )
    figures.name_rows(ax, [capitalise(name_feature(feature, labels)) for feature in rows.index])


def _find_markers(rows: pd.DataFrame) -> np.ndarray:
    return rows["is_marker"].astype("boolean").fillna(False).to_numpy(bool)


def _list_markers(rows: pd.DataFrame, value: str, labels: Labels | None) -> str:
    """Say which columns mark a segment, or that it is not shown."""
    if rows[value].isna().all():
        return "not shown"
    marked = rows[_find_markers(rows)][::-1]
    words = [
        f"{name_feature(name, labels)} {_write_panel_mean(row)}" for name, row in marked.iterrows()
    ]
    return ", ".join(words) or "no markers"


def _write_panel_mean(row: pd.Series) -> str:
    is_share = bool(row.get("is_binary", False)) or row.get("unit") == "share"
    return figures.write_value(row["mean"], "share" if is_share else "number")


def keep_top(profile: Published, *, count: int) -> Published:
    """Return the features of each segment that differ most, ``count`` of them, for a chart."""
    return profile.keep(keep_own_differences(profile.frame, count=count))


def list_differences(profile: Published, *, count: int) -> Published:
    """Return each segment's largest differences, with the interval and the evidence in words."""
    rows = profile.frame.dropna(subset=["effect_size"])
    order = rows["effect_size"].astype(float).abs()
    rows = rows.loc[order.sort_values(ascending=False, kind="stable").index]
    rows = rows.groupby("segment", sort=True).head(count)
    rows = rows.sort_values("segment", kind="stable", ignore_index=True)
    means = zip(rows["mean"], rows["base_mean"], rows["unit"], strict=True)
    texts = [(_write_mean(mean, unit), _write_mean(base, unit)) for mean, base, unit in means]
    table = rows.assign(
        mean_text=[own for own, _ in texts],
        base_text=[base for _, base in texts],
        interval=write_ranges(rows["effect_low"], rows["effect_high"], _write_effect),
        evidence=name_evidence(rows),
    )
    return reshape_published(profile, table, DIFFERENCES)


def _write_effect(end: float) -> str:
    return format_number(end, 2)


def _write_mean(mean: float, unit: str) -> str:
    """Write a mean with the decimals that it needs: columns of one table differ in unit."""
    if unit == "share":
        return format_share(mean)
    if abs(mean) >= 1000:
        return format_number(mean)
    return format_number(mean, 1 if abs(mean) >= 10 else 2)


def name_evidence(rows: pd.DataFrame) -> np.ndarray:
    """Say of each comparison what may be concluded."""
    is_made = rows["by_construction"].astype("boolean").fillna(False).to_numpy(bool)
    is_sure = rows["set_apart"].astype("boolean").fillna(False).to_numpy(bool)
    return np.select([is_made, is_sure], [MADE, HOLDS], CHANCE)


def describe_differences(
    profile: Published, segment_name: str, *, count: int
) -> tuple[str, list[Figure]]:
    """Say in what a segment lies furthest from all customers, with the figures.

    Two features that say the same are told once, by the one that lies further.
    """
    frame = profile.frame
    rows = frame[frame["segment_name"] == segment_name].dropna(subset=["difference_sd"])
    rows = rows.assign(distance=rows["difference_sd"].astype(float).abs())
    rows = rows[rows["distance"] >= LIKE_EVERYBODY_SD]
    rows = rows.sort_values("distance", ascending=False, kind="stable")
    told = {}
    for row in rows.to_dict("records"):
        told.setdefault(_tell_difference(row, row["difference_sd"], profile.labels), row["feature"])
    words = list(told)[:count]
    read = []
    for number, word in enumerate(words, start=1):
        where = {"segment_name": segment_name, "feature": told[word]}
        name = f"difference_{number}"
        read.append(profile.read_figure("difference_sd", where=where, name=name, unit="sd"))
    return join_words(words), read


def _tell_difference(row: Mapping[str, Any], difference: float, labels: Labels) -> str:
    """Say of what a segment has more or less than others; and that most have none of it."""
    is_more = difference > 0
    median = row.get("median")
    return tell_end(row["feature"], is_more=is_more, labels=labels, median=median)


def state_differences(profile: Published, sizes: Published | None = None) -> list[Finding]:
    """Say how many differences hold, and which column sets each segment apart most surely.

    Where the ``sizes`` of the segments are left out nothing of them is shown, for the same reason.
    """
    tested = profile.frame.dropna(subset=["p_value"])
    if tested.empty and sizes is not None and sizes.empty:
        return [explain_absence(sizes)]
    if tested.empty:
        hidden = explain_silence(profile, _list_others(profile.frame))
        return [hidden or write_finding("differences.differences.nothing")]
    compared = Condition("p_value", "known")
    holds = [compared, Condition("set_apart", "==", True)]
    comparisons = profile.read_figure(
        "p_value",
        where=[compared],
        how="rows",
        kind="count",
        unit="comparison",
        name="comparison_count",
    )
    sure_count = profile.read_figure(
        "p_value", where=holds, how="rows", kind="count", name="sure_count"
    )
    told = [write_finding("differences.differences.counted", [comparisons, sure_count])]
    sure = tested[tested["set_apart"].astype(bool)]
    known = sure.dropna(subset=["effect_size"])
    distance = known["effect_size"].astype(float).abs()
    furthest = distance.groupby(known["segment_name"], sort=False).idxmax()
    for row in known.loc[furthest].to_dict("records"):
        told.append(_state_furthest(profile, row))
    others = tested.loc[~tested["segment_name"].isin(sure["segment_name"]), "segment_name"]
    if len(others):
        words = {"segments": join_words(list(others.unique()))}
        told.append(write_finding("differences.differences.only_what_made_it", words=words))
    return told


def _list_others(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of columns that did not make the segments."""
    if "by_construction" not in rows:
        return rows
    return rows[~rows["by_construction"].astype("boolean").fillna(False).astype(bool)]


def _state_furthest(profile: Published, row: Mapping[str, Any]) -> Finding:
    where = {"segment_name": row["segment_name"], "feature": row["feature"]}
    is_more = row["effect_size"] > 0
    low, high = "effect_low", "effect_high"
    how = "value"
    if row[high] < 0:  # the words say in which direction; both ends lie in it
        low, high = high, low
        how = "absolute"
    return write_finding(
        "differences.differences.furthest",
        [
            profile.read_figure("effect_size", where=where, how="absolute", decimals=1),
            profile.read_figure(low, where=where, how=how, name="effect_low", decimals=2),
            profile.read_figure(high, where=where, how=how, name="effect_high", decimals=2),
        ],
        count=profile.read_figure("known_count", where=where, kind="count"),
        words={
            "segment_name": row["segment_name"],
            "difference": tell_end(row["feature"], is_more=is_more, labels=profile.labels),
        },
    )
