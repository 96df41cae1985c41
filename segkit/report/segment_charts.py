"""Finished table -> matplotlib Axes: candidates side by side, and the size of segments."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.report.figures import (
    BLUE,
    GREY,
    MUTED,
    ORANGE,
    TRACK,
    chart_style,
    describe_chart,
    draw_nothing,
    name_rows,
    need_columns,
    new_axes,
)
from segkit.report.findings import format_share, plural

_MEASURES = {
    "stability": "stability\n(adjusted Rand)",
    "explained_spend_share": "spend explained\n(share of variance)",
    "smallest_customer_share": "smallest segment\n(share of customers)",
}


@chart_style()
def plot_candidates(
    table: pd.DataFrame,
    *,
    chosen: tuple[str, int] | None = None,
    thresholds: dict[str, float] | None = None,
    title: str = "Candidate segmentations on the same criteria",
) -> Axes:
    """Draw the candidate segmentations side by side: stable, telling, large enough?

    How to read it: one row a candidate. Further right is better in every panel; a dashed line is
    the least that the plan accepts. A filled dot passes all criteria, an empty one does not, and
    the recommended candidate is orange and bold.

    Parameters
    ----------
    table : DataFrame
        One row a scheme and number of segments: ``scheme``, ``segment_count``, ``stability``,
        ``explained_spend_share``, ``smallest_customer_share``; ``passes`` (boolean) if known.
    chosen : tuple of str and int, optional
        The recommended scheme and its number of segments.
    thresholds : dict of str to float, optional
        The least accepted value by column.
    """
    need_columns(table, ["scheme", "segment_count", *_MEASURES], chart="plot_candidates")
    if table.empty:
        return draw_nothing(title, table)
    rows = table.sort_values(["scheme", "segment_count"], ascending=False, kind="stable")
    names = [
        f"{scheme.replace('_', ' ')}, {count} segments"
        for scheme, count in zip(rows["scheme"].astype(str), rows["segment_count"], strict=True)
    ]
    picked = [
        chosen is not None and (scheme, int(count)) == (chosen[0], int(chosen[1]))
        for scheme, count in zip(rows["scheme"], rows["segment_count"], strict=True)
    ]
    passes = rows["passes"].fillna(False).astype(bool) if "passes" in rows else [True] * len(rows)
    panels = new_axes(title, height=1.4 + 0.34 * len(rows), columns=3, sharey=True)
    for ax, (column, heading) in zip(panels, _MEASURES.items(), strict=True):
        values = rows[column].to_numpy(float)
        reach = max(np.nanmax(values) if np.isfinite(values).any() else 0, 0.01)
        limit = (thresholds or {}).get(column)
        top = 1.0 if column == "stability" else max(reach, limit or 0)
        for place, (value, good, best) in enumerate(zip(values, passes, picked, strict=True)):
            ax.plot([0, top], [place, place], color=TRACK, linewidth=1.2, zorder=1)
            if not np.isfinite(value):
                ax.text(0, place, "not measured", va="center", fontsize=8, color=GREY)
                continue
            colour = ORANGE if best else BLUE
            ax.plot(
                value,
                place,
                marker="o",
                markersize=8,
                color=colour,
                markerfacecolor=colour if good else "white",
                markeredgewidth=1.8,
                zorder=3,
            )
            text = f"{value:.2f}" if column == "stability" else format_share(value)
            weight = "bold" if best else "normal"
            ax.text(top * 1.16, place, text, va="center", fontsize=9, fontweight=weight)
        if limit is not None:
            ax.axvline(limit, color=GREY, linestyle=(0, (3, 3)), linewidth=1.2, zorder=2)
            least = f"{limit:.2f}" if column == "stability" else format_share(limit, 0)
            place = (limit, len(rows) - 0.45)
            ax.text(*place, f"least {least}", ha="center", va="bottom", fontsize=8.5, color=MUTED)
        name_rows(ax, names, bold=picked)
        lowest = np.nanmin(values) if np.isfinite(values).any() else 0
        ax.set_xlim(min(-0.06 * top, lowest), top * 1.62)
        ax.set_xticks([])
        ax.set_xlabel(heading)
        ax.spines[:].set_visible(False)
    said = "; ".join(
        f"{name}: stability {row['stability']:.2f}, explains "
        f"{format_share(row['explained_spend_share'])} of spend, "
        f"smallest {format_share(row['smallest_customer_share'])}"
        f"{'' if good else ', does not pass'}{', recommended' if best else ''}"
        for name, (_, row), good, best in reversed(
            list(zip(names, rows.iterrows(), passes, picked, strict=True))
        )
    )
    return describe_chart(panels[0], f"{plural(len(rows), 'candidate')} compared. {said}.")


@chart_style()
def plot_segment_sizes(
    table: pd.DataFrame, *, title: str = "Share of customers and of spend by segment"
) -> Axes:
    """Draw each segment's share of customers beside its share of spend.

    How to read it: where the lower (orange) bar is longer than the upper (blue) one, the segment
    brings more than its numbers; where it is shorter, it brings less.

    Parameters
    ----------
    table : DataFrame
        One row a segment: ``segment_name``, ``customer_share``, ``spend_share`` (0 to 1).
    """
    columns = ["segment_name", "customer_share", "spend_share"]
    need_columns(table, columns, chart="plot_segment_sizes")
    rows = table.dropna(subset=["customer_share"]).sort_values("spend_share", kind="stable")
    if rows.empty:
        return draw_nothing(title, table)
    ax = new_axes(title, height=0.9 + 0.62 * len(rows))
    places = np.arange(len(rows))
    reach = float(np.nanmax(rows[["customer_share", "spend_share"]].to_numpy(float))) or 1
    bars = (("customer_share", 0.19, BLUE, "customers"), ("spend_share", -0.19, ORANGE, "spend"))
    for column, shift, colour, word in bars:
        values = rows[column].fillna(0).to_numpy(float)
        ax.barh(places + shift, values, height=0.34, color=colour)
        for place, value in zip(places + shift, values, strict=True):
            text = f"{format_share(value)} of {word}"
            start = max(value, 0) + 0.012 * reach
            ax.text(start, place, text, va="center", fontsize=9, color=colour)
    name_rows(ax, rows["segment_name"], width=30)
    ax.set_xlim(min(0, rows["spend_share"].min()), reach * 1.3)
    ax.set_xticks([])
    ax.spines[["left", "bottom"]].set_visible(False)
    said = "; ".join(
        f"{row['segment_name']}: {format_share(row['customer_share'])} of customers, "
        f"{format_share(row['spend_share'])} of spend"
        for row in rows.iloc[::-1].to_dict("records")
    )
    return describe_chart(ax, f"Paired bars by segment. {said}.")
