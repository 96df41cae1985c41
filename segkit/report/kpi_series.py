"""KPIs by month: the chart with control limits, and which months are a reason to look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from segkit.core.control_limits import FEWEST_POINTS, RUN_LENGTH
from segkit.core.findings import Finding
from segkit.core.measures import FIGURE
from segkit.core.privacy import NOTE, Published, Shape
from segkit.evidence.kpi_definitions import MONEY, SHARE
from segkit.evidence.kpi_limits import OUTSIDE, RUN, limit_months, summarise_limits
from segkit.evidence.kpi_sums import ALL
from segkit.report.kpi_units import read_amount_figure, write_amount, write_amounts, write_ends
from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, GREY, ORANGE, SERIES, chart
from segkit.report.shared.numbers import join_words, plural
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View, reshape_published

MOST_PANELS = 6
MOST_OF_SEGMENTS = 3  # further KPIs are in the table of limits
_ABOUT = {"row_count": FIGURE, "trial_count": FIGURE}
MONTHS = View(
    Shape(
        "kpi_months",
        by=("month",),
        within=("kpi",),
        count="rests_on_count",
        repeats=True,
        shown=("text", "unit", "better", "segment_name"),
        measures=_ABOUT,
    )
)
SEGMENT_MONTHS = View(
    Shape(
        "kpi_segment_months",
        by=("segment_name", "month"),
        within=("kpi",),
        count="rests_on_count",
        wholes=("segment_count",),
        repeats=True,
        shown=("text", "unit", "better"),
        measures=_ABOUT,
    )
)
# Made of published figures, month by month: it counts months, and no customers.
LIMITS = View(
    Shape("kpi_limits", population="months", by=("kpi", "segment_name")),
    {
        "text": Column("KPI"),
        "segment_name": Column("Of"),
        "month_count": Column("Months", "integer"),
        "centre_text": Column("Centre"),
        "limits_text": Column("Limits of the last month"),
        "chart": Column("Kind of limits"),
        "outside_months": Column("Outside the limits"),
        "run_months": Column("End of a run on one side"),
        NOTE: Column(),
    },
)


def split_months(months: pd.DataFrame) -> list[tuple[pd.DataFrame, View]]:
    """Return the months of all customers and those by segment, each with its view."""
    if months.empty:
        return [(months, MONTHS), (months, SEGMENT_MONTHS)]
    is_all = months["segment_name"] == ALL
    return [(months[is_all], MONTHS), (months[~is_all], SEGMENT_MONTHS)]


def add_limits(months: Published) -> Published:
    """Add control limits to published months, made of their own figures."""
    return reshape_published(months, limit_months(months.frame), months.view)


def collect_limits(months: Published, segment_months: Published) -> pd.DataFrame:
    """Return the limits of every series, see `segkit.evidence.kpi_limits.summarise_limits`.

    They are made of published figures, those of segments each by itself.
    """
    frames = [one.frame for one in (months, segment_months) if not one.empty]
    if not frames:
        return summarise_limits(months.frame)
    return summarise_limits(limit_months(pd.concat(frames, ignore_index=True)))


def write_limits(limits: Published) -> Published:
    """Add centre and limits as texts, each in its own unit."""
    frame = limits.frame
    if frame.empty:
        return limits
    currency = limits.currency
    ends = write_ends(frame["limit_low"], frame["limit_high"], frame["unit"], currency=currency)
    frame = frame.assign(
        segment_name=frame["segment_name"].replace({ALL: "all customers"}),
        centre_text=write_amounts(frame, "centre", currency=currency),
        limits_text=ends,
    )
    return reshape_published(limits, frame, LIMITS)


@chart("kpi", "month", values=["value", "centre", "limit_low", "limit_high", "signal"])
def plot_kpi_series(table, *, currency: str = "", title: str = "KPIs by month") -> Axes:
    """Draw each KPI by month with its control limits, a panel a KPI, six at most.

    How to read it: the line is the KPI, the grey band what it does by itself, the thin line its
    centre. An orange point lies outside the band, an orange ring is the eighth month or a later one
    on one side of the centre: each a reason to look, not a cause. Without a band there are too few
    months for limits.
    The table has a row a KPI and month: ``kpi``, ``text``, ``unit``, ``month`` (its first day),
    ``value``, ``centre``, ``limit_low``, ``limit_high`` and ``signal``.
    """
    names = list(table["kpi"].unique())[:MOST_PANELS]
    panels = _new_panels(title, len(names), bottom=0.0)
    said = []
    for ax, name in zip(panels, names, strict=True):
        rows = table[table["kpi"] == name].sort_values("month")
        unit = rows["unit"].iloc[0]
        ax.fill_between(
            rows["month"],
            rows["limit_low"].astype(float),
            rows["limit_high"].astype(float),
            color="#dfe4e8",
            linewidth=0,
        )
        ax.plot(rows["month"], rows["centre"].astype(float), color=GREY, linewidth=1)
        ax.plot(rows["month"], rows["value"].astype(float), color=BLUE, linewidth=1.6, marker=".")
        _mark_signals(ax, rows)
        _finish_panel(ax, rows, unit, currency)
        said.append(_describe_panel(rows, unit, currency))
    return figures.describe_chart(
        panels[0], f"{plural(len(names), 'panel')} of KPIs by month with limits", said
    )


def _new_panels(title: str, count: int, *, bottom: float) -> list[Axes]:
    """Return panels one below the other, each with a scale of its own."""
    ax = figures.new_axes(title, height=0.7 + 1.45 * count + bottom)
    figure = ax.figure
    ax.remove()
    return list(np.atleast_1d(figure.subplots(count, 1, sharex=True)))


def _mark_signals(ax: Axes, rows: pd.DataFrame) -> None:
    outside = rows[rows["signal"].isin(list(OUTSIDE.values()))]
    run = rows[rows["signal"] == RUN]
    ax.plot(outside["month"], outside["value"].astype(float), "o", color=ORANGE, markersize=6)
    ax.plot(
        run["month"],
        run["value"].astype(float),
        "o",
        markerfacecolor="none",
        markeredgecolor=ORANGE,
        markersize=6,
    )


def _finish_panel(ax: Axes, rows: pd.DataFrame, unit: str, currency: str) -> None:
    """Write a panel's heading, and its scales."""
    text = figures.shorten(rows["text"].iloc[0], 72)
    shown = {MONEY: currency, SHARE: ""}.get(unit, unit)
    shown = "" if shown and shown in text else shown
    largest = float(rows["value"].astype(float).max())
    kind = {SHARE: "share", MONEY: "money"}.get(unit, "number")
    scale = figures.set_numbers(ax.yaxis, kind, largest=largest)
    heading = figures.join_unit(text, shown, scale)
    ax.set_title(heading, loc="left", fontsize=9.5)
    ax.yaxis.get_major_locator().set_params(nbins=3)
    ax.grid(True, axis="y")
    ax.margins(x=0.02, y=0.15)
    locator = AutoDateLocator(maxticks=9)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _describe_panel(rows: pd.DataFrame, unit: str, currency: str) -> str:
    """Say what a panel shows: where it begins and ends, and its signals."""
    known = rows[rows["value"].notna()]
    text = rows["text"].iloc[0]
    if known.empty:
        return f"{text}: nothing shown"
    first, last = (write_amount(known["value"].iloc[end], unit, currency) for end in (0, -1))
    ends = f"{text}: from {first} in {known['month'].iloc[0]:%Y-%m} to {last} in "
    ends += f"{known['month'].iloc[-1]:%Y-%m}"
    marked = [f"{month:%Y-%m}" for month in known.loc[known["signal"] != "", "month"]]
    return f"{ends}, signals {', '.join(marked)}" if marked else f"{ends}, no signals"


@chart("kpi", "segment_name", "month", values=["value"])
def plot_kpi_segments(
    table, *, currency: str = "", title: str = "KPIs by segment and month"
) -> Axes:
    """Draw the first KPIs by month with a line a segment, a panel a KPI, three at most.

    How to read it: the segments are today's, looked back. Lines that move together share a season
    or an event; one that leaves the others is a reason to look. A gap is a month that is not shown.
    The table has a row a KPI, segment and month: ``kpi``, ``text``, ``unit``, ``segment_name``,
    ``month`` (its first day) and ``value``.
    """
    names = list(table["kpi"].unique())[:MOST_OF_SEGMENTS]
    segments = sorted(table["segment_name"].unique())
    panels = _new_panels(title, len(names), bottom=0.22 * len(segments))
    said = []
    for ax, name in zip(panels, names, strict=True):
        rows = table[table["kpi"] == name].sort_values("month")
        unit = rows["unit"].iloc[0]
        ends = []
        for number, segment in enumerate(segments):
            line = rows[rows["segment_name"] == segment]
            look = {"color": SERIES[number % 6], "linestyle": "--" if number > 5 else "-"}
            label = figures.shorten(segment, 60)
            ax.plot(line["month"], line["value"].astype(float), label=label, **look)
            last = line["value"].dropna()
            shown = write_amount(last.iloc[-1], unit, currency) if len(last) else "not shown"
            ends.append(f"{segment} {shown}")
        _finish_panel(ax, rows, unit, currency)
        said.append(f"{rows['text'].iloc[0]}, at the end: {', '.join(ends)}")
    handles, labels = panels[0].get_legend_handles_labels()
    panels[0].figure.legend(handles, labels, loc="outside lower left", frameon=False, fontsize=8.5)
    said_first = f"{plural(len(names), 'panel')} of KPIs by month, {plural(len(segments), 'line')}"
    return figures.describe_chart(panels[0], said_first, said)


def state_series(limits: Published) -> list[Finding]:
    """Say of each KPI of all customers which months are a signal, or that there is none.

    A signal is a reason to look, not a cause. Of segments the table tells.
    """
    if limits.empty:
        return [explain_absence(limits)]
    rows = limits.frame[limits.frame["segment_name"] == ALL]
    return [_state_limits(limits, row) for row in rows.to_dict("records")]


def _state_limits(limits: Published, row: Mapping[str, Any]) -> Finding:
    where = {"kpi": row["kpi"], "segment_name": row["segment_name"]}
    words = {"text": row["text"], "needed": FEWEST_POINTS, "chart": row["chart"]}
    words["run_length"] = RUN_LENGTH
    words |= {"first": row["first_month"], "last": row["last_month"]}
    period = f"the months from {row['first_month']} to {row['last_month']}"
    months = limits.read_figure("month_count", where=where, kind="count", unit="month")
    if not row["chart"]:
        return write_finding("kpis.series.few", [months], words=words)
    read = [
        read_amount_figure(limits, name, row=row, where=where, period=period)
        for name in ("centre", "limit_low", "limit_high")
    ]
    kinds = {"outside_months": "outside", "run_months": "run"}
    found = [column for column in kinds if row[column]]
    words |= {kinds[column]: join_words(row[column].split(", ")) for column in found}
    kind = {0: "quiet", 1: kinds[found[0]] if found else "", 2: "both"}[len(found)]
    return write_finding(f"kpis.series.{kind}", [*read, months], words=words)
