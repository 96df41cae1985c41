"""How recently, how often and how much customers buy: their scores in a grid."""

from __future__ import annotations

from matplotlib.axes import Axes

from segkit.core.privacy import Shape
from segkit.report.shared import figures
from segkit.report.shared.charts import draw_grid
from segkit.report.shared.figures import chart
from segkit.report.shared.numbers import format_number
from segkit.report.shared.views import View

GRID = View(Shape("rfm_grid", by=("recency_score", "frequency_score")))


@chart("recency_score", "frequency_score", "customer_count")
def plot_rfm_grid(table, *, title: str = "Customers by recency and frequency score") -> Axes:
    """Draw customers by recency score and frequency score.

    How to read it: top right bought lately and often; bottom right bought lately but seldom; top
    left bought often, but not lately: those are the ones to win back. A dash is hidden.
    The table has ``recency_score``, ``frequency_score`` (1 low to 5 high), ``customer_count``.
    """
    counts = table.groupby(["frequency_score", "recency_score"])["customer_count"].sum()
    grid = counts.unstack().sort_index(ascending=False).astype(float)
    ax = draw_grid(grid, title, grid.map(format_number))
    ax.tick_params(labeltop=False, labelbottom=True)
    ax.set(
        xlabel="recency score (right: bought lately)", ylabel="frequency score (up: bought often)"
    )
    said = f"Grid of {format_number(counts.sum())} customers by recency and frequency score"
    largest = counts[counts == counts.max()]
    if len(largest) != 1:
        return figures.describe_chart(ax, said)
    frequency, recency = largest.index[0]
    cell = f"recency {recency}, frequency {frequency}, {format_number(largest.iloc[0])}"
    return figures.describe_chart(ax, said, f"Largest cell: {cell}")
