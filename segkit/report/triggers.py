"""Whom triggers would place today."""

from __future__ import annotations

from segkit.core.findings import Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import Published, Shape
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import RULE, Column, View

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
        "condition": Column("Places a customer when", kind=RULE),
        "customer_count": Column("Customers today"),
        "share": Column("Of all", kind="share", bar=True),
        "cooldown_days": Column("Then rests for, days", kind="integer"),
    },
)


def state_triggers(placed: Published) -> list[Finding]:
    """Say which trigger places most customers today, and which ones nobody."""
    if placed.empty:
        return [explain_absence(placed)]
    seen = placed.frame.dropna(subset=["customer_count"])
    told = []
    busy = seen[seen["customer_count"] > 0]
    most = busy[busy["customer_count"] == busy["customer_count"].max()]
    if len(most) == 1:
        where = {"trigger": most["trigger"].iloc[0]}
        read = [
            placed.read_figure("customer_count", where=where, kind="count", unit="customer"),
            placed.read_figure("share", where=where, kind="share"),
        ]
        words = {"trigger": where["trigger"].replace("_", " ")}
        told.append(write_finding("triggers.today.most", read, count=read[0], words=words))
    idle = seen.loc[seen["customer_count"] == 0, "trigger"]
    if len(idle):
        names = ", ".join(f"“{name.replace('_', ' ')}”" for name in idle)
        told.append(write_finding("triggers.today.nobody", words={"triggers": names}))
    return told
