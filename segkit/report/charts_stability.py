"""The chart of the segments to aim at; it follows the rules of `segkit.report.shared.charts`."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, GREY, chart
from segkit.report.shared.numbers import format_share, plural


@chart("segment_name", "attractiveness", values=["fit", "customer_share"])
def plot_targets(table: pd.DataFrame, *, title: str = "Which segments to aim at") -> Axes:
    """Draw the target-selection matrix: how attractive each segment is, and how fit we are.

    How to read it: top right are segments that are attractive and that we can serve; bottom left
    those to leave alone. The area of a circle is the segment's share of customers.
    The table has a row a segment: ``segment_name``, ``attractiveness``, ``fit`` (0 to 1) and
    ``customer_share``.
    """
    rows = table.assign(fit=table["fit"].astype(float).fillna(0.5))
    ax = figures.new_axes(title, height=4.4)
    look = {"s": 2600 * rows["customer_share"], "color": BLUE, "alpha": 0.55, "edgecolor": "white"}
    ax.scatter(rows["attractiveness"], rows["fit"], **look)
    for line in (ax.axhline, ax.axvline):
        line(0.5, color=GREY, linestyle=(0, (3, 3)), linewidth=1)
    ax.set(xlim=(-0.06, 1.12), ylim=(-0.06, 1.12))
    ax.set_xlabel("attractiveness, 0 to 1")
    figures.name_values(ax, "fit, 0 to 1")
    figures.name_points(ax, rows[["attractiveness", "fit"]].to_numpy(float), rows["segment_name"])
    said = [
        f"{row.segment_name}: attractiveness {row.attractiveness:.2f}, fit {row.fit:.2f}, "
        f"{format_share(row.customer_share, 0)} of customers"
        for row in rows.itertuples()
    ]
    return figures.describe_chart(ax, f"{plural(len(rows), 'segment')} by two scores", said)
