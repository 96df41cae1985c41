"""Finished table -> matplotlib Axes: the plan, the market and the base.

Every function draws what it is given, changes nothing and computes no statistic beyond what its
alternative text says. Pass the result to :func:`show_chart`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.report.figures import (
    BLUE,
    GREY,
    MUTED,
    ORANGE,
    SKY,
    TRACK,
    chart_style,
    describe_chart,
    draw_nothing,
    name_points,
    name_rows,
    name_unit,
    name_values,
    need_columns,
    new_axes,
    set_numbers,
    shorten,
    show_chart,
    write_value,
)
from segkit.report.findings import format_number, format_share, plural
from segkit.report.grid_charts import plot_cells, plot_profiles, plot_rfm_grid
from segkit.report.segment_charts import plot_candidates, plot_segment_sizes
from segkit.report.trend_charts import plot_monthly, plot_trend

__all__ = [
    "plot_bars",
    "plot_candidates",
    "plot_cells",
    "plot_lorenz",
    "plot_monthly",
    "plot_profiles",
    "plot_quality",
    "plot_readiness",
    "plot_rfm_grid",
    "plot_segment_sizes",
    "plot_trend",
    "plot_white_space",
    "show_chart",
]


@chart_style()
def plot_readiness(table: pd.DataFrame, *, title: str = "Readiness by practice") -> Axes:
    """Draw the readiness scorecard: one bar a practice, the strongest on top.

    How to read it: the grey track is the whole way to 1; the lowest bars are where to begin.

    Parameters
    ----------
    table : DataFrame
        One row a practice: ``practice`` (text), ``score`` (0 to 1).
    """
    need_columns(table, ["practice", "score"], chart="plot_readiness")
    rows = table.dropna(subset=["score"]).sort_values("score", kind="stable")
    if rows.empty:
        return draw_nothing(title, table)
    ax = new_axes(title, height=1.0 + 0.34 * len(rows))
    places = np.arange(len(rows))
    ax.barh(places, 1, color=TRACK, height=0.5)
    ax.barh(places, rows["score"], color=BLUE, height=0.5)
    for place, score in zip(places, rows["score"], strict=True):
        ax.text(1.02, place, f"{score:.2f}", va="center", fontweight="bold")
    name_rows(ax, rows["practice"], width=44)
    ax.set_xlim(0, 1.1)
    ax.set_xticks([])
    name_values(ax, "score: 0 nothing in place, 1 fully in place")
    ax.spines[["left", "bottom"]].set_visible(False)
    worst, best = rows.iloc[0], rows.iloc[-1]
    return describe_chart(
        ax,
        f"Bars: readiness score of {plural(len(rows), 'practice')}. "
        f"Highest: {best['practice']}, {best['score']:.2f}. "
        f"Lowest: {worst['practice']}, {worst['score']:.2f}.",
    )


@chart_style()
def plot_lorenz(
    table: pd.DataFrame,
    *,
    figures: Mapping[str, float] | None = None,
    value_name: str = "spend",
    title: str = "Concentration of the customer base",
) -> Axes:
    """Draw the Lorenz curve: how much of the value which share of customers brings.

    How to read it: on the dashed line every customer would bring the same. The further the
    curve hangs below it, the fewer customers carry the business. The Gini coefficient is twice
    the area between the two (Gini 1912): 0 is equal, 1 is one customer bringing everything.

    Parameters
    ----------
    table : DataFrame
        ``customer_share`` and ``value_share``, both cumulative from 0 to 1, customers ordered
        from the smallest value to the largest.
    figures : mapping, optional
        ``gini`` and ``top_20_share`` as computed from every customer; else read off the curve.
    value_name : str, optional
        What is shared, for the labels.
    """
    need_columns(table, ["customer_share", "value_share"], chart="plot_lorenz")
    rows = table[["customer_share", "value_share"]].dropna().astype(float)
    if rows.empty:
        return draw_nothing(title, table)
    people = np.concatenate([[0.0], rows["customer_share"]])
    value = np.concatenate([[0.0], rows["value_share"]])
    order = np.argsort(people, kind="stable")
    people, value = people[order], value[order]
    at_80 = float(np.interp(0.8, people, value))
    gini = (figures or {}).get("gini", 1 - 2 * float(np.trapezoid(value, people)))
    top = (figures or {}).get("top_20_share", 1 - at_80)
    ax = new_axes(title, height=4.4)
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1.2, linestyle=(0, (4, 3)))
    ax.fill_between(people, value, people, color=SKY, alpha=0.16, linewidth=0)
    ax.plot(people, value, color=BLUE, linewidth=2.4)
    ax.plot([0.8, 0.8, 1], [0, at_80, at_80], color=ORANGE, linewidth=1.2)
    ax.plot(0.8, at_80, marker="o", color=ORANGE, markersize=6)
    note = f"top 20% of customers:\n{format_share(top)} of {value_name}"
    ax.text(0.79, at_80 + 0.025, note, ha="right", va="bottom", color=ORANGE)
    ax.text(0.40, 0.43, "all equal", rotation=33, color=MUTED, ha="center", va="bottom")
    ax.text(0.03, 0.93, f"Gini {gini:.2f}", fontsize=13, fontweight="bold", va="top")
    ax.set(xlim=(0, 1.003), ylim=(0, 1.003))
    ax.set_xlabel(f"share of customers, from the lowest {value_name} to the highest")
    name_values(ax, f"share of {value_name}")
    ax.grid(True)
    set_numbers(ax.xaxis, "share")
    set_numbers(ax.yaxis, "share")
    return describe_chart(
        ax,
        f"Lorenz curve of {value_name} by customer. Gini coefficient {gini:.2f}. The top 20% of "
        f"customers bring {format_share(top)} of {value_name}.",
    )


@chart_style()
def plot_bars(
    table: pd.DataFrame,
    *,
    label: str = "label",
    value: str = "value",
    kind: str = "integer",
    currency: str = "",
    value_name: str = "",
    title: str = "Ranking",
    highlight: Collection[str] = (),
    most: int = 15,
) -> Axes:
    """Draw ranked horizontal bars, the largest on top, each with its value.

    How to read it: lengths start at zero and may be compared; highlighted labels are bold.

    Parameters
    ----------
    table : DataFrame
        One row a bar.
    label, value : str, optional
        The columns with the name and the length of a bar.
    kind : {"integer", "number", "share", "money"}, optional
        How values are written.
    value_name : str, optional
        The axis' label, with its unit.
    highlight : collection of str, optional
        Labels to stress.
    most : int, optional
        Bars beyond this many are left out, and the chart says so.
    """
    need_columns(table, [label, value], chart="plot_bars")
    rows = table.dropna(subset=[value]).sort_values(value, ascending=False, kind="stable")
    if rows.empty:
        return draw_nothing(title, table)
    left_out, rows = max(len(rows) - most, 0), rows.head(most).iloc[::-1]
    names = rows[label].astype(str)
    ax = new_axes(title, height=1.0 + 0.32 * len(rows))
    places = np.arange(len(rows))
    stressed = [name in set(map(str, highlight)) for name in names]
    colours = [ORANGE if yes else BLUE for yes in stressed]
    ax.barh(places, rows[value], color=colours, height=0.62)
    name = value_name or value.replace("_", " ")
    unit = "" if currency in name.split() else currency
    texts = [write_value(v, kind, unit) for v in rows[value]]
    _write_at_bars(ax, places, rows[value].to_numpy(float), texts)
    name_rows(ax, names, bold=stressed)
    note = f"; {format_number(left_out)} more not shown" if left_out else ""
    name_values(ax, name + note)
    ax.set_xticks([])
    ax.spines[["left", "bottom"]].set_visible(False)
    first, last = rows.iloc[-1], rows.iloc[0]
    return describe_chart(
        ax,
        f"Ranked bars of {name}, {plural(len(rows), 'bar')}. "
        f"Largest: {first[label]}, {texts[-1]}. Smallest shown: {last[label]}, {texts[0]}.",
    )


@chart_style()
def plot_white_space(
    table: pd.DataFrame,
    *,
    label: str = "cell",
    value: str = "size",
    growth: str = "growth_rate",
    highlight: str = "white_space",
    currency: str = "",
    title: str = "Market cells by size and growth",
) -> Axes:
    """Draw market cells by size and growth; white space is an orange, named diamond.

    How to read it: right is a larger market, up is a growing one. A named diamond is a cell that
    is large, growing and hardly served; the other cells are grey circles.

    Parameters
    ----------
    table : DataFrame
        One row a cell: its name, ``size`` (currency a year, or buyers), ``growth_rate`` (share a
        year) and, if known, the boolean column ``white_space``.
    """
    need_columns(table, [label, value, growth], chart="plot_white_space")
    rows = table.dropna(subset=[value, growth])
    if rows.empty:
        return draw_nothing(title, table)
    chosen = rows[highlight].fillna(False).astype(bool) if highlight in rows else rows[value].isna()
    ax = new_axes(title, height=4.4)
    ax.axhline(0, color=GREY, linewidth=1)
    others = rows[~chosen]
    ax.scatter(others[value], others[growth], s=46, color=GREY, alpha=0.75, linewidth=0)
    found = rows[chosen].sort_values(value, ascending=False, kind="stable")
    ax.scatter(found[value], found[growth], s=90, marker="D", color=ORANGE, edgecolor="white")
    ax.margins(x=0.16, y=0.16)
    points = found.head(8)
    names = [shorten(name, 32) for name in points[label]]
    name_points(ax, points[value].to_numpy(float), points[growth].to_numpy(float), names)
    ax.grid(True)
    ax.tick_params(length=0, pad=6)
    scale = set_numbers(ax.xaxis, "money", largest=rows[value].max())
    ax.set_xlabel(name_unit("size of the market", currency, scale))
    name_values(ax, "growth a year")
    set_numbers(ax.yaxis, "share")
    said = "; ".join(
        f"{cell[label]}, {write_value(cell[value], 'money', currency)}, "
        f"growth {format_share(cell[growth])}"
        for _, cell in found.head(5).iterrows()
    )
    return describe_chart(
        ax,
        f"Market size against growth of {plural(len(rows), 'cell')}; "
        f"{format_number(len(found))} marked as white space{': ' + said if said else ''}.",
    )


@chart_style()
def plot_quality(table: pd.DataFrame, *, title: str = "Rows accepted and rejected") -> Axes:
    """Draw the share of each table's rows that was accepted.

    How to read it: blue rows are used, hatched rows were set aside with a reason. The counts
    stand to the right, since tables differ in size by orders of magnitude.

    Parameters
    ----------
    table : DataFrame
        One row a table: ``table``, ``read``, ``accepted``, ``rejected`` (rows).
    """
    need_columns(table, ["table", "read", "accepted", "rejected"], chart="plot_quality")
    rows = table[table["read"] > 0].sort_values("read", kind="stable")
    if rows.empty:
        return draw_nothing(title, table)
    ax = new_axes(title, height=1.0 + 0.36 * len(rows))
    places = np.arange(len(rows))
    kept = rows["accepted"] / rows["read"]
    refused = rows["rejected"] / rows["read"]
    ax.barh(places, kept, color=BLUE, height=0.56)
    ax.barh(places, refused, left=kept, color="white", edgecolor=ORANGE, hatch="/////", height=0.56)
    for place, row in zip(places, rows.to_dict("records"), strict=True):
        rejected = format_share(row["rejected"] / row["read"]) if row["rejected"] else "none"
        text = f"{format_number(row['read'])} read, {rejected} rejected"
        ax.text(1.02, place, text, va="center", transform=ax.get_yaxis_transform())
    name_rows(ax, rows["table"])
    ax.set_xlim(0, 1)
    ax.set_xticks([])
    name_values(ax, "share of rows read: solid accepted, hatched rejected")
    ax.spines[["left", "bottom"]].set_visible(False)
    said = "; ".join(
        f"{row['table']}: {format_number(row['read'])} read, {format_number(row['accepted'])} "
        f"accepted, {format_number(row['rejected'])} rejected"
        for row in rows.iloc[::-1].to_dict("records")
    )
    return describe_chart(ax, f"Rows by table. {said}.")


def _write_at_bars(ax: Axes, places: np.ndarray, values: np.ndarray, texts: list[str]) -> None:
    """Write each value beside the end of its bar and leave room for it."""
    reach = np.abs(values).max() or 1
    for place, value, text in zip(places, values, texts, strict=True):
        left = value < 0
        gap = -0.012 * reach if left else 0.012 * reach
        ax.text(value + gap, place, text, va="center", ha="right" if left else "left")
    ax.set_xlim(min(values.min() * 1.2, 0), max(values.max(), 0) * 1.18 or 1)
    if values.min() < 0:
        ax.axvline(0, color=GREY, linewidth=1)
