"""Warnings that the plan accepts by their names stand as notes, with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from segkit.contract.tables import TABLES
from segkit.core.errors import SegkitError, suggest_name
from segkit.data.judging import JUDGED
from segkit.data.notices import NOTICED, Notice
from segkit.data.quality_rules import REFERRED_TO, list_quality_rules
from segkit.data.unread_columns import TELLING
from segkit.plan.models import Plan

NOT_FOUND = "accepted_not_found"
# Said of a table whatever its columns.
OF_TABLES = (
    "malformed_line",
    "mixed_encoding",
    "other_encoding",
    "larger_than_memory",
    "adjustment_of_sales",
    *(telling.rule for telling in TELLING),
)
# What the checks work out beside a table's columns, on which rules of their own depend.
WORKED_OUT = (
    "is_late",
    "consent_differs",
    "order_status",
    "given_unit_price",
    "given_line_amount",
    *(f"lacks_{table}" for table in REFERRED_TO),
)


def answer_warnings(found: Iterable[tuple], plan: Plan) -> list[tuple]:
    """Return the quality table's entries, those warnings that the plan accepts as notes.

    A warning that is accepted and was not found this time is a note, of no row.
    """
    answers = plan.accepted_warnings
    entries = []
    met = set()
    for table, *entry in found:
        notice = Notice(*entry)
        name = f"{table}.{notice.rule}"
        if name in answers:
            met.add(name)
        if notice.severity == "warning" and name in answers:
            accepted = f"Accepted in the plan: {answers[name]}"
            notice = notice._replace(severity="note", treatment=accepted)
        entries.append((table, *notice))
    for name in answers:
        if name not in met:
            table = name.partition(".")[0]
            reason = f"The plan accepts {name}, which was not found this time."
            treatment = "Take it out of [accepted_warnings] if it does not come back."
            entries.append((table, *Notice(NOT_FOUND, "note", 0, reason, treatment)))
    return entries


def find_unknown_answers(
    plan: Plan, own: Mapping[str, Iterable[str]], found: Iterable[tuple] = ()
) -> list[SegkitError]:
    """Return a fault for each accepted warning of a name that no rule has.

    Parameters
    ----------
    plan : Plan
    own : mapping of str to iterable of str
        By table, the columns of one's own.
    found : iterable of tuple
        Entries of the quality table: their names are known.
    """
    there = {f"{table}.{rule}" for table, rule, *_ in found}
    faults = []
    for name in plan.accepted_warnings:
        table, _, rule = name.partition(".")
        if name in there:
            continue
        columns = [*TABLES[table].column_names, *own.get(table, ())]
        known = list_names(table, columns, plan)
        if rule not in known:
            faults.append(
                SegkitError(
                    f"no rule of {table} is called '{rule}'",
                    where=f"{plan.path.name}, [accepted_warnings]",
                    fix=suggest_name(rule, known),
                )
            )
    return faults


def list_names(table: str, columns: Iterable[str], plan: Plan) -> set[str]:
    """Return the names that what is said of a table may have.

    Examples
    --------
    >>> from segkit.data.answered import OF_TABLES
    >>> "mixed_encoding" in OF_TABLES
    True
    """
    columns = list(columns)
    worked_out = [*WORKED_OUT, *(f"faulty_{column}" for column in columns)]
    rules = list_quality_rules(table, {*columns, *worked_out}, plan, as_of=plan.as_of)
    names = {rule.name for rule in rules} | {*OF_TABLES, *JUDGED}
    names |= {f"{stem}_{column}" for stem in NOTICED for column in columns}
    return names | set(NOTICED)
