"""What segments ask support for, and how they are served."""

from __future__ import annotations

from segkit.core.measures import FIGURE
from segkit.core.privacy import NOTE, Shape
from segkit.report.by_segment import MEASURES, RESTS_ON, SEGMENT, view_shares
from segkit.report.shared.views import Column, View

TICKETS = View(
    # Tickets are no customers: one of them may have many.
    Shape("tickets", by=SEGMENT, count=RESTS_ON, measures={"ticket_count": FIGURE}),
    {
        "segment_name": Column(),
        "customer_count": Column(kind="integer"),
        "ticket_count": Column(kind="integer"),
        "tickets_per_100_customers": MEASURES["tickets_per_100_customers"],
        "resolved_share": Column(kind="share"),
        "median_hours_to_resolve": MEASURES["median_hours_to_resolve"],
        "mean_satisfaction": MEASURES["mean_satisfaction"],
        NOTE: Column(),
    },
)
TOPICS = view_shares("topics", "topic")
