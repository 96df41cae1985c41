"""Charts of lifetime value: does what the models expect come true?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.report.shared import figures
from segkit.report.shared.charts import plot_trend
from segkit.report.shared.figures import BLUE, ORANGE, chart
from segkit.report.shared.numbers import format_number, plural


@chart("week_end", "expected_running", "actual_running")
def plot_holdout(
    table: pd.DataFrame, *, title: str = "Purchases in the time held out, expected and actual"
) -> Axes:
    """Draw the repeat purchases of the weeks held out, summed up: expected and actual.

    How to read it: the fit saw nothing of these weeks. Lines that stay together say that the
    expectation can be trusted for as long as this; a gap that opens says how far it may be off.
    The table has a row a week: ``week_end``, ``expected_running`` and ``actual_running``.
    """
    lines = {"expected_running": "expected", "actual_running": "actual"}
    rows = table.rename(columns=lines).melt("week_end", list(lines.values()), "line")
    name = "days with a sale, summed up since the fit"
    options = {"x": "week_end", "group": "line", "kind": "integer", "value_name": name}
    return plot_trend(rows, title=title, **options)


@chart("repeat_count", "expected_customers", values=["actual_customers"])
def plot_repeat_counts(
    table: pd.DataFrame, *, title: str = "How often customers bought again, expected and actual"
) -> Axes:
    """Draw how many customers bought again how often, beside what the model expects.

    How to read it: bars are the customers, dots what the fitted model would have. Dots far from
    the ends of their bars say that the model does not fit. A count too small to show has no bar.
    The table has a row a count: ``repeat_count``, ``actual_customers``, ``expected_customers``.
    """
    places = np.arange(len(table))
    actual, expected = table["actual_customers"].astype(float), table["expected_customers"]
    texts = actual.map(format_number)
    ax = figures.new_axes(title, height=3.4)
    bars = ax.bar(places, actual.fillna(0), color=BLUE, width=0.62)
    ax.bar_label(bars, texts, padding=6, fontsize=9)
    ax.scatter(places, expected, color=ORANGE, edgecolor="white", s=56, zorder=3)
    ax.set_xticks(places, table["repeat_count"])
    ax.set_xlabel("days with a sale after the first")
    ax.margins(y=0.12)
    scale = figures.set_numbers(ax.yaxis, "integer", largest=expected.max())
    figures.name_values(ax, "customers: bars actual, dots expected", scale)
    said = table["repeat_count"] + ": " + texts + " actual, "
    said += expected.map(format_number) + " expected"
    start = f"Bars and dots of customers by {plural(len(table), 'count')} of repeat purchases"
    return figures.describe_chart(ax, start, said)
