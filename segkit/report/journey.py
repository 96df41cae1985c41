"""How far customers come, and when one is at risk or has lapsed."""

from __future__ import annotations

from collections.abc import Sequence

from segkit.core.findings import Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import Published, Shape
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import explain_absence, write_figure, write_finding
from segkit.report.shared.views import Column, View

# Steps lie within each other; few who stop between two steps are pooled, see `pool_steps`.
FUNNEL = View(
    Shape(
        "funnel",
        by=("step",),
        adds_up=False,
        measures={"known_share": COUNT, "step_share": COUNT, "seen_count": COUNT},
    ),
    {
        "step": Column("Step"),
        "customer_count": Column("Customers"),
        "known_share": Column("Share of all known", bar=True),
        "step_share": Column("Share of the step before"),
        "seen_count": Column("Seen at the step itself", "integer"),
    },
)
# Below this share of those who count for a step, it is told that most are seen only later.
FEW_SEEN = 0.9
CUTS = View(
    Shape("cuts", population="rules", by=("stage",)),
    {
        "stage": Column("Stage"),
        "rule": Column("First rule that holds"),
        "limit": Column("Cut point"),
        "is_learned": Column("Learned from these customers"),
    },
)
STAGES_OF_SEGMENTS = View(
    Shape(
        "stages_of_segments",
        by=("segment_name", "journey_stage"),
        wholes=("segment_count",),
        measures={"stage_share": COUNT},
    )
)
# Names of segments that are words for stages, each with the stages that they would be.
STAGE_WORDS = {
    "at risk": ("at risk",),
    "lost": ("lapsed",),
    "lapsed": ("lapsed",),
    "at risk or lost": ("at risk", "lapsed"),
    "loyal": ("loyal",),
    "new": ("new",),
    "active": ("active",),
    "one order": ("one order",),
}
AGREE = 0.9  # from this share on a name and the stage say the same
LAPSED = {"stage": "lapsed"}
AT_RISK = {"stage": "at risk"}


def state_funnel(funnel: Published, unrecorded: Sequence[str] = ()) -> list[Finding]:
    """Say how many customers are known, at which step most stop, and what is not recorded.

    ``unrecorded`` are the steps of which nothing is recorded, see `list_unrecorded`.
    """
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
    told += _state_seen(funnel)
    if unrecorded:
        words = {"steps": join_words([f"“{step}”" for step in unrecorded])}
        told.append(write_finding("journey.funnel.unrecorded", words=words))
    return told


def _state_seen(funnel: Published) -> list[Finding]:
    """Say of the step that is recorded of the smallest part of those who count for it that it is.

    The others took a later step and are taken to have taken this one; nothing shows it.
    """
    frame = funnel.frame.dropna(subset=["customer_count", "seen_count"])
    shares = frame["seen_count"].astype(float) / frame["customer_count"].astype(float)
    if shares.empty or not shares.min() < FEW_SEEN:
        return []
    step = frame.loc[shares.idxmin(), "step"]
    count = funnel.read_figure("customer_count", where={"step": step}, kind="count")
    seen = funnel.read_figure("seen_count", where={"step": step}, kind="count")
    words = {"step": step}
    return [write_finding("journey.funnel.seen", [count, seen], count=count, words=words)]


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


def state_stage_words(crossed: Published) -> list[Finding]:
    """Say of segments that are named like a stage how many of their customers are in it.

    ``crossed`` is what `cross_stages` counted. Nothing is said where the two agree.
    """
    told = []
    for segment, rows in crossed.frame.groupby("segment_name", sort=False):
        stages = STAGE_WORDS.get(str(segment).casefold())
        known = rows.dropna(subset=["stage_share"])
        if stages is None or known.empty:
            continue
        is_same = known["journey_stage"].isin(stages)
        hidden = set(stages) & set(rows.loc[rows["stage_share"].isna(), "journey_stage"])
        others = known[~is_same].sort_values("stage_share", ascending=False, kind="stable")
        same = float(known.loc[is_same, "stage_share"].sum())
        if same < AGREE and len(others) and not hidden:
            told.append(
                _state_stage_word(
                    crossed, str(segment), stages, str(others["journey_stage"].iloc[0])
                )
            )
    return told


def _state_stage_word(
    crossed: Published, segment: str, stages: Sequence[str], other: str
) -> Finding:
    """Say how many of a segment are in the stage that its name says, and where most others are."""
    told = [stage for stage in stages if stage in set(crossed.frame["journey_stage"])]
    shares = []
    parts = [] if told else [f"none in “{stages[0]}”"]
    for place, stage in enumerate([*told, other]):
        where = {"segment_name": segment, "journey_stage": stage}
        name = f"share_{place}"
        share = crossed.read_figure("stage_share", where=where, kind="share", name=name)
        shares.append(share)
        parts.append(f"{write_figure(share)} in “{stage}”")
    where = {"segment_name": segment, "journey_stage": other}
    count = crossed.read_figure("segment_count", where=where, kind="count", unit="customer")
    words = {"segment": segment, "stages": join_words(parts)}
    return write_finding("journey.stage_words.differ", [*shares, count], count=count, words=words)
