"""Which candidate segmentation to use, and whether to use any.

Knock-out first: every customer in exactly one segment; segments that are large enough, valuable
enough, few enough, and found again in another sample, the whole and each of them; and models that
find segments must find more than they find in shuffled columns, or in data without groups. Ranking
second: a further segment must earn its place. Tiers and RFM are cuts by rule: they may be useful,
but they find nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from segkit.core.errors import SegkitError, VerdictError
from segkit.plan.models import LEARNING_METHODS, Criteria
from segkit.validation.stability import GROUP_KINDS, KINDS, SMALLEST_STRUCTURE, STABLE

# What each further segment must add: explained differences times stability, or, where more is found
# than in data without groups, that much more than it adds there (as a logarithm of the cost).
SMALLEST_GAIN = 0.05
SMALLEST_STEP = 0.02
# More is found than without groups if it is that much more (as a logarithm). A segment in which two
# prototypes find that much more than in its own null holds more than one group; so does one whose
# parts a valley parts that is no higher than this.
SMALLEST_PARTS = 0.03
HIGHEST_PARTING = 0.85
# Two segments that differ by less than this in every column call for the same action.
SAME_ACTION_SD = 0.5
STEP_COLUMNS = (
    "scheme",
    "segment_count",
    "added_explained_share",
    "added_spend_share",
    "added_stability",
    "weakest_jaccard",
    "weakest_segment",
    "closest_difference_sd",
    "earns_place",
    "objection",
)
# What a candidate must reach at least: a column of the candidates' table, and the plan's limit.
LEAST = {
    "smallest_customer_share": "smallest_customer_share",
    "smallest_value_share": "smallest_value_share",
    "stability": "smallest_stability",
    "weakest_jaccard": "smallest_jaccard",
    "reach": "smallest_reach",
}


@dataclass(frozen=True)
class SchemeChoice:
    """The scheme to use, and the verdict on it: "yes" or "no".

    ``overruled`` says that the plan's ``final_scheme`` is another than the recommended one, which
    ``recommended_scheme`` and ``recommended_count`` name; ``overrule_reason`` is what the plan says
    against a verdict of "no".
    """

    scheme: str
    segment_count: int
    verdict: str
    overruled: bool
    kind: str = ""
    overrule_reason: str = ""
    recommended_scheme: str = ""
    recommended_count: int = 0


def list_limits(criteria: Criteria) -> pd.DataFrame:
    """List what a candidate is measured against.

    Returns
    -------
    pandas.DataFrame
        One row a criterion: ``criterion`` and ``limit``. Besides the columns that must reach the
        plan's limits there are ``most_segments``, ``structure`` (of models that find segments) and
        ``step_jaccard`` (of the weakest segment that a further one may bring).
    """
    limits = {column: getattr(criteria, name) for column, name in LEAST.items()}
    limits["most_segments"] = criteria.most_segments
    limits["structure"] = SMALLEST_STRUCTURE
    limits["step_jaccard"] = STABLE
    return pd.DataFrame({"criterion": list(limits), "limit": map(float, limits.values())})


def find_faults(row: Mapping[str, object], criteria: Criteria) -> list[str]:
    """Name the criteria that a candidate misses; ``row`` is one of the candidates' table.

    They are columns of the table, and ``most_segments``, ``no_spend`` (none to share out) and
    ``one_class`` (it describes the answers as well).
    """
    faults = []
    if row["placed_share"] < 1:
        faults.append("placed_share")
    if row["segment_count"] > criteria.most_segments:
        faults.append("most_segments")
    if np.isnan(row["smallest_value_share"]) and not np.isnan(row["explained_spend_share"]):
        faults.append("no_spend")
    faults += [name for name, limit in LEAST.items() if row[name] < getattr(criteria, limit)]
    if row["method"] == "latent_classes":
        if row["structure"] <= 0:
            faults.append("one_class")
    elif row["method"] in LEARNING_METHODS:
        found = np.fmax(row["structure"], row["beyond_null"])
        if not found >= SMALLEST_STRUCTURE:
            faults.append("structure")
    return faults


def choose_scheme(
    table: pd.DataFrame, criteria: Criteria, *, refused: pd.DataFrame | None = None
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
    refused : pandas.DataFrame, optional
        Which schemes could not be fitted (``scheme``) and ``why``, for the error if the plan's
        ``final_scheme`` is one of them.

    Returns
    -------
    SchemeChoice
    """
    best = choose_best(table)
    chosen = best
    if criteria.final_scheme is not None:
        own = table[table["scheme"] == criteria.final_scheme]
        if own.empty:
            message = f"the plan's final scheme '{criteria.final_scheme}' could not be fitted"
            names = ", ".join(table["scheme"].unique())
            why = _explain_refusal(criteria.final_scheme, refused)
            raise SegkitError(message, found=why, fix=f"Choose one of: {names}.")
        chosen = choose_within(own)
    return SchemeChoice(
        scheme=str(chosen["scheme"]),
        segment_count=int(chosen["segment_count"]),
        verdict="yes" if chosen["passes"] else "no",
        overruled=bool(chosen["scheme"] != best["scheme"]),
        kind=str(chosen["kind"]),
        overrule_reason="" if chosen["passes"] else criteria.overrule_reason,
        recommended_scheme=str(best["scheme"]),
        recommended_count=int(best["segment_count"]),
    )


def _explain_refusal(scheme: str, refused: pd.DataFrame | None) -> str:
    """Return why a scheme could not be fitted, as far as that is known in words."""
    if refused is None:
        return ""
    why = refused.loc[refused["scheme"] == scheme, "why"]
    return " ".join(filter(None, why)).rstrip(".")


def choose_within(rows: pd.DataFrame) -> pd.Series:
    """The best candidate of one scheme."""
    passing = rows[rows["passes"]].sort_values("segment_count")
    if passing.empty:
        nearest = rows[rows["fault_count"] == rows["fault_count"].min()]
        passing = nearest.sort_values("segment_count")
    best = passing.iloc[0]
    for _, row in passing.iloc[1:].iterrows():
        if not find_objection(best, row):
            best = row
    return best


def find_objection(best: pd.Series, row: pd.Series) -> str:
    """Name why the further segments of ``row`` do not earn their place; empty if they do.

    Where either finds more than in data without groups, segments that are called groups and are
    each found again earn their place by that. Of others: ``no_tighter``, the groups become no
    tighter than those of such data do; ``cuts_groups``, no segment held more than one group.
    Elsewhere: ``weak_segment``, one is not stable; ``too_little``, too little more is explained
    that another sample would find again; ``same_action``, two segments are too much alike.
    """
    added = row["segment_count"] - best["segment_count"]
    if _exceeds_null(best) or _exceeds_null(row):
        if _are_groups(row):
            return ""
        if not _gains_more(best, row):
            return "no_tighter"
        return "" if _holds_several(best, row) else "cuts_groups"
    if row["weakest_jaccard"] < min(STABLE, best["weakest_jaccard"]):
        return "weak_segment"
    if row["reproducible_share"] - best["reproducible_share"] < SMALLEST_GAIN * added:
        return "too_little"
    if row["closest_difference_sd"] < SAME_ACTION_SD:
        return "same_action"
    return ""


def _exceeds_null(row: pd.Series) -> bool:
    """Say whether more is found than without groups, be it too little to call it groups."""
    return bool(row["beyond_null"] > 0 or row["null_gain"] >= SMALLEST_PARTS)


def _are_groups(row: pd.Series) -> bool:
    """Say whether the segments are called groups, and each is found again in another sample."""
    return row["kind"] in GROUP_KINDS and bool(row["weakest_jaccard"] >= STABLE)


def _gains_more(best: pd.Series, row: pd.Series) -> bool:
    """Say whether further segments gain more on data without groups.

    Of latent classes any gain counts, if BIC finds the further classes worth their price as well: a
    small class adds little to the likelihood of all.
    """
    gained = row["null_gain"] - best["null_gain"]
    if row["method"] == "latent_classes":
        return bool(gained > 0 and row["structure"] > best["structure"])
    return bool(gained >= SMALLEST_STEP * (row["segment_count"] - best["segment_count"]))


def _holds_several(best: pd.Series, row: pd.Series) -> bool:
    """Say whether a segment of the fewer held several groups, as far as that can be seen."""
    if not best["beyond_null"] > 0 or np.isnan(best["parts_beyond_null"]):
        return True
    return best["parts_beyond_null"] >= SMALLEST_PARTS or row["valley"] <= HIGHEST_PARTING


def compare_steps(table: pd.DataFrame) -> pd.DataFrame:
    """Say what each further segment adds, and whether it earns its place.

    Where more is found than in data without groups that depend as these do, a further one earns its
    place if all segments are then called groups and each has a Jaccard of .75 or more: a small
    group adds little to the whole. Where they are not called so, it must make the groups tighter by
    two points more than in such data, and part a segment that holds more than one group: two
    prototypes find three points more in it than in its own null, or a valley lies between all
    segments then. Elsewhere it must not bring a segment with a Jaccard below .75, must add five
    points to ``reproducible_share`` (what is explained counts as far as another sample would find
    it again), and no two segments may differ by less than half a standard deviation in every
    column.

    Returns
    -------
    pandas.DataFrame
        One row a candidate and the next number of segments of its scheme: ``scheme``,
        ``segment_count`` (the larger), ``added_explained_share``, ``added_spend_share``,
        ``added_stability``, ``weakest_jaccard``, ``weakest_segment``, ``closest_difference_sd``,
        ``earns_place``, ``objection`` (``refused``, or that of `find_objection`).
    """
    rows = []
    for scheme, own in table.groupby("scheme", sort=False):
        ordered = own.sort_values("segment_count")
        for (_, before), (_, row) in itertools.pairwise(ordered.iterrows()):
            objection = find_objection(before, row) if row["passes"] else "refused"
            gained = row["explained_spend_share"] - before["explained_spend_share"]
            rows.append(
                {
                    "scheme": scheme,
                    "segment_count": row["segment_count"],
                    "added_explained_share": row["explained_share"] - before["explained_share"],
                    "added_spend_share": gained,
                    "added_stability": row["stability"] - before["stability"],
                    "weakest_jaccard": row["weakest_jaccard"],
                    "weakest_segment": row["weakest_segment"],
                    "closest_difference_sd": row["closest_difference_sd"],
                    "earns_place": not objection,
                    "objection": objection,
                }
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


def read_choice(facts: Mapping[str, Any]) -> SchemeChoice:
    """Return the choice that the base analysis kept among its ``facts``."""
    return SchemeChoice(**facts["choice"])


def enforce_verdict(
    choice: SchemeChoice, criteria: Criteria, *, reasons: Sequence[str] = ()
) -> None:
    """Raise a `VerdictError` if a "no" is to stop the run and the plan does not overrule it.

    ``reasons`` say in words why; they are told with the error.
    """
    stops = criteria.on_verdict == "stop" and not choice.overrule_reason
    if choice.verdict == "no" and stops:
        raise VerdictError(
            "the verdict on the segments is no, and the plan says to stop on it",
            where=choice.scheme,
            found=" ".join(reasons),
            fix='Change the schemes or the criteria, set on_verdict = "warn", or '
            "give an overrule_reason.",
        )
