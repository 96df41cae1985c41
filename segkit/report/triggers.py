"""Whom triggers would place today."""

from __future__ import annotations

from segkit.core.findings import Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import Published, Shape
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View

MOST_TOLD = 3  # triggers in sentences; the table has them all
TRIGGERS = View(
    Shape(
        "triggers",
        by=("trigger",),
        adds_up=False,
        repeats=True,
        shown=("condition", "play", "cooldown_days"),
        wholes=("known_count",),
        measures={"share": COUNT},
    ),
    {
        "trigger": Column("Trigger"),
        "condition": Column("Places a customer when"),
        "customer_count": Column("Customers today"),
        "share": Column("Of all", kind="share", bar=True),
        "cooldown_days": Column("Then rests for, days", kind="integer"),
    },
)


def state_triggers(placed: Published) -> list[Finding]:
    """Say whom the first triggers place today, by size, and which ones place nobody."""
    if placed.empty:
        return [explain_absence(placed)]
    seen = placed.frame.dropna(subset=["customer_count"])
    told = []
    busy = seen[seen["customer_count"] > 0].sort_values(
        "customer_count", ascending=False, kind="stable"
    )
    for name in busy["trigger"].head(MOST_TOLD):
        where = {"trigger": name}
        read = [
            placed.read_figure("customer_count", where=where, kind="count", unit="customer"),
            placed.read_figure("share", where=where, kind="share"),
        ]
        words = {"trigger": name.replace("_", " ")}
        told.append(write_finding("triggers.today.placed", read, count=read[0], words=words))
    idle = seen.loc[seen["customer_count"] == 0, "trigger"]
    if len(idle):
        names = ", ".join(f"“{name.replace('_', ' ')}”" for name in idle)
        told.append(write_finding("triggers.today.nobody", words={"triggers": names}))
    return told
