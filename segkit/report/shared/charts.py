"""Finished table -> matplotlib Axes, with its alternative text; for :func:`show_chart`.

Every function draws what it is given, changes nothing and computes no statistic beyond what its
alternative text says. All take ``title``; some take the names of the columns to draw, ``kind``
(how values are written: integer, number, share or money), ``currency``, ``value_name`` and
``period`` (the time that the values speak of).
"""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import MaxNLocator

from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, MUTED, SERIES, TRACK, chart
from segkit.report.shared.numbers import MISSING, format_number, join_period, plural

LOW_TO_HIGH = sns.blend_palette(["#f3f7fa", "#8dbcd9", "#0b5484"], as_cmap=True)


@chart("label", "value")
def plot_bars(
    table: pd.DataFrame,
    *,
    label: str = "label",
    value: str = "value",
    kind: str = "integer",
    currency: str = "",
    value_name: str = "",
    period: str = "",
    title: str = "Ranking",
) -> Axes:
    """Draw ranked horizontal bars, the 15 largest of them, each with its value.

    How to read it: lengths start at zero and may be compared.
    """
    rows = table.sort_values(value, ascending=False, kind="stable").head(15).iloc[::-1]
    name = value_name or value.replace("_", " ")
    more = len(table) - len(rows)
    texts = [figures.write_value(v, kind, currency) for v in rows[value]]
    ax = figures.new_axes(title, height=1.0 + 0.32 * len(rows))
    bars = ax.barh(range(len(rows)), rows[value], color=BLUE, height=0.62)
    ax.bar_label(bars, texts, padding=4)
    ax.margins(x=0.15)
    figures.name_rows(ax, rows[label])
    left = f"; {format_number(more)} more not shown" if more else ""
    unit = currency if kind == "money" else ""
    figures.name_values(ax, figures.join_unit(name, unit) + left, period=period)
    said = f"Ranked bars of {join_period(name, period)}: {plural(len(rows), 'bar')}"
    ends = figures.list_ends(rows[label], texts, ("Largest", "Smallest shown"))
    return figures.describe_chart(ax, said, *ends)


@chart("x", "y", "group")
def plot_trend(
    table: pd.DataFrame,
    *,
    x: str = "period",
    y: str = "value",
    group: str | None = None,
    kind: str = "number",
    currency: str = "",
    value_name: str = "",
    title: str = "Trend",
) -> Axes:
    """Draw values over time, one line a group, each named at its end.

    How to read it: the height is the value in its unit; the name of a line stands where it ends.
    ``x`` has years, dates, or text such as 2026-06. Six groups have a colour of their own.
    """
    dated = not pd.api.types.is_numeric_dtype(table[x])
    rows = table.assign(**{x: pd.to_datetime(table[x])}) if dated else table
    rows = rows.sort_values(x, kind="stable")
    ax = figures.new_axes(title, height=3.6)
    name = value_name or y.replace("_", " ")
    ends = []
    said = []
    for number, (line_name, line) in enumerate(rows.groupby(group) if group else [("", rows)]):
        look = {"color": SERIES[number % 6], "linestyle": "--" if number > 5 else "-"}
        ax.plot(line[x], line[y], marker="o", markersize=5, markevery=[-1], **look)
        first, last = line[y].iloc[[0, -1]]
        text = f"{figures.shorten(line_name, 28)}  {figures.write_value(last, kind)}".strip()
        ends.append((last, text, look["color"]))
        first, last = (figures.write_value(v, kind, currency) for v in (first, last))
        said.append(f"{line_name or 'The value'} goes from {first} to {last}")
    scale = figures.set_numbers(ax.yaxis, kind, largest=rows[y].max())
    figures.name_values(ax, name, currency if kind == "money" else "", scale)
    ax.margins(x=0.02)
    if rows[y].min() >= 0:
        ax.set_ylim(0, rows[y].max() * 1.08 or 1)
    figures.name_ends(ax, ends)
    ax.grid(True, axis="y")
    locator = AutoDateLocator(maxticks=9) if dated else MaxNLocator(integer=True)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator) if dated else "{x:.0f}")
    first, last = (f"{time:%Y-%m}" if dated else time for time in rows[x].iloc[[0, -1]])
    return figures.describe_chart(ax, f"Lines of {name} from {first} to {last}", *said)


@chart("row", "column", values=["value"])
def plot_cells(
    table: pd.DataFrame,
    *,
    row: str = "country",
    column: str = "category",
    value: str = "value_share",
    kind: str = "share",
    value_name: str = "",
    period: str = "",
    title: str = "Penetration by market cell",
) -> Axes:
    """Draw one value by row and column, such as our share of each market cell.

    How to read it: the darker a cell, the higher its value, which is written in it. A dash on
    grey means that nothing is known, which is not the same as zero.
    """
    grid = _make_grid(table, row, column, value)
    ax = draw_grid(grid, title, grid.map(figures.write_value, kind=kind))
    known = grid.stack().dropna().sort_values(kind="stable")
    names = [f"{name}, {other}" for name, other in known.index]
    ends = figures.list_ends(names, [figures.write_value(cell, kind) for cell in known])
    name = value_name or value.replace("_", " ")
    figures.name_values(ax, name, period=period)
    said = f"Grid of {join_period(name, period)}: {len(grid)} rows by {len(grid.columns)} columns"
    return figures.describe_chart(ax, said, *ends)


def _make_grid(table: pd.DataFrame, row: str, column: str, value: str) -> pd.DataFrame:
    """Rows by columns in the order of the table; of repeated cells the first counts."""
    cells = table.drop_duplicates([row, column]).set_index([row, column])[value].unstack(column)
    return cells.reindex(index=table[row].unique(), columns=table[column].unique()).astype(float)


def draw_grid(grid: pd.DataFrame, title: str, texts: pd.DataFrame) -> Axes:
    """Draw a grid of numbers, the darker the higher, with a text in each cell."""
    ax = figures.new_axes(title, height=1.3 + 0.42 * len(grid))
    known, (height, width) = grid.notna().to_numpy(), grid.shape
    cells = grid.fillna(0).to_numpy()
    annot_kws = {"fontsize": 9 if width < 9 else 7.5}
    look = {"cmap": LOW_TO_HIGH, "vmin": min(cells.min(), 0), "vmax": cells.max()}
    look |= {"annot": texts, "fmt": "", "annot_kws": annot_kws, "linewidths": 2}
    sns.heatmap(grid, ax=ax, cbar=False, xticklabels=False, yticklabels=False, **look)
    colours = ax.collections[0].get_facecolors()[known.ravel()]
    for text, colour in zip(ax.texts, colours, strict=True):
        text.set_color(figures.pick_ink(colour))
    for y, x in np.argwhere(~known):
        ax.text(x + 0.5, y + 0.5, MISSING, ha="center", va="center", color=MUTED)
    names = [textwrap.wrap(figures.shorten(name, 40), max(8, 84 // width))[:3] for name in grid]
    ax.set_xticks(np.arange(width) + 0.5, ["\n".join(lines) for lines in names])
    ax.set_yticks(np.arange(height) + 0.5, [figures.shorten(name, 32) for name in grid.index])
    ax.tick_params(labeltop=True, labelbottom=False)
    ax.set(xlabel="", ylabel="", facecolor=TRACK)
    return ax
