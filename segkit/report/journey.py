"""How far customers come, and when one is at risk or has lapsed."""

from __future__ import annotations

from segkit.core.findings import Finding
from segkit.core.privacy import Published, Shape
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View

# Steps lie within each other; few who stop between two steps are pooled, see `pool_steps`.
FUNNEL = View(
    Shape("funnel", by=("step",), adds_up=False),
    {
        "step": Column("Step"),
        "customer_count": Column("Customers"),
        "known_share": Column("Share of all known", bar=True),
        "step_share": Column("Share of the step before"),
    },
)
CUTS = View(
    Shape("cuts", population="rules", by=("stage",)),
    {
        "stage": Column("Stage"),
        "rule": Column("First rule that holds"),
        "limit": Column("Cut point"),
        "is_learned": Column("Learned from these customers"),
    },
)
LAPSED = {"stage": "lapsed"}
AT_RISK = {"stage": "at risk"}


def state_funnel(funnel: Published) -> list[Finding]:
    """Say how many customers are known, and at which step most of them are lost."""
    if funnel.empty:
        return [explain_absence(funnel)]
    first = funnel.frame["step"].iloc[0]
    known = funnel.read_figure(
        "customer_count", where={"step": first}, kind="count", unit="customer"
    )
    told = [write_finding("journey.funnel.known", [known], count=known)]
    steps = funnel.frame[funnel.frame["step_share"] < 1]
    for step in steps.nsmallest(1, "step_share")["step"]:
        share = funnel.read_figure("step_share", where={"step": step}, kind="share")
        count = funnel.read_figure("customer_count", where={"step": step}, kind="count")
        lost = write_finding("journey.funnel.lost", [share], count=count, words={"step": step})
        told.append(lost)
    return told


def state_cuts(cuts: Published) -> list[Finding]:
    """Say what a lapsed customer is, and from how many gaps between orders that was learned."""
    if cuts.empty:
        return [explain_absence(cuts)]
    gaps = cuts.read_figure("gap_count", where=LAPSED, kind="count", unit="gap")
    if not cuts.frame.set_index("stage")["is_learned"]["lapsed"]:
        fixed = [
            cuts.read_figure("cut", where=AT_RISK, kind="count", name="at_risk"),
            cuts.read_figure("cut", where=LAPSED, kind="count", name="lapsed"),
            cuts.read_figure("least_gap_count", where=LAPSED, kind="count"),
        ]
        return [write_finding("journey.cuts.fixed", [gaps, *fixed])]
    learned = [
        cuts.read_figure("cut", where=AT_RISK, decimals=1, name="at_risk"),
        cuts.read_figure("cut", where=LAPSED, decimals=1, name="lapsed"),
    ]
    longer = [
        cuts.read_figure(
            "longer_share", where=place, kind="share", decimals=0, name=f"{name}_share"
        )
        for place, name in ((AT_RISK, "at_risk"), (LAPSED, "lapsed"))
    ]
    return [
        write_finding("journey.cuts.learned", [gaps, *learned]),
        write_finding("journey.cuts.longer", longer),
    ]
