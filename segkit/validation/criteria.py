"""Which candidate segmentation to use, and whether to use any.

Knock-out first: every customer in exactly one segment; segments that are large enough, valuable
enough, few enough, and found again in another sample, the whole and each of them; and models that
find segments must find more than they find in shuffled columns. Ranking second: a further segment
must earn its place. Tiers and RFM are cuts by rule: they may be useful, but they find nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from segkit.core.errors import SegkitError, VerdictError
from segkit.plan.models import LEARNING_METHODS, Criteria
from segkit.validation.stability import KINDS, SMALLEST_STRUCTURE, STABLE

# What each further segment must add: explained differences times stability, or, where there are
# clear gaps between segments, structure.
SMALLEST_GAIN = 0.05
SMALLEST_STEP = 0.02
# Two segments that differ by less than this in every column call for the same action.
SAME_ACTION_SD = 0.5
MEANINGS = {
    "none": "another sample of the same customers would give other segments",
    "constructive": "a useful cut through a continuum, not a finding",
    "reproducible": "another sample would give them again, but with no clear gaps between them",
    "natural": "clear groups with few customers between them, found again in every sample",
}


STEP_COLUMNS = [
    "scheme",
    "segment_count",
    "added_explained_share",
    "added_spend_share",
    "added_stability",
    "weakest_jaccard",
    "closest_difference_sd",
    "earns_place",
    "objection",
]


@dataclass(frozen=True)
class Least:
    """What a candidate must reach: its figure, the plan's limit, and how a miss is told.

    ``decimals`` and ``form`` write the figure, ``noun`` follows it, and ``words`` hold it as
    ``{found}``, beside any column of the candidates' table.
    """

    column: str
    limit: str
    decimals: int
    form: Literal["%", "f"]
    words: str
    noun: str = ""


LEAST = (
    Least(
        column="smallest_customer_share",
        limit="smallest_customer_share",
        decimals=1,
        form="%",
        noun=" of customers",
        words="the smallest segment ({smallest_segment}) has {found}",
    ),
    Least(
        column="smallest_value_share",
        limit="smallest_value_share",
        decimals=1,
        form="%",
        noun=" of spend",
        words="the poorest segment ({poorest_segment}) has {found}",
    ),
    Least(
        column="stability",
        limit="smallest_stability",
        decimals=2,
        form="f",
        words="stability is {found}",
    ),
    Least(
        column="weakest_jaccard",
        limit="smallest_jaccard",
        decimals=2,
        form="f",
        words="{weakest_segment} is not found again in other samples: its Jaccard is {found}",
    ),
    Least(
        column="reach",
        limit="smallest_reach",
        decimals=0,
        form="%",
        noun=" of customers right",
        words="a short list of rules places {found}",
    ),
)


@dataclass(frozen=True)
class SchemeChoice:
    """The scheme to use, the verdict on it ("yes" or "no"), and why.

    ``overruled`` says that the plan's ``final_scheme`` is another than the recommended one;
    ``overrule_reason`` is what the plan says against a verdict of "no".
    """

    scheme: str
    segment_count: int
    verdict: str
    reasons: list[str]
    overruled: bool
    kind: str = ""
    overrule_reason: str = ""


def find_faults(row: dict[str, object], criteria: Criteria) -> list[str]:
    """Say in words which criteria a candidate misses; ``row`` is one of the candidates' table."""
    faults = []
    if row["placed_share"] < 1:
        faults.append(f"{1 - row['placed_share']:.1%} of customers have no segment")
    count = row["segment_count"]
    most = criteria.most_segments
    if count > most:
        faults.append(f"{count} segments, the plan allows {most}")
    if np.isnan(row["smallest_value_share"]) and not np.isnan(row["explained_spend_share"]):
        faults.append("there is no spend to share out")
    for wanted in LEAST:
        value = row[wanted.column]
        limit = getattr(criteria, wanted.limit)
        if value < limit:
            found = _tell_apart(value, limit, wanted.decimals, wanted.form, wanted.noun)
            faults.append(wanted.words.format(found=found, **row))
    if row["method"] == "latent_classes":
        if row["structure"] <= 0:
            faults.append("a single class describes the answers as well (BIC): nothing was found")
    elif row["method"] in LEARNING_METHODS and row["structure"] < SMALLEST_STRUCTURE:
        faults.append(
            f"clusters are only {max(row['structure'], 0):.1%} tighter than in shuffled columns, "
            f"below {SMALLEST_STRUCTURE:.0%}: nothing that sets customers apart was found"
        )
    return faults


def _tell_apart(value: float, limit: float, decimals: int, unit: str, noun: str = "") -> str:
    """Write two numbers with as many decimals as it takes to see that they differ."""
    texts = [f"{number:.{decimals}{unit}}" for number in (value, limit)]
    if texts[0] == texts[1] and decimals < 6:
        return _tell_apart(value, limit, decimals + 1, unit, noun)
    return f"{texts[0]}{noun}, below {texts[1]}"


def choose_scheme(
    table: pd.DataFrame, criteria: Criteria, *, refused: Sequence[str] = ()
) -> SchemeChoice:
    """Choose a candidate: knock-out, then ranking with parsimony.

    Within a scheme the fewest segments that pass are taken, and more only where each further one
    earns its place, see `compare_steps`. Between schemes the best explained wins; within five
    points the stronger kind, then fewer segments, then the plan's order. If nothing passes, the
    candidate with the fewest faults is named and the verdict is "no". The plan's ``final_scheme``
    overrules which scheme is chosen, never the verdict on it; its ``overrule_reason`` overrules a
    "no", which stays in the report.

    Parameters
    ----------
    table : pandas.DataFrame
        That of `segkit.validation.candidates.Candidates`.
    criteria : Criteria
        The plan's.
    refused : sequence of str
        Which schemes could not be fitted, and why: they are told last among the reasons.

    Returns
    -------
    SchemeChoice
    """
    chosen = best = choose_best(table)
    if criteria.final_scheme is not None:
        own = table[table["scheme"] == criteria.final_scheme]
        if own.empty:
            message = f"the plan's final scheme '{criteria.final_scheme}' could not be fitted"
            names = ", ".join(table["scheme"].unique())
            raise SegkitError(message, fix=f"Choose one of: {names}.")
        chosen = choose_within(own)
    is_overruled = chosen["scheme"] != best["scheme"]
    reasons = _give_reasons(table, chosen, best if is_overruled else None)
    return SchemeChoice(
        scheme=str(chosen["scheme"]),
        segment_count=int(chosen["segment_count"]),
        verdict="yes" if chosen["passes"] else "no",
        reasons=[*reasons, *refused],
        overruled=bool(is_overruled),
        kind=str(chosen["kind"]),
        overrule_reason="" if chosen["passes"] else criteria.overrule_reason,
    )


def choose_within(rows: pd.DataFrame) -> pd.Series:
    """The best candidate of one scheme."""
    passing = rows[rows["passes"]].sort_values("segment_count")
    if passing.empty:
        best_first = rows.sort_values("explained_share", ascending=False, kind="stable")
        return best_first.sort_values("fault_count", kind="stable").iloc[0]
    best = passing.iloc[0]
    for _, row in passing.iloc[1:].iterrows():
        if not _find_objection(best, row):
            best = row
    return best


def _find_objection(best: pd.Series, row: pd.Series) -> str:
    """Say why the further segments of ``row`` do not earn their place; empty if they do."""
    added = row["segment_count"] - best["segment_count"]
    was_natural = best["kind"] == "natural"
    is_natural = row["kind"] == "natural"
    if is_natural and not was_natural:
        return ""
    if was_natural and not is_natural:
        return "clear groups would be cut in parts"
    if is_natural:
        step = 0.0 if row["method"] == "latent_classes" else SMALLEST_STEP * added
        gained = row["structure"] - best["structure"]
        return "" if gained > 0 and gained >= step else "the groups become no tighter"
    if row["weakest_jaccard"] < min(STABLE, best["weakest_jaccard"]):
        found = _tell_apart(row["weakest_jaccard"], STABLE, 2, "f")
        return f"the Jaccard of one segment ({row['weakest_segment']}) is {found}"
    if row["reproducible_share"] - best["reproducible_share"] < SMALLEST_GAIN * added:
        return "too little more is explained that another sample would find again"
    if row["closest_difference_sd"] < SAME_ACTION_SD:
        return "two segments are so alike that they call for the same action"
    return ""


def compare_steps(table: pd.DataFrame) -> pd.DataFrame:
    """Say what each further segment adds, and whether it earns its place.

    Where there are clear gaps between segments (*natural*) a further one must make the groups
    tighter against shuffled columns, by two points each. Elsewhere it must not bring a segment
    with a Jaccard below .75, must add five points to ``reproducible_share`` (what is explained
    counts as far as another sample would find it again), and no two segments may differ by less
    than half a standard deviation in every column.

    Returns
    -------
    pandas.DataFrame
        One row a candidate and the next number of segments of its scheme: ``scheme``,
        ``segment_count`` (the larger), ``added_explained_share``, ``added_spend_share``,
        ``added_stability``, ``weakest_jaccard``, ``closest_difference_sd``, ``earns_place``,
        ``objection``.
    """
    rows = []
    for scheme, own in table.groupby("scheme", sort=False):
        ordered = own.sort_values("segment_count")
        for (_, before), (_, row) in itertools.pairwise(ordered.iterrows()):
            objection = _find_objection(before, row) if row["passes"] else "it is refused"
            rows.append(
                (
                    scheme,
                    row["segment_count"],
                    row["explained_share"] - before["explained_share"],
                    row["explained_spend_share"] - before["explained_spend_share"],
                    row["stability"] - before["stability"],
                    row["weakest_jaccard"],
                    row["closest_difference_sd"],
                    not objection,
                    objection,
                )
            )
    return pd.DataFrame(rows, columns=STEP_COLUMNS)


def choose_best(table: pd.DataFrame) -> pd.Series:
    """The best candidate of all schemes."""
    own_best = pd.DataFrame(choose_within(rows) for _, rows in table.groupby("scheme", sort=False))
    finalists = own_best[own_best["fault_count"] == own_best["fault_count"].min()]
    near = finalists["explained_share"].max() - SMALLEST_GAIN
    close = finalists[finalists["explained_share"] > near]
    strength = -close["kind"].map(KINDS.index)
    order = close.assign(strength=strength).sort_values(
        ["strength", "segment_count"], kind="stable"
    )
    return close.loc[order.index[0]]


def _give_reasons(
    table: pd.DataFrame, chosen: pd.Series, recommended: pd.Series | None
) -> list[str]:
    """Say why this candidate, why not its neighbours, and why not the other schemes."""
    spend = f" and {chosen['explained_spend_share']:.0%} of those in spend"
    spend = "" if np.isnan(chosen["explained_spend_share"]) else spend
    reasons = [
        f"{_label(chosen)}: {chosen['kind']}, {MEANINGS[chosen['kind']]}; stability "
        f"{chosen['stability']:.2f}, of the weakest segment {chosen['weakest_jaccard']:.2f}; it "
        f"explains {chosen['explained_share']:.0%} of the differences between customers{spend}; "
        f"the smallest segment has {chosen['smallest_customer_share']:.1%} of customers."
    ]
    if not chosen["passes"]:
        reasons.append(f"Refused: {chosen['reason']}.")
    elif chosen["method"] not in LEARNING_METHODS:
        reasons.append("It is a cut by rule: useful for acting, but it finds no natural groups.")
    if recommended is not None:
        advice = "would be recommended" if recommended["passes"] else "comes nearest"
        reasons.append(
            f"The plan asks for {_name(chosen['scheme'])}; {_label(recommended)} {advice}."
        )
    for _, row in table.iterrows():
        further = row["segment_count"] - chosen["segment_count"]
        same = row["scheme"] == chosen["scheme"]
        if same and further == 0:
            continue
        points = round(100 * (row["explained_share"] - chosen["explained_share"]))
        unit = "point" if abs(points) == 1 else "points"
        gain = f"{abs(points)} {unit} {'more' if points > 0 else 'less'}" if points else "as much"
        found = f"explains {gain} of the differences, with stability {row['stability']:.2f}"
        if not row["passes"]:
            reasons.append(f"{_label(row)} is refused: {row['reason']}.")
        elif same and further > 0:
            segments = "segment does not earn its" if further == 1 else "segments do not earn their"
            why = _find_objection(chosen, row)
            reasons.append(f"{_label(row)} {found}: the further {segments} place, for {why}.")
        else:
            reasons.append(f"{_label(row)} meets every criterion too; it {found}.")
    return reasons


def _label(row: pd.Series) -> str:
    return f"{_name(row['scheme'])} with {row['segment_count']} segments"


def _name(scheme: str) -> str:
    return scheme.replace("_", " ")


def enforce_verdict(choice: SchemeChoice, criteria: Criteria) -> None:
    """Raise a `VerdictError` if a "no" is to stop the run and the plan does not overrule it."""
    stops = criteria.on_verdict == "stop" and not choice.overrule_reason
    if choice.verdict == "no" and stops:
        raise VerdictError(
            "the verdict on the segments is no, and the plan says to stop on it",
            where=choice.scheme,
            found=" ".join(choice.reasons),
            fix='Change the schemes or the criteria, set on_verdict = "warn", or '
            "give an overrule_reason.",
        )
