"""What the command that exports is told, and what it says."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from segkit.action.lists.exporting import Export
from segkit.action.lists.sorting import EXPORTED, STATES
from segkit.core.errors import UsageError
from segkit.core.printing import print_table

DEFAULT_PLAN = "plan.toml"


def split_names(names: Sequence[str], *, is_named: bool) -> tuple[str, str]:
    """Return the plan and the segment that a call names.

    With ``is_named`` the list is named elsewhere, and one name is the plan's.

    Raises
    ------
    UsageError
        If there are too many names, or none where a segment is needed.

    Examples
    --------
    >>> split_names(["Loyal"], is_named=False), split_names(["shop.toml"], is_named=True)
    (('plan.toml', 'Loyal'), ('shop.toml', ''))
    """
    most = 1 if is_named else 2
    if len(names) > most:
        what = "give a plan alone" if is_named else "give a plan and a segment"
        raise UsageError(what, found=" ".join(names), fix="Quote the name.")
    if is_named:
        return (names[0] if names else DEFAULT_PLAN), ""
    if not names:
        fix = "Name a segment, or write --play NAME, --trigger NAME or --all."
        raise UsageError("say which list", fix=fix)
    return (names[0] if len(names) == most else DEFAULT_PLAN), names[-1]


def tabulate_export(written: Export) -> pd.DataFrame:
    """Return the counts with a row a list; states of nobody are left out."""
    rows = [
        {"list": one.name, "kind": one.kind, "members": one.counts["in_segment"]}
        | {state: one.counts[state] for state in STATES}
        for one in written.lists
    ]
    table = pd.DataFrame(rows)
    empty = [state for state in STATES if state != EXPORTED and not table[state].any()]
    return table.drop(columns=empty)


def describe_export(written: Export) -> list[str]:
    """Return lines on what was written, and on who was left out and why."""
    lines = [f"Mind, of {one.name}: {one.note}." for one in written.lists if one.note]
    if len(written.lists) == 1:
        (one,) = written.lists
        counts = one.counts
        exported = f"{counts[EXPORTED]:,} of {counts['in_segment']:,} customers exported"
        lines.append(f"{exported}: {one.path}")
        left_out = {state: counts[state] for state in STATES if state != EXPORTED}
        lines += [f"Left out as they {STATES[state]}: {n:,}." for state, n in left_out.items() if n]
    if written.disagreeing_count:
        told = f"{written.disagreeing_count:,} customers"
        lines.append(f"No, as their rows disagree on consent: {told}.")
    if written.unmatched_count:
        told = f"entries of the suppression list that meet no customer: {written.unmatched_count:,}"
        lines.append(f"Mind: {told}. See that it is the right list.")
    return lines


def print_export(written: Export) -> None:
    """Print what an export wrote, and who was left out of it."""
    if len(written.lists) > 1:
        print_table(str(written.manifest.parent), tabulate_export(written))
    print(*describe_export(written), sep="\n")
