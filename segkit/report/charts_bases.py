"""One chart for any base; :mod:`segkit.report.shared.charts` has what all charts share."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from segkit.profiles.base_summaries import ALL
from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, chart
from segkit.report.shared.numbers import format_number, format_share, plural


@chart("feature", "level", "customer_share", values=["value_index"])
def plot_base(table: pd.DataFrame, *, most: int = 3, title: str = "Customers by level") -> Axes:
    """Draw the share of customers at each level of the first ``most`` features of a base.

    How to read it: within a feature the bars add up to the customers of whom it is known. An index
    above 100 is a level whose customers bring more than the mean customer.
    The table is that of `segkit.profiles.base_summaries.summarise_base`.
    """
    rows, names, bold = [], [], []
    for feature in table["feature"].unique()[:most]:
        levels = table[(table["feature"] == feature) & (table["level"] != ALL)]
        rows += [None, *levels.to_dict("records")]
        names += [feature.replace("_", " "), *levels["level"]]
        bold += [True, *[False] * len(levels)]
    ax = figures.new_axes(title, height=0.8 + 0.24 * len(rows))
    shares = [row["customer_share"] if row else 0 for row in reversed(rows)]
    texts = [_write_level(row) if row else "" for row in reversed(rows)]
    bars = ax.barh(range(len(rows)), shares, color=BLUE, height=0.7)
    ax.bar_label(bars, texts, padding=4, fontsize=9)
    ax.margins(x=0.2)
    figures.name_rows(ax, reversed(names), bold=bold[::-1])
    figures.name_values(ax, "share of all customers; index of their value, 100 is the mean")
    said = [f"{r['feature']} {r['level']}: {_write_level(r)}" for r in rows if r]
    return figures.describe_chart(ax, f"Bars of {plural(len(said), 'level')}", said)


def _write_level(row: dict) -> str:
    index = row["value_index"]
    told = "" if pd.isna(index) else f", index {format_number(index)}"
    return format_share(row["customer_share"]) + told
