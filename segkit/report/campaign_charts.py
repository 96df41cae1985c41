"""The charts of campaigns: differences by segment, what policies bring, and the uplift curve."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, GREY, MUTED, ORANGE, SKY, chart
from segkit.report.shared.numbers import format_money, format_points, format_share, write_ranges

ALL = "All customers"
UNITS = {"points": "points"}


def _choose_writing(kind: str, currency: str) -> Callable[[float], str]:
    """Return how a difference is written: in points, or as money."""
    if kind == "money":
        return lambda value: format_money(value, currency)
    return format_points


def _draw_intervals(ax: Axes, rows: pd.DataFrame, names: list[str], *, value: str, write: Callable):
    """Draw a dot with its interval a row, a line at zero, and each row's figures at the right."""
    places = np.arange(len(rows))
    known = rows[value].astype(float)
    low = rows[f"{value}_low"].astype(float)
    high = rows[f"{value}_high"].astype(float)
    colours = np.where(rows["is_whole"], ORANGE, BLUE)
    ax.axvline(0, color=GREY, linewidth=1.2)
    ax.hlines(places, low, high, color=colours, linewidth=2)
    ax.scatter(known, places, s=60, color=colours, zorder=3)
    figures.name_rows(ax, names, bold=list(rows["is_whole"]))
    ranges = write_ranges(low, high, write)
    texts = [
        f"{write(one)} ({ends})" if ends else write(one)
        for one, ends in zip(known, ranges, strict=True)
    ]
    figures.write_beside(ax, texts)
    ax.margins(x=0.08)
    return texts


@chart("segment_name", values=["difference", "difference_low", "difference_high"])
def plot_effects(
    table: pd.DataFrame,
    *,
    whole: pd.DataFrame,
    kind: str = "points",
    currency: str = "",
    period: str = "",
    value_name: str = "",
    title: str = "Difference of the arms by segment",
) -> Axes:
    """Draw the difference of two arms in each segment, and among all, with 95 % intervals.

    How to read it: a dot is the difference, the line its interval; where a line crosses zero, no
    difference is shown. Compare the lines with that of all customers, in orange: where they all
    cover it, nothing says that segments answer differently, however high or low each lies. The
    table has a row a segment, ``whole`` one row, of all customers.
    """
    columns = ["segment_name", "difference", "difference_low", "difference_high"]
    parts = [
        table[columns].iloc[::-1].assign(is_whole=False),
        whole.reindex(columns=columns).head(1).assign(segment_name=ALL, is_whole=True),
    ]
    rows = pd.concat(parts, ignore_index=True)
    write = _choose_writing(kind, currency)
    ax = figures.new_axes(title, height=1.5 + 0.34 * len(rows))
    names = list(rows["segment_name"])
    texts = _draw_intervals(ax, rows, names, value="difference", write=write)
    unit = currency if kind == "money" else UNITS.get(kind, "")
    figures.name_values(ax, value_name or "difference", unit, period=period)
    said = [f"{name}: {text}" for name, text in zip(names[::-1], texts[::-1], strict=True)]
    return figures.describe_chart(ax, f"{title}, with 95% intervals", said)


@chart("policy", values=["gain", "gain_low", "gain_high"])
def plot_policies(
    table: pd.DataFrame,
    *,
    kind: str = "points",
    currency: str = "",
    period: str = "",
    value_name: str = "",
    title: str = "What the best arm for each segment brings more",
) -> Axes:
    """Draw how much more a policy by segment brings than sending to everybody, or to nobody.

    How to read it: a dot right of zero says that the policy by segment brings more than the one
    that the row names, told on customers who did not make it; where a line crosses zero, that is
    not shown. The costs of messages are not taken off.
    """
    rows = table.dropna(subset=["gain"]).iloc[::-1].assign(is_whole=False)
    write = _choose_writing(kind, currency)
    ax = figures.new_axes(title, height=1.5 + 0.34 * len(rows))
    names = [f"against {name}" for name in rows["policy"]]
    texts = _draw_intervals(ax, rows, names, value="gain", write=write)
    unit = currency if kind == "money" else UNITS.get(kind, "")
    figures.name_values(ax, value_name or "gain a customer", unit, period=period)
    said = [f"{name}: {text}" for name, text in zip(names[::-1], texts[::-1], strict=True)]
    return figures.describe_chart(ax, f"{title}, with 95% intervals", said)


@chart("targeted_share", values=["gain", "gain_low", "gain_high", "straight_gain"])
def plot_uplift(
    table: pd.DataFrame,
    *,
    kind: str = "points",
    currency: str = "",
    period: str = "",
    value_name: str = "",
    title: str = "Gain by share of customers sent to",
) -> Axes:
    """Draw the uplift curve: what is gained by sending to the first segments only.

    How to read it: segments come in the order of what the message brought more there, as other
    customers have it. The curve is the gain, a customer of all; the band its 95 % interval, the
    dashed line what as many customers drawn by lot would bring. A curve that leaves the line only
    within the band says nothing of which segments to choose.
    """
    rows = table.sort_values("targeted_share", kind="stable")
    share = rows["targeted_share"].astype(float)
    gain = rows["gain"].astype(float)
    ax = figures.new_axes(title, height=3.4)
    low, high = (rows[f"gain_{end}"].astype(float) for end in ("low", "high"))
    ax.fill_between(share, low, high, color=SKY, alpha=0.2, linewidth=0)
    ax.plot(share, gain, color=BLUE, marker="o", markersize=5)
    ax.plot(share, rows["straight_gain"].astype(float), color=MUTED, linestyle=(0, (4, 3)))
    ax.axhline(0, color=GREY, linewidth=1)
    ax.set_xlabel("share of customers sent to")
    figures.set_numbers(ax.xaxis, "share")
    write = _choose_writing(kind, currency)
    ax.yaxis.set_major_formatter(lambda value, _place: write(value))
    unit = currency if kind == "money" else UNITS.get(kind, "")
    figures.name_values(ax, value_name or "gain a customer of all", unit, period=period)
    said = [
        f"{format_share(one)} of customers: {write(value)}"
        for one, value in zip(share, gain, strict=True)
    ]
    return figures.describe_chart(ax, title, said)
