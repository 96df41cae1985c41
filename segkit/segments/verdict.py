"""What follows from a choice: one segmentation a scheme, and a run that stops on a "no"."""

from __future__ import annotations

import pandas as pd

from segkit.errors import VerdictError
from segkit.plan import Criteria
from segkit.segments.criteria import Candidates, Choice, choose_scheme
from segkit.segments.profiles import cross_schemes
from segkit.segments.segmentation import Segmentation


def choose_segmentations(candidates: Candidates, choice: Choice) -> dict[str, Segmentation]:
    """Return one segmentation a scheme: the chosen one, and the best of each other scheme."""
    chosen = {}
    for scheme in dict.fromkeys(candidates.table["scheme"]):
        count = choice.segment_count
        if scheme != choice.scheme:
            own = candidates.table[candidates.table["scheme"] == scheme]
            count = choose_scheme(own, Criteria()).segment_count
        chosen[scheme] = candidates.segmentations[scheme, count]
    return chosen


def assign_schemes(customers: pd.DataFrame, segmentations: dict[str, Segmentation]) -> pd.DataFrame:
    """Return ``customer_id`` and a column ``segment_<scheme>`` of segment names for each scheme."""
    columns = {
        f"segment_{name}": segmentation.assign(customers)["segment_name"]
        for name, segmentation in segmentations.items()
    }
    return customers[["customer_id"]].assign(**columns)


def cross_all_schemes(
    segments: pd.DataFrame, scheme: str, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Count customers by segment of one scheme and segment of each other scheme.

    Returns
    -------
    DataFrame
        ``other_scheme``, ``other_segment`` and one column of counts for each segment of
        ``scheme``; small cells are missing.
    """
    own = f"segment_{scheme}"
    others = [c for c in segments.columns if c.startswith("segment_") and c != own]
    tables = []
    for other in others:
        crossed = cross_schemes(segments, other, own, smallest_cell=smallest_cell)
        crossed = crossed.rename_axis("other_segment").rename_axis(columns=None).reset_index()
        crossed.insert(0, "other_scheme", other.removeprefix("segment_").replace("_", " "))
        tables.append(crossed)
    if not tables:
        return pd.DataFrame(columns=["other_scheme", "other_segment"])
    return pd.concat(tables, ignore_index=True)


def enforce_verdict(choice: Choice, criteria: Criteria) -> None:
    """Stop a run whose verdict is "no", if the plan says so.

    Raises
    ------
    VerdictError
        With the reasons.
    """
    if choice.verdict == "no" and criteria.on_verdict == "stop":
        raise VerdictError(
            "the verdict on the segments is no, and the plan says to stop on it",
            where=choice.scheme,
            found=" ".join(choice.reasons),
            fix='Change the schemes or the criteria, or set on_verdict = "warn".',
        )
