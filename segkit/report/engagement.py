"""How segments answer messages, and what they do on the site."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Finding
from segkit.core.measures import COUNT, FIGURE
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.by_segment import MEASURES, RESTS_ON, SEGMENT, state_measures, view_shares
from segkit.report.shared import charts, figures
from segkit.report.shared.figures import chart
from segkit.report.shared.numbers import join_words, plural
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View

ANSWERS = {
    "open": MEASURES["open_share"],
    "human_open": MEASURES["human_open_share"],
    "click": MEASURES["click_share"],
    "click_to_open": MEASURES["click_to_open_share"],
}
RARE_ANSWERS = {
    "bounce": Column("Bounced, of those sent", "share"),
    "unsubscribe": MEASURES["unsubscribe_share"],
    "spam": Column("Reported as spam", "share"),
}
TOTALS = {
    "opens_per_opened": Column("Opens a message opened", "number"),
    "clicks_per_clicked": Column("Clicks a message clicked", "number"),
}


def _list_answers(answers: dict[str, Column]) -> dict[str, Column]:
    """Return the columns of shares, each followed by its interval."""
    columns = {}
    for name, column in answers.items():
        columns[f"{name}_share"] = column
        heading = f"Interval, {column.heading.split(',')[0].lower()}"
        columns[f"{name}_interval"] = Column(
            heading, kind="share", interval=(f"{name}_low", f"{name}_high")
        )
    return columns


DELIVERED = {
    "customer_count": Column(kind="integer"),
    "delivered_count": Column("Delivered", "integer"),
}
MESSAGES = View(
    # Messages are no customers: one of them may have many.
    Shape("messages", by=SEGMENT, count=RESTS_ON, measures={"delivered_count": FIGURE}),
    {
        "segment_name": Column(),
        **DELIVERED,
        **_list_answers(ANSWERS),
        **TOTALS,
        **_list_answers(RARE_ANSWERS),
        NOTE: Column(),
    },
)
FIRST_COLUMNS = ("segment_name", *DELIVERED, *_list_answers(ANSWERS), NOTE)
MORE_COLUMNS = ("segment_name", *TOTALS, *_list_answers(RARE_ANSWERS), NOTE)
CAMPAIGNS = View(
    Shape(
        "messages_by_campaign",
        by=("campaign_id",),
        count=RESTS_ON,
        measures={"delivered_count": FIGURE},
        repeats=True,
    ),
    {
        "campaign_id": Column("Campaign"),
        **DELIVERED,
        **_list_answers({name: ANSWERS[name] for name in ("open", "human_open", "click")}),
        "unsubscribe_share": MEASURES["unsubscribe_share"],
        NOTE: Column(),
    },
)
MESSAGE_MONTHS = View(
    Shape(
        "messages_by_month",
        by=("segment_name", "month"),
        count=RESTS_ON,
        measures={"delivered_count": FIGURE},
        repeats=True,
    ),
    {
        "segment_name": Column(),
        "month": Column("Month", "date"),
        **DELIVERED,
        **_list_answers({"click": ANSWERS["click"]}),
        NOTE: Column(),
    },
)
# Stages lie within each other: each counts its own customers.
STAGES = View(
    Shape(
        "message_stages",
        by=("stage",),
        adds_up=False,
        measures={"message_count": FIGURE, "total_count": FIGURE},
    ),
    {
        "stage": Column("What became of it"),
        "message_count": Column("Messages, each once", "integer"),
        "total_count": Column("Opens and clicks in total", "integer"),
        "customer_count": Column("Customers", "integer"),
        NOTE: Column(),
    },
)
EVENTS = View(
    Shape("events", by=SEGMENT, count=RESTS_ON, measures={"reached_share": COUNT}),
    {
        "segment_name": Column(),
        "customer_count": Column(kind="integer"),
        "reached_share": Column("Share of the segment", "share"),
        "visits_per_customer": MEASURES["visits_per_customer"],
        "views_per_customer": Column(kind="number"),
        "carts_per_customer": MEASURES["carts_per_customer"],
        "checkouts_per_customer": Column(kind="number"),
        "wishes_per_customer": Column(kind="number"),
        "signups_per_customer": Column("Sign-ups a customer", kind="number"),
        "ad_clicks_per_customer": Column("Clicks on ads a customer", kind="number"),
        NOTE: Column(),
    },
)
STEPS = {"view": "product viewed", "cart": "cart filled", "checkout": "checkout", "order": "order"}
MOST_DEVICES = 5
DEVICES = view_shares("devices", "device")


def view_visits(name: str, by: str) -> View:
    """Return the view of visits by group and step, such as by ``device``."""
    columns = {by: Column(), "visitor_count": Column("Visitors", "integer")}
    columns["visit_count"] = Column("Visits", "integer")
    for step, word in STEPS.items():
        columns[f"{step}_share"] = Column(f"With {word}", "share")
        ends = (f"{step}_low", f"{step}_high")
        columns[f"{step}_interval"] = Column(f"Interval, {word}", "share", interval=ends)
    # A visitor may come by several devices.
    shape = Shape(
        name,
        by=(by,),
        count="visitor_count",
        measures={"visit_count": FIGURE},
        repeats=by != "segment_name",
    )
    return View(shape, columns | {NOTE: Column()})


def plot_devices(devices, *, title: str = "Devices by segment") -> Axes:
    """Draw the share of each segment's events by device.

    How to read it: the darker a cell, the more of the segment's events come from the device.
    The table has a row a segment and device: ``segment_name``, ``device`` and ``share``.
    """
    return charts.plot_cells(
        devices, row="segment_name", column="device", value="share", kind="share", title=title
    )


def plot_message_months(months, *, title: str = "Messages clicked by month") -> Axes:
    """Draw which share of its delivered messages each segment clicked, by month.

    How to read it: lines that move together follow the messages; a line that falls while the others
    do not is a segment that grows tired of them. One month of a small segment says little.
    The table has a row a segment and month: ``segment_name``, ``month`` and ``click_share``.
    """
    return charts.plot_trend(
        months,
        x="month",
        y="click_share",
        group="segment_name",
        kind="share",
        value_name="share of delivered messages that were clicked",
        title=title,
    )


@chart("by", values=["view_share"])
def plot_visit_steps(
    visits: pd.DataFrame, *, by: str = "segment_name", title: str = "How far visits come"
) -> Axes:
    """Draw in which share of the visits each step towards an order was recorded.

    How to read it: along a row each step is a share of all visits; where it drops most, most are
    lost. A step is what was recorded of the visit itself, nothing is filled in from orders: a dash
    is a step that no event names, or that few took.
    The table has a row a group: the column that ``by`` names, ``view_share``, ``cart_share``,
    ``checkout_share`` and ``order_share``.
    """
    columns = {f"{step}_share": word for step, word in STEPS.items() if f"{step}_share" in visits}
    grid = visits.set_index(by)[list(columns)].rename(columns=columns).astype(float)
    grid.columns.name = None
    ax = charts.draw_grid(grid, title, grid.map(figures.write_value, kind="share"))
    name = "share of the visits with the step"
    figures.name_values(ax, name)
    known = grid.stack().dropna().sort_values(kind="stable")
    names = [f"{group}, {step}" for group, step in known.index]
    ends = figures.list_ends(names, [figures.write_value(one, "share") for one in known])
    said = f"Grid of {name}: {len(grid)} rows by {len(grid.columns)} columns"
    return figures.describe_chart(ax, said, *ends)


def state_stages(stages: Published, *, repeat_count: int = 0) -> list[Finding]:
    """Say how many messages were delivered, what repeated one, and what machines opened.

    ``repeat_count`` is how many rows repeated a message, see `read_messages`.
    """
    if stages.empty:
        return [explain_absence(stages)]
    told = []
    known = set(stages.frame.dropna(subset=["message_count"])["stage"])
    if {"sent", "delivered"} <= known:
        sent, delivered = (_read_stage(stages, stage, stage) for stage in ("sent", "delivered"))
        where = {"stage": "delivered"}
        count = stages.read_figure("customer_count", where=where, kind="count", unit="customer")
        figures_told = [sent, delivered, count]
        told.append(write_finding("engagement.stages.delivered", figures_told, count=count))
    if repeat_count:
        words = {"rows": plural(repeat_count, "row")}
        told.append(write_finding("engagement.stages.repeated", words=words))
    told += _state_machines(stages, known)
    return told


def _read_stage(stages: Published, stage: str, name: str):
    where = {"stage": stage}
    return stages.read_figure("message_count", where=where, kind="count", name=name)


BY_HAND = "opened, not by a machine as far as is known"


def _state_machines(stages: Published, known: set[str]) -> list[Finding]:
    if "opened" not in known:
        return []
    opened = _read_stage(stages, "opened", "opened")
    if BY_HAND not in known:
        return [write_finding("engagement.stages.machines_unknown", [opened])]
    share = stages.read_figure(
        "message_count",
        where={"stage": "opened"},
        minus=stages.locate("message_count", where={"stage": BY_HAND}),
        over=stages.locate("message_count", where={"stage": "opened"}),
        kind="share",
        name="machine_share",
    )
    return [write_finding("engagement.stages.machines", [opened, share])]


def state_messages(messages: Published) -> list[Finding]:
    """Say which segments answer most and least, and that levels are no effects."""
    if messages.empty:
        return [explain_absence(messages)]
    told = state_measures(messages)
    shares = [f"{name}_share" for name in (*ANSWERS, *RARE_ANSWERS)]
    if not messages.frame.reindex(columns=shares).notna().any(axis=None):
        return [*told, write_finding("engagement.messages.no_answers")]
    return [*told, write_finding("engagement.messages.levels")]


def state_missing_steps(steps: Sequence[str]) -> list[Finding]:
    """Say which steps no event names, see `segkit.evidence.experience.site.list_missing_steps`."""
    if not steps:
        return []
    words = {"steps": join_words([f"“{STEPS.get(step, step)}”" for step in steps])}
    return [write_finding("engagement.visits.not_recorded", words=words)]
