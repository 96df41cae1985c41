"""Finished table -> matplotlib Axes: values over time."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FuncFormatter, MaxNLocator

from segkit.report.figures import (
    SERIES,
    chart_style,
    describe_chart,
    draw_nothing,
    name_unit,
    name_values,
    need_columns,
    new_axes,
    set_numbers,
    shorten,
    spread_labels,
    write_value,
)


@chart_style()
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
    At most six groups are told apart; put the rest together first.

    Parameters
    ----------
    table : DataFrame
        One row a point in time and group.
    x, y, group : str, optional
        The columns with the time (or an ordered number), the value, and the line's name.
    kind : {"integer", "number", "share", "money"}, optional
    """
    need_columns(table, [x, y, *([group] if group else [])], chart="plot_trend")
    rows = table.dropna(subset=[x, y]).sort_values(x, kind="stable")
    if rows.empty:
        return draw_nothing(title, table)
    lines = list(rows.groupby(group, sort=True, observed=True)) if group else [("", rows)]
    ax = new_axes(title, height=3.6)
    name = value_name or y.replace("_", " ")
    high = rows[y].max()
    scale = set_numbers(ax.yaxis, kind, largest=high)
    name_values(ax, name_unit(name, currency if kind == "money" else "", scale))
    ends, said = [], []
    for number, (group_name, line) in enumerate(lines):
        colour = SERIES[number % len(SERIES)]
        style = "-" if number < len(SERIES) else (0, (4, 2))
        ax.plot(line[x].to_numpy(), line[y].to_numpy(float), color=colour, linestyle=style)
        final = line.iloc[-1]
        ax.plot([final[x]], [final[y]], marker="o", markersize=5, color=colour)
        text = f"{shorten(group_name, 28)}  " if group_name != "" else ""
        ends.append((float(final[y]), f"{text}{write_value(final[y], kind)}", colour))
        said.append(
            f"{group_name or 'The value'} goes from {write_value(line[y].iloc[0], kind, currency)} "
            f"to {write_value(final[y], kind, currency)}"
        )
    ax.margins(x=0.02)
    if rows[y].min() >= 0:
        ax.set_ylim(0, high * 1.08 or 1)
    spread_labels(ax, ends)
    ax.grid(True, axis="y")
    ax.tick_params(length=0, pad=6)
    _write_years(ax, rows[x])
    return describe_chart(
        ax,
        f"Lines of {name} from {_name_time(rows[x].iloc[0])} to "
        f"{_name_time(rows[x].iloc[-1])}. {'. '.join(said)}.",
    )


def plot_monthly(
    table: pd.DataFrame,
    *,
    month: str = "month",
    value: str = "value",
    group: str | None = None,
    kind: str = "integer",
    currency: str = "",
    value_name: str = "",
    title: str = "By month",
) -> Axes:
    """Draw a value by month, one line a group.

    How to read it: compare a month with the same month a year before; the last month may not be
    complete, which the caption must say.

    Parameters
    ----------
    table : DataFrame
        One row a month and group; ``month`` is a date, a timestamp or text such as 2026-06.
    """
    need_columns(table, [month, value], chart="plot_monthly")
    rows = table.assign(**{month: pd.to_datetime(table[month])})
    options = {"kind": kind, "currency": currency, "value_name": value_name, "title": title}
    return plot_trend(rows, x=month, y=value, group=group, **options)


def _write_years(ax: Axes, times: pd.Series) -> None:
    """Write whole years without thousands; dates stay short."""
    if pd.api.types.is_datetime64_any_dtype(times):
        locator = AutoDateLocator(maxticks=9)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    elif pd.api.types.is_numeric_dtype(times):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:.0f}"))


def _name_time(value: object) -> str:
    return f"{value:%Y-%m}" if hasattr(value, "strftime") else str(value)
