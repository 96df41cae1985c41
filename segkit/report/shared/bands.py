"""Curves with the band of their interval, one a group."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from segkit.report.shared import figures
from segkit.report.shared.figures import SERIES


@dataclass(frozen=True)
class Curves:
    """What is drawn of a table: the columns, how values are written, and what they are called."""

    x: str
    y: str
    low: str
    high: str
    group: str
    kind: str = "share"
    name: str = ""
    x_name: str = ""


def draw_bands(rows: pd.DataFrame, curves: Curves, *, title: str, currency: str = "") -> Axes:
    """Draw one curve a group with its 95 % interval as a band, each named where it ends."""
    ax = figures.new_axes(title, height=3.9)
    ends, said = [], []
    rows = rows.sort_values(curves.x, kind="stable")
    for number, (name, line) in enumerate(rows.groupby(curves.group)):
        colour = SERIES[number % len(SERIES)]
        style = "-" if number < len(SERIES) else "--"
        x, y, low, high = (
            line[column].to_numpy(float) for column in (curves.x, curves.y, curves.low, curves.high)
        )
        ax.fill_between(x, low, high, color=colour, alpha=0.14, linewidth=0)
        ax.plot(x, y, color=colour, linestyle=style, marker="o", markersize=4)
        first, last = (figures.write_value(value, curves.kind, currency) for value in y[[0, -1]])
        label = figures.write_value(y[-1], "integer" if curves.kind == "money" else curves.kind)
        ends.append((y[-1], f"{figures.shorten(name, 28)}  {label}", colour))
        said.append(f"{name} goes from {first} to {last}")
    ax.margins(x=0.02)
    ax.set_ylim(0, None)
    largest = rows[curves.y].max()
    scale = figures.set_numbers(ax.yaxis, curves.kind, largest=largest)
    unit = currency if curves.kind == "money" else ""
    figures.name_values(ax, curves.name, unit, scale)
    figures.name_ends(ax, _spread_ends(ends, top=ax.get_ylim()[1]))
    ax.grid(True, axis="y")
    ax.set_xlabel(curves.x_name)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figures.describe_chart(ax, f"Curves of {curves.name} by {curves.x_name}", *said)


def _spread_ends(ends: list[tuple[float, str, str]], *, top: float) -> list[tuple[float, str, str]]:
    """Move labels down from the top so far that each has room below the next one."""
    room = 0.065 * top
    spread, above = [], top + room
    for height, text, colour in sorted(ends, reverse=True):
        above = min(height, above - room)
        spread.append((above, text, colour))
    return spread
