"""The gain chart: how much of later spend is found by asking the highest first."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.report.shared import figures
from segkit.report.shared.figures import GREY, MUTED, SERIES, chart
from segkit.report.shared.numbers import format_share
from segkit.validation.prediction import PERFECT, TOP_SHARE
from segkit.validation.usefulness import BOTH, LIFETIME, NOTHING, RFM, SEGMENTS

LINES = {BOTH: SERIES[2], SEGMENTS: SERIES[0], RFM: SERIES[1], LIFETIME: SERIES[3]}
DASHES = {RFM: (0, (5, 2)), LIFETIME: (0, (1.5, 1.5))}


@chart("predictor", "customer_share", "spend_share")
def plot_gains(table: pd.DataFrame, *, title: str = "Later spend found, highest first") -> Axes:
    """Draw which share of later spend a predictor finds in which share of customers.

    How to read it: customers stand in the order of what was expected of them, the highest first. A
    line further above the diagonal finds more of the later spend in the same share of customers;
    the grey line above all knows the future. Dots mark the first fifth of customers. Where two
    lines lie on each other, one predictor says as much as the other.
    The table has ``predictor``, ``customer_share`` and ``spend_share``, both cumulative, 0 to 1.
    """
    ax = figures.new_axes(title, height=4.6)
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1.2, linestyle=(0, (4, 3)))
    look = {"rotation": 45, "transform_rotates_text": True, "rotation_mode": "anchor"}
    ax.text(0.27, 0.255, "in any order", color=MUTED, va="top", **look)
    curves = dict(list(table.groupby("predictor", sort=False)))
    if PERFECT in curves:
        best = curves.pop(PERFECT)
        ax.plot(best["customer_share"], best["spend_share"], color=GREY, linewidth=1.2)
        ax.text(0.02, 1.015, PERFECT, color=MUTED, va="bottom")
    curves.pop(NOTHING, None)
    found = {
        name: float(np.interp(TOP_SHARE, rows["customer_share"], rows["spend_share"]))
        for name, rows in curves.items()
    }
    names = sorted(found, key=lambda name: (-found[name], name))
    for name, rows in curves.items():
        look = {"color": LINES.get(name, MUTED), "linestyle": DASHES.get(name, "-")}
        ax.plot(rows["customer_share"], rows["spend_share"], linewidth=2.2, **look)
        ax.plot([TOP_SHARE], [found[name]], "o", markersize=6, color=look["color"])
    first = format_share(TOP_SHARE, 0)
    texts = [f"{name}: {format_share(found[name])}" for name in names]
    ax.text(0.57, 0.40, f"Spend of the first {first} of customers", color=MUTED)
    for place, (name, text) in enumerate(zip(names, texts, strict=True)):
        height, colour = 0.33 - 0.07 * place, LINES.get(name, MUTED)
        ax.plot([0.57, 0.62], [height + 0.012] * 2, color=colour, linestyle=DASHES.get(name, "-"))
        ax.text(0.635, height, text, color=colour, fontweight="bold")
    order = "share of customers, from the highest expected spend to the lowest"
    ax.set(xlim=(0, 1.003), ylim=(0, 1.09), xlabel=order, yticks=np.arange(0, 1.01, 0.2))
    figures.name_values(ax, "share of later spend")
    ax.grid(True)
    figures.set_numbers(ax.xaxis, "share")
    figures.set_numbers(ax.yaxis, "share")
    said = f"Gain curves of later spend. The first {first} of customers bring, by predictor"
    return figures.describe_chart(ax, said, texts)
