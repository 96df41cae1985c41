"""Finished table -> a grid of cells, each with its value written in it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, TwoSlopeNorm
from matplotlib.patches import Rectangle

from segkit.report.figures import (
    BELOW_TO_ABOVE,
    LOW_TO_HIGH,
    MUTED,
    TRACK,
    chart_style,
    describe_chart,
    draw_nothing,
    need_columns,
    new_axes,
    pick_ink,
    shorten,
    write_value,
)
from segkit.report.findings import MISSING, format_number


def plot_cells(
    table: pd.DataFrame,
    *,
    row: str = "country",
    column: str = "category",
    value: str = "value_share",
    kind: str = "share",
    currency: str = "",
    title: str = "Penetration by market cell",
) -> Axes:
    """Draw one value by row and column, such as our share of each market cell.

    How to read it: the darker a cell, the higher its value, which is written in it. A dash on
    grey means that nothing is known, which is not the same as zero.

    Parameters
    ----------
    table : DataFrame
        One row a cell.
    row, column, value : str, optional
        The columns with the two names and the value.
    kind : {"share", "integer", "number", "money"}, optional
    """
    need_columns(table, [row, column, value], chart="plot_cells")
    grid = _make_grid(table, row, column, value)
    if grid.empty:
        return draw_nothing(title, table)
    ax = _draw_grid(grid, title, kind=kind, currency=currency)
    known = grid.stack().dropna()
    if known.empty:
        return describe_chart(ax, f"{title}: no value is known.")
    high, low = known.idxmax(), known.idxmin()
    return describe_chart(
        ax,
        f"Grid of {value.replace('_', ' ')}: {len(grid)} rows by {len(grid.columns)} columns. "
        f"Highest: {high[0]}, {high[1]}, {write_value(known.max(), kind, currency)}. "
        f"Lowest: {low[0]}, {low[1]}, {write_value(known.min(), kind, currency)}.",
    )


def plot_rfm_grid(
    table: pd.DataFrame,
    *,
    value: str = "customer_count",
    kind: str = "integer",
    currency: str = "",
    title: str = "Customers by recency and frequency score",
) -> Axes:
    """Draw customers (or their spend) by recency score and frequency score.

    How to read it: top right bought lately and often; bottom right bought lately but seldom; top
    left bought often, but not lately: those are the ones to win back.

    Parameters
    ----------
    table : DataFrame
        One row a pair of scores: ``recency_score``, ``frequency_score`` (1 low to 5 high), value.
    """
    need_columns(table, ["recency_score", "frequency_score", value], chart="plot_rfm_grid")
    rows = table.groupby(["frequency_score", "recency_score"], observed=True)[value].sum()
    if rows.empty:
        return draw_nothing(title, table)
    grid = rows.unstack("recency_score").sort_index(ascending=False).sort_index(axis=1)
    options = {"kind": kind, "currency": currency, "cell_height": 0.52}
    ax = _draw_grid(grid, title, names_on_top=False, **options)
    ax.set_xlabel("recency score (right: bought lately)")
    ax.set_ylabel("frequency score (up: bought often)")
    top, (frequency, recency) = rows.max(), rows.idxmax()
    return describe_chart(
        ax,
        f"Grid of {value.replace('_', ' ')} by recency and frequency score, "
        f"{write_value(rows.sum(), kind, currency)} in all. Largest cell: recency {recency}, "
        f"frequency {frequency}, {write_value(top, kind, currency)}.",
    )


def plot_profiles(
    table: pd.DataFrame,
    *,
    feature: str = "feature",
    segment: str = "segment_name",
    value: str = "difference_sd",
    title: str = "How each segment differs from all customers",
) -> Axes:
    """Draw how far each segment's mean lies from the mean of all customers, by feature.

    How to read it: a cell counts standard deviations of all customers. +1.0 (blue) is well above
    the base, −1.0 (brown) well below; between −0.2 and +0.2 the segment is like everybody.

    Parameters
    ----------
    table : DataFrame
        One row a segment and feature; ``value`` is a difference in standard deviations.
    """
    need_columns(table, [feature, segment, value], chart="plot_profiles")
    grid = _make_grid(table, feature, segment, value)
    if grid.empty:
        return draw_nothing(title, table)
    grid.index = [str(name).replace("_", " ") for name in grid.index]
    reach = max(1.0, min(float(grid.abs().max().max() or 1), 3.0))
    norm = TwoSlopeNorm(0, -reach, reach)
    ax = _draw_grid(grid, title, kind="sd", norm=norm, colours=BELOW_TO_ABOVE, cell_height=0.36)
    ax.set_xlabel("difference from the mean of all customers, in standard deviations", labelpad=8)
    said = []
    for name in grid.columns:
        column = grid[name].dropna()
        if len(column):
            most = column.abs().idxmax()
            said.append(f"{name}: {most} {write_value(column[most], 'sd')}")
    return describe_chart(
        ax,
        f"Grid of differences in standard deviations, {len(grid)} features by "
        f"{len(grid.columns)} segments. Largest for each segment: {'; '.join(said)}.",
    )


def _make_grid(table: pd.DataFrame, row: str, column: str, value: str) -> pd.DataFrame:
    """Rows by columns in the order of the table; of repeated cells the first counts."""
    known = table.dropna(subset=[row, column])
    cells = known.drop_duplicates([row, column]).set_index([row, column])[value].unstack(column)
    cells = cells.reindex(index=known[row].unique(), columns=known[column].unique())
    return cells.astype(float)


@chart_style()
def _draw_grid(
    grid: pd.DataFrame,
    title: str,
    *,
    kind: str,
    currency: str = "",
    colours=LOW_TO_HIGH,
    norm: Normalize | None = None,
    cell_height: float = 0.42,
    names_on_top: bool = True,
) -> Axes:
    values = grid.to_numpy(float)
    known = values[np.isfinite(values)]
    if norm is None:
        low = min(known.min(), 0) if known.size else 0
        norm = Normalize(low, max(known.max(), low + 1e-9) if known.size else 1)
    ax = new_axes(title, height=1.3 + cell_height * len(grid))
    size = 9 if len(grid.columns) <= 8 else 7.5
    for y, line in enumerate(values):
        for x, value in enumerate(line):
            missing = not np.isfinite(value)
            colour = TRACK if missing else colours(norm(value))
            ax.add_patch(Rectangle((x + 0.02, y + 0.03), 0.96, 0.94, color=colour, linewidth=0))
            ax.text(
                x + 0.5,
                y + 0.5,
                MISSING if missing else _write_cell(value, kind),
                ha="center",
                va="center",
                fontsize=size,
                color=MUTED if missing else pick_ink(colour),
            )
    ax.set(xlim=(0, len(grid.columns)), ylim=(len(grid), 0))
    width = max(8, int(84 / max(len(grid.columns), 1)))
    names = [shorten(name, 40) for name in grid.columns]
    ax.set_xticks(np.arange(len(names)) + 0.5, [_wrap(name, width) for name in names])
    ax.set_yticks(np.arange(len(grid)) + 0.5, [shorten(name, 32) for name in grid.index])
    if names_on_top:
        ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    if kind == "money" and currency:
        ax.set_xlabel(currency)
    return ax


def _write_cell(value: float, kind: str) -> str:
    if kind == "money":
        return format_number(value, 0 if abs(value) >= 100 else 2)
    return write_value(value, kind)


def _wrap(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width)[:3]) or text
