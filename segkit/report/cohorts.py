"""Cohorts by the time of the first order: who orders again, when, and what they spend."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Finding
from segkit.core.measures import COUNT, FIGURE
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.by_segment import state_measures
from segkit.report.shared import charts, figures
from segkit.report.shared.bands import Curves, draw_bands
from segkit.report.shared.figures import chart
from segkit.report.shared.numbers import MISSING, format_number, join_words
from segkit.report.shared.sentences import (
    explain_absence,
    explain_silence,
    find_sentence,
    write_figure,
    write_finding,
)
from segkit.report.shared.views import Column, View

COUNTED = dict.fromkeys(("retention_share", "retention_low", "retention_high"), COUNT)
AS_THEY_ARE = ("started_on", "grain", "is_truncated")
KEYS = {"cohort": Column("First order in"), "age": Column("Periods since", "integer")}
RETENTION_COLUMNS = {
    "customer_count": Column("Customers", "integer"),
    "active_count": Column("Ordered again then", "integer"),
    "retention_share": Column("Share", "share"),
    "retention_interval": Column("Interval", "share", interval=("retention_low", "retention_high")),
    NOTE: Column(),
}
SPEND_COLUMNS = {
    "customer_count": Column("Customers", "integer"),
    "spend_per_customer": Column("Net spend a customer so far", "money"),
    "spend_interval": Column(
        "Interval", "money", interval=("spend_per_customer_low", "spend_per_customer_high")
    ),
    NOTE: Column(),
}
# At one age the cohorts are apart from each other; a customer counts at several ages.
COHORT_RETENTION = View(
    Shape(
        "cohort_retention",
        by=("cohort",),
        within=("age",),
        count="active_count",
        wholes=("customer_count",),
        shown=AS_THEY_ARE,
        measures=COUNTED,
    ),
    KEYS | RETENTION_COLUMNS,
)
COHORT_SPEND = View(
    Shape("cohort_spend", by=("cohort",), within=("age",), shown=AS_THEY_ARE), KEYS | SPEND_COLUMNS
)
FOLLOWED = View(
    Shape("followed", by=("place",)),
    {
        "place": Column("Buyers"),
        "customer_count": Column("Customers", "integer"),
        "customer_share": Column("Share", "share"),
        NOTE: Column(),
    },
)


def view_retention(name: str, by: str) -> View:
    """Return the view of retention by group and age, such as by ``source``."""
    shape = Shape(
        name,
        by=(by,),
        within=("age",),
        count="active_count",
        wholes=("customer_count",),
        shown=("grain",),
        measures=COUNTED,
    )
    return View(shape, {by: Column(), "age": KEYS["age"]} | RETENTION_COLUMNS)


def view_cohort_spend(name: str, by: str) -> View:
    """Return the view of spend by group and age."""
    shape = Shape(name, by=(by,), within=("age",), shown=("grain",))
    return View(shape, {by: Column(), "age": KEYS["age"]} | SPEND_COLUMNS)


def view_second_orders(name: str, by: str) -> View:
    """Return the view of the second order by group: shares within some days, and the median."""
    repeats = {}
    for days in (30, 60, 90, 365):
        stem = f"repeat_{days}"
        repeats[f"{stem}_share"] = Column(f"Ordered again within {days} days", "share")
        repeats[f"{stem}_interval"] = Column(
            f"Interval, {days} days", "share", interval=(f"{stem}_low", f"{stem}_high")
        )
    columns = {
        by: Column(),
        "customer_count": Column("New buyers", "integer"),
        **repeats,
        "median_days": Column("Median days to it", "integer"),
        "median_interval": Column(
            "Interval, median", "integer", interval=("median_days_low", "median_days_high")
        ),
        "median_note": Column("Median"),
        NOTE: Column(),
    }
    # A sentence of the table, not a reason of the gate.
    shape = Shape(name, by=(by,), measures={"median_days": FIGURE})
    return View(shape, columns)


def view_second_order_curves(name: str, by: str) -> View:
    """Return the view of the points of the curves of `plot_second_orders`."""
    shape = Shape(name, by=(by,), within=("days",))
    columns = {
        by: Column(),
        "days": Column("Days since the first order", "integer"),
        "customer_count": Column("New buyers", "integer"),
        "repeat_share": Column("Ordered again", "share"),
        "repeat_interval": Column("Interval", "share", interval=("repeat_low", "repeat_high")),
        NOTE: Column(),
    }
    return View(shape, columns)


@chart("cohort", "age", values=["retention_share"])
def plot_cohort_retention(
    retention: pd.DataFrame, *, title: str = "Who orders again, by cohort"
) -> Axes:
    """Draw which share of each cohort ordered in each period after the first, as a triangle.

    How to read it: a row is the customers whose first order was in that period, a column how many
    periods later; read along a row how a cohort fades, and down a column whether newer ones are
    better. A dash is not over yet, or rests on few. A star marks cohorts that may hold customers
    who bought before the data begin.
    The table has a row a cohort and age: ``cohort``, ``age``, ``customer_count``,
    ``retention_share``, ``grain`` and ``is_truncated``.
    """
    name = f"share with an order, by {retention['grain'].iloc[0]}s since the first"
    return _draw_triangle(retention, "retention_share", kind="share", name=name, title=title)


@chart("cohort", "age", values=["spend_per_customer"])
def plot_cohort_spend(
    spend: pd.DataFrame, *, currency: str = "", title: str = "What a customer has spent, by cohort"
) -> Axes:
    """Draw what a customer of each cohort has spent net up to each period, as a triangle.

    How to read it: along a row spend adds up; down a column newer cohorts are compared with older
    ones at the same age. A dash is not over yet, or rests on few. A star marks cohorts that may
    hold customers who bought before the data begin.
    The table has a row a cohort and age: ``cohort``, ``age``, ``customer_count``,
    ``spend_per_customer``, ``grain`` and ``is_truncated``.
    """
    grain = spend["grain"].iloc[0]
    name = figures.join_unit(f"net spend a customer so far, by {grain}s since the first", currency)
    return _draw_triangle(spend, "spend_per_customer", kind="integer", name=name, title=title)


def _draw_triangle(rows: pd.DataFrame, value: str, *, kind: str, name: str, title: str) -> Axes:
    rows = rows.sort_values(["started_on", "age"]) if "started_on" in rows else rows
    grid = rows.pivot_table(index="cohort", columns="age", values=value, aggfunc="first")
    order = rows["cohort"].drop_duplicates()
    grid = grid.reindex(index=order, columns=sorted(rows["age"].unique())).astype(float)
    sizes = rows.groupby("cohort")["customer_count"].max()
    stars = rows.groupby("cohort")["is_truncated"].any()
    known = grid.stack().dropna().sort_values(kind="stable")
    names = [f"{cohort}, {int(age)} after" for cohort, age in known.index]
    ends = figures.list_ends(names, [figures.write_value(cell, kind) for cell in known])
    shape = f"{len(grid)} rows by {len(grid.columns)} columns"
    grid.index = [
        f"{cohort}{'*' if stars[cohort] else ''}, n = {_write_size(sizes[cohort])}"
        for cohort in order
    ]
    grid.columns = [str(int(age)) for age in grid.columns]
    ax = charts.draw_grid(grid, title, grid.map(figures.write_value, kind=kind))
    figures.name_values(ax, name)
    return figures.describe_chart(ax, f"Grid of {name}: {shape}", *ends)


def _write_size(size: object) -> str:
    return MISSING if pd.isna(size) else format_number(size)


@chart("age", "by", values=["retention_share", "retention_low", "retention_high"])
def plot_retention(
    retention: pd.DataFrame,
    *,
    by: str = "segment_name",
    title: str = "Who orders again, the same customers followed",
) -> Axes:
    """Draw which share of the same customers ordered in each period after their first order.

    How to read it: one curve a group, with the band of its 95 % interval. All points of a curve are
    of the same customers, so a fall is one.
    The table has a row a group and age: the column that ``by`` names, ``age``, ``grain``,
    ``retention_share``, ``retention_low`` and ``retention_high``.
    """
    curves = Curves(
        "age",
        "retention_share",
        "retention_low",
        "retention_high",
        by,
        name="share with an order in the period",
        x_name=f"{retention['grain'].iloc[0]}s since the first order",
    )
    known = retention.dropna(subset=["retention_share"])
    return draw_bands(known, curves, title=title) if len(known) else _draw_hidden(title)


@chart("age", "by", values=["spend_per_customer"])
def plot_spend_since(
    spend: pd.DataFrame,
    *,
    by: str = "segment_name",
    currency: str = "",
    title: str = "What a customer has spent, the same customers followed",
) -> Axes:
    """Draw what the same customers have spent net up to each period after their first order.

    How to read it: one curve a group, with the band of its 95 % interval; the steeper, the more is
    spent in the period. It ends where the group's customers were all observed.
    The table has a row a group and age: the column that ``by`` names, ``age``, ``grain``,
    ``spend_per_customer``, ``spend_per_customer_low`` and ``spend_per_customer_high``.
    """
    curves = Curves(
        "age",
        "spend_per_customer",
        "spend_per_customer_low",
        "spend_per_customer_high",
        by,
        kind="money",
        name="net spend a customer since the first order",
        x_name=f"{spend['grain'].iloc[0]}s since the first order",
    )
    known = spend.dropna(subset=["spend_per_customer"])
    if known.empty:
        return _draw_hidden(title)
    return draw_bands(known, curves, title=title, currency=currency)


@chart("days", "by", values=["repeat_share", "repeat_low", "repeat_high"])
def plot_second_orders(
    repeats: pd.DataFrame, *, by: str = "segment_name", title: str = "Time to the second order"
) -> Axes:
    """Draw which share has ordered a second time by days since the first order.

    How to read it: a curve that rises early comes back soon, one that ends high comes back at all.
    Who has not ordered again yet counts for as long as they were watched (Kaplan and Meier). Where
    bands overlap, groups may be alike.
    The table has a row a group and day: the column that ``by`` names, ``days``, ``repeat_share``,
    ``repeat_low`` and ``repeat_high``.
    """
    curves = Curves(
        "days",
        "repeat_share",
        "repeat_low",
        "repeat_high",
        by,
        name="share that has ordered again",
        x_name="days since the first order",
    )
    known = repeats.dropna(subset=["repeat_share"])
    return draw_bands(known, curves, title=title) if len(known) else _draw_hidden(title)


def _draw_hidden(title: str) -> Axes:
    ax = figures.new_axes(title, height=1.2)
    ax.set_axis_off()
    text = "What could be drawn here is of too few customers, or would tell of so few."
    ax.text(0, 0.5, text, color=figures.MUTED, transform=ax.transAxes, wrap=True)
    return figures.describe_chart(ax, title, text)


def state_followed(followed: Published) -> list[Finding]:
    """Say how many buyers are followed, and how many are not, with the reason."""
    if followed.empty:
        return [explain_absence(followed)]
    told = []
    for row in followed.frame.dropna(subset=["customer_count"]).to_dict("records"):
        where = {"place": row["place"]}
        count = followed.read_figure("customer_count", where=where, kind="count", unit="customer")
        share = followed.read_figure("customer_share", where=where, kind="share")
        words = {"place": row["place"]}
        told.append(
            write_finding("cohorts.followed.told", [count, share], count=count, words=words)
        )
    return told


def state_cohorts(retention: Published) -> list[Finding]:
    """Compare the first cohort of most likely new customers with the last, a period later."""
    if retention.empty:
        return [explain_absence(retention)]
    frame = retention.frame
    rows = frame[(frame["age"] == 1) & ~frame["is_truncated"].astype(bool)]
    rows = rows.dropna(subset=["retention_share", "retention_low", "customer_count"])
    rows = rows.sort_values("started_on")
    if len(rows) < 2:
        silence = explain_silence(retention)
        return [silence or write_finding("cohorts.retention.one_cohort")]
    found, parts = [], {}
    for name, row in (("first", rows.iloc[0]), ("last", rows.iloc[-1])):
        where = {"cohort": row["cohort"], "age": 1}
        share = retention.read_figure(
            "retention_share",
            where=where,
            interval=("retention_low", "retention_high"),
            kind="share",
            name=f"{name}_share",
        )
        count = retention.read_figure(
            "customer_count", where=where, kind="count", name=f"{name}_count"
        )
        found += [share, count]
        parts[f"{name}_cohort"] = row["cohort"]
    first, last = found[0], found[2]
    is_apart = max(first.low, last.low) > min(first.high, last.high)
    kind = "apart" if is_apart else "overlap"
    parts |= {
        "grain": rows["grain"].iloc[0],
        "compared": find_sentence(f"cohorts.retention.{kind}"),
    }
    count = int(rows["customer_count"].iloc[[0, -1]].sum())
    return [write_finding("cohorts.retention.change", found, count=count, words=parts)]


def state_second_orders(repeats: Published, *, by: str = "segment_name") -> list[Finding]:
    """Say who orders again most and least within some days, and after how long half have."""
    if repeats.empty:
        return [explain_absence(repeats)]
    return [*state_measures(repeats, by=by), *_state_medians(repeats, by)]


def _state_medians(repeats: Published, by: str) -> list[Finding]:
    """Say after how many days half of each group have ordered again, or that few have so far."""
    frame = repeats.frame
    shown = frame[frame["customer_count"].notna()]
    told = []
    medians = shown.dropna(subset=["median_days"])
    figures_read, parts = [], []
    for place, name in enumerate(medians[by]):
        median = repeats.read_figure(
            "median_days",
            where={by: name},
            interval=("median_days_low", "median_days_high"),
            kind="count",
            unit="day",
            name=f"median_{place}",
        )
        figures_read.append(median)
        parts.append(f"“{name}” {_write_median(median)}")
    if parts:
        count = int(medians["customer_count"].sum())
        words = {"medians": "; ".join(parts)}
        told.append(
            write_finding("cohorts.second_orders.medians", figures_read, count=count, words=words)
        )
    waiting = shown[shown["median_note"] == "not reached"]
    if len(waiting):
        words = {"groups": join_words([f"“{name}”" for name in waiting[by]])}
        count = int(waiting["customer_count"].sum())
        told.append(write_finding("cohorts.second_orders.not_reached", count=count, words=words))
    return told


def _write_median(median) -> str:
    """Write a median with its interval, of which an end may not have been reached."""
    low = write_figure(median, median.low) if median.low is not None else ""
    high = write_figure(median, median.high) if median.high is not None else ""
    number = write_figure(median)
    if low and high:
        return f"{number} ({low.split()[0]} to {high.split()[0]})"
    return f"{number} (from {low.split()[0]}, no upper end reached)" if low else number
