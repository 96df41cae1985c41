"""How segments answer messages, and what they do on the site."""

from __future__ import annotations

from matplotlib.axes import Axes

from segkit.core.measures import COUNT, FIGURE
from segkit.core.privacy import NOTE, Shape
from segkit.report.by_segment import MEASURES, RESTS_ON, SEGMENT, view_shares
from segkit.report.shared import charts
from segkit.report.shared.views import Column, View

MESSAGES = View(
    # Messages are no customers: one of them may have many.
    Shape("messages", by=SEGMENT, count=RESTS_ON, measures={"delivered_count": FIGURE}),
    {
        "segment_name": Column(),
        "customer_count": Column(kind="integer"),
        "delivered_count": Column("Delivered", "integer"),
        "open_share": MEASURES["open_share"],
        "open_interval": Column(kind="share", interval=("open_low", "open_high")),
        "click_share": MEASURES["click_share"],
        "click_interval": Column(kind="share", interval=("click_low", "click_high")),
        "unsubscribe_share": MEASURES["unsubscribe_share"],
        "unsubscribe_interval": Column(
            kind="share", interval=("unsubscribe_low", "unsubscribe_high")
        ),
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
        "wishes_per_customer": Column(kind="number"),
        NOTE: Column(),
    },
)
MOST_DEVICES = 5
DEVICES = view_shares("devices", "device")


def plot_devices(devices, *, title: str = "Devices by segment") -> Axes:
    """Draw the share of each segment's events by device.

    How to read it: the darker a cell, the more of the segment's events come from the device.
    The table has a row a segment and device: ``segment_name``, ``device`` and ``share``.
    """
    return charts.plot_cells(
        devices, row="segment_name", column="device", value="share", kind="share", title=title
    )
