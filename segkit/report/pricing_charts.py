"""The charts of prices: what segments pay, how purchases go with prices, and the price meter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, GREY, MUTED, ORANGE, SERIES, chart
from segkit.report.shared.numbers import format_money, format_number, format_share, write_ranges

ALL = "All customers"


def _draw_dots(
    ax: Axes, rows: pd.DataFrame, value: str, *, at: float, write: Callable[[float], str]
) -> list[str]:
    """Draw a dot with its interval a row beside a line at ``at``; return what each row says."""
    places = np.arange(len(rows))
    known = rows[value].astype(float).to_numpy()
    ends = rows[[f"{value}_low", f"{value}_high"]].astype(float).to_numpy()
    colours = [ORANGE if one else BLUE for one in rows["is_whole"]]
    ax.axvline(at, color=GREY, linewidth=1.2)
    ax.hlines(places, ends[:, 0], ends[:, 1], color=colours, linewidth=2)
    ax.scatter(known, places, s=60, color=colours, zorder=3)
    figures.name_rows(ax, rows["segment_name"], bold=list(rows["is_whole"]))
    ranges = write_ranges(ends[:, 0], ends[:, 1], write)
    texts = [
        f"{write(one)} ({span})" if span else write(one)
        for one, span in zip(known, ranges, strict=True)
    ]
    figures.write_beside(ax, texts)
    said = [f"{name}: {text}" for name, text in zip(rows["segment_name"], texts, strict=True)]
    ax.margins(x=0.08)
    return said[::-1]


@chart("segment_name", values=["price_index", "price_index_low", "price_index_high"])
def plot_price_index(
    table: pd.DataFrame, *, period: str = "", title: str = "What segments pay for the same products"
) -> Axes:
    """Draw what each segment pays, of what all others pay for the same products.

    How to read it: a dot at the line pays what others pay; left of it less, right of it more. The
    line through a dot is its 95 % interval. What a segment buys makes no difference: each product
    is compared with itself, at the same time.
    """
    rows = table.dropna(subset=["price_index"]).iloc[::-1].assign(is_whole=False)
    ax = figures.new_axes(title, height=1.5 + 0.34 * len(rows))
    said = _draw_dots(ax, rows, "price_index", at=1.0, write=format_share)
    figures.name_values(ax, "price paid, of what all others pay", period=period)
    return figures.describe_chart(ax, f"{title}, with 95% intervals", said)


@chart("segment_name", values=["elasticity", "elasticity_low", "elasticity_high"])
def plot_elasticities(
    table: pd.DataFrame,
    *,
    whole: pd.DataFrame,
    period: str = "",
    title: str = "How purchases went with prices",
) -> Axes:
    """Draw by how many percent units were higher where a price was higher by one, by segment.

    How to read it: far left of the line fewer units were bought where prices were higher. A line
    that crosses zero shows neither. Compare the lines with that of all customers, in orange: where
    they all cover it, nothing says that segments differ. Prices were not drawn by lot, so that it
    is an association. The table has a row a segment, ``whole`` one row, of all customers.
    """
    names = ["elasticity", "elasticity_low", "elasticity_high"]
    every = whole.reindex(columns=names).head(1)
    parts = [
        table[["segment_name", *names]].iloc[::-1].assign(is_whole=False),
        every.assign(segment_name=ALL, is_whole=True),
    ]
    rows = pd.concat(parts, ignore_index=True).dropna(subset=["elasticity"])
    ax = figures.new_axes(title, height=1.5 + 0.34 * len(rows))
    said = _draw_dots(ax, rows, "elasticity", at=0.0, write=lambda one: format_number(one, 2))
    figures.name_values(ax, "elasticity: percent more units a percent of price", period=period)
    return figures.describe_chart(ax, f"{title}, with 95% intervals", said)


@chart("curve", "share", values=["price"])
def plot_price_meter(
    table: pd.DataFrame,
    *,
    points: pd.DataFrame,
    currency: str = "",
    period: str = "",
    title: str = "At which price it is cheap, and expensive",
) -> Axes:
    """Draw van Westendorp's price meter: the shares of answers by price, and where they cross.

    How to read it: the curves that fall say who finds the product too cheap, or cheap, at a price;
    those that rise who finds it expensive, or too expensive. Dashed lines are the prices at which
    two curves cross. The table has a row a curve and share, ``points`` a row a point, with
    ``point`` and ``price``.
    """
    rows = table.dropna(subset=["price"])
    ax = figures.new_axes(title, height=4.2)
    ends = []
    said = []
    for place, name in enumerate(dict.fromkeys(rows["curve"])):
        own = rows[rows["curve"] == name].sort_values("price", kind="stable")
        colour = SERIES[place % len(SERIES)]
        price, share = own["price"].astype(float), own["share"].astype(float)
        ax.plot(price, share, color=colour, linewidth=2)
        ends.append((price, share, str(name), colour))
        low, high = format_money(price.iloc[0], currency), format_money(price.iloc[-1], currency)
        first, last = format_share(share.iloc[0], 0), format_share(share.iloc[-1], 0)
        said.append(f"{name}: {first} at {low}, {last} at {high}")
    for price, share, name, colour in ends:
        middle = int(np.abs(share - 0.5).to_numpy().argmin())
        at = (price.iloc[middle], share.iloc[middle])
        look = {"color": colour, "fontweight": "bold", "fontsize": 9}
        ax.annotate(figures.shorten(name), at, (6, 4), textcoords="offset points", **look)
    known = points.dropna(subset=["price"])
    for row in known.itertuples():
        ax.axvline(float(row.price), color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        said.append(f"{row.point}: {format_money(row.price, currency)}")
    figures.set_numbers(ax.yaxis, "share")
    ax.set_ylim(0, 1)
    ax.set_xlabel(figures.join_unit("price", currency))
    figures.name_values(ax, "share of answers", period=period)
    return figures.describe_chart(ax, title, said)
