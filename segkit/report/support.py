"""What segments ask support for, how long they wait, and where the time goes."""

from __future__ import annotations

from matplotlib.axes import Axes

from segkit.core.measures import FIGURE
from segkit.core.privacy import NOTE, Shape
from segkit.report.by_segment import MEASURES, RESTS_ON, SEGMENT, view_shares
from segkit.report.shared import charts
from segkit.report.shared.views import Column, View

INTEGER = Column(kind="integer")
HOURS = Column("Median hours", "number")
TICKETS = View(
    # Tickets are no customers: one of them may have many.
    Shape(
        "tickets",
        by=SEGMENT,
        count=RESTS_ON,
        measures={"ticket_count": FIGURE, "unresolved_count": FIGURE},
    ),
    {
        "segment_name": Column(),
        "customer_count": INTEGER,
        "ticket_count": INTEGER,
        "tickets_per_100_customers": MEASURES["tickets_per_100_customers"],
        "unresolved_count": Column("Not resolved", "integer"),
        "median_hours_to_resolve": MEASURES["median_hours_to_resolve"],
        "hours_interval": Column(
            kind="number", interval=("median_hours_to_resolve_low", "median_hours_to_resolve_high")
        ),
        "rated_share": MEASURES["rated_share"],
        "mean_satisfaction": MEASURES["mean_satisfaction"],
        "satisfaction_interval": Column(
            kind="number", interval=("mean_satisfaction_low", "mean_satisfaction_high")
        ),
        NOTE: Column(),
    },
)
TOPICS = view_shares("topics", "topic")
FATES = View(
    Shape("ticket_fates", population="rows", by=("fate",)),
    {
        "fate": Column("What became of it"),
        "ticket_count": Column("Tickets", "integer"),
        "counts_as": Column("Counts as"),
    },
)
EVENTS = View(
    Shape("ticket_event_counts", population="rows", by=("belongs_to",)),
    {"belongs_to": Column("Belongs to"), "event_count": Column("Events", "integer")},
)
WAITS = View(Shape("waits", by=("segment_name", "hours"), count=RESTS_ON, repeats=True))
COMPARISONS = View(
    Shape("waits_compared", by=("subject", "wait"), adds_up=False),
    {
        "subject": Column("Compared"),
        "wait": Column("Wait for"),
        "group_count": Column("Groups", "integer"),
        "left_out_count": Column("Groups left out", "integer"),
        "ticket_count": Column("Tickets", "integer"),
        "statistic": Column("Chi-square", "number"),
        "freedom": Column("Degrees of freedom", "integer"),
        "corrected_p_value": Column("p, corrected", "number"),
        NOTE: Column(),
    },
)
HANDOVERS = View(
    Shape(
        "handovers",
        by=SEGMENT,
        count=RESTS_ON,
        measures={"ticket_count": FIGURE, "resolved_count": FIGURE},
    ),
    {
        "segment_name": Column("Tickets of"),
        "customer_count": INTEGER,
        "ticket_count": Column("Tickets", "integer"),
        "handed_share": MEASURES["handed_share"],
        "handed_interval": Column(kind="share", interval=("handed_low", "handed_high")),
        "mean_handovers": Column("Hand-overs a ticket", "number"),
        "reopened_share": MEASURES["reopened_share"],
        "reopened_interval": Column(kind="share", interval=("reopened_low", "reopened_high")),
        NOTE: Column(),
    },
)


def view_groups(column: str, heading: str) -> View:
    """Return the view of the hours by a column of groups, such as ``topic``."""
    shape = Shape(
        f"hours_by_{column}",
        by=(column,),
        count=RESTS_ON,
        repeats=True,
        measures={"ticket_count": FIGURE, "ended_count": FIGURE},
    )
    columns = {
        column: Column(heading),
        "ticket_count": Column("Tickets", "integer"),
        "ended_count": Column("Resolved", "integer"),
        "median_hours": HOURS,
        "hours_interval": Column(kind="number", interval=("low", "high")),
        NOTE: Column(),
    }
    return View(shape, columns)


def view_states(column: str, heading: str) -> View:
    """Return the view of the hours that tickets stood in each state, by ``event`` or ``queue``."""
    shape = Shape(
        f"hours_after_{column}",
        by=(column,),
        count=RESTS_ON,
        repeats=True,
        measures={"ticket_count": FIGURE},
    )
    columns = {
        column: Column(heading),
        "ticket_count": Column("Tickets", "integer"),
        "hours": Column("Hours in all", "integer"),
        "hour_share": Column("Share of the hours", "share", bar=True),
        "hours_per_ticket": Column("Hours a ticket", "number"),
        NOTE: Column(),
    }
    return View(shape, columns)


TOPIC_HOURS = view_groups("topic", "Topic")
CHANNEL_HOURS = view_groups("channel", "Channel")
STATES = view_states("event", "After the event")
QUEUES = view_states("queue", "Role or queue")


def plot_waits(waits, *, title: str = "Tickets that still wait") -> Axes:
    """Draw which share of each segment's tickets still waits for a resolution, after some hours.

    How to read it: the lower a line, the sooner its segment is helped; what is still open counts.
    Where a line ends, fewer than ten tickets still waited.
    The table has a row a segment and hour: ``segment_name``, ``hours`` and ``waiting_share``.
    """
    return charts.plot_trend(
        waits,
        x="hours",
        y="waiting_share",
        group="segment_name",
        kind="share",
        value_name="share of the tickets that still waits, by hours since it was opened",
        title=title,
    )
