"""One table that was checked: what is known of it, and how it is told."""

from __future__ import annotations

import datetime
from typing import NamedTuple

import duckdb

from segkit.core.errors import SegkitError
from segkit.data.columns import Source, quote, text_literal
from segkit.data.notices import Notice
from segkit.data.quality_rules import REJECTED, Rule
from segkit.plan.models import Plan

QUALITY_COLUMNS = ["table", *Notice._fields]
COUNT_COLUMNS = ["table", "read", "accepted", "rejected"]
MALFORMED = "The line has another number of fields than the header, or an open quote."


class CheckedTable(NamedTuple):
    """One table that was checked: its accepted columns, its rules and what they found.

    ``quality`` is what the quality table says of it; ``accepted`` counts rows.
    """

    source: Source
    columns: list[str]
    rules: list[Rule]
    quality: list[Notice]
    accepted: int


def explain_empty(
    con: duckdb.DuckDBPyConnection, table: CheckedTable, *, plan: Plan, as_of: datetime.date
) -> SegkitError:
    """Say which rule rejects most of a table without one good row, and show the first."""
    source = table.source
    counts = {notice.rule: notice.row_count for notice in table.quality}
    rejecting = [rule for rule in table.rules if rule.severity == "reject"]
    rule = max(rejecting, key=lambda rule: counts.get(rule.name, 0))
    value = rule.column if rule.column in source.columns else "NULL"
    row, text = con.execute(
        f"""SELECT source_row, {value}::VARCHAR FROM {source.raw} WHERE source_row =
        (SELECT min(source_row) FROM checked_{source.name} WHERE rule_{rule.name})"""
    ).fetchall()[0]
    place = source.locate(rule.column) if rule.column else source.label
    message = (
        f"no row of {source.name} can be used: {counts[rule.name]:,} of {source.read:,} "
        f"rows have this fault: {rule.reason}"
    )
    found = repr(text[:60]) if text and text.strip() else "nothing"
    fix = _suggest_fix(rule, plan, as_of)
    return SegkitError(message, where=f"{place}, data row {row}", found=found, fix=fix)


def _suggest_fix(rule: Rule, plan: Plan, as_of: datetime.date) -> str:
    if rule.name == "after_as_of":
        return f"Set as_of in the plan; it is {as_of}, before the first row."
    if rule.name == "currency_differs":
        return f"Set currency in the plan; it is {plan.currency}."
    return "Correct it, map another column, or declare decimal or date_format."


def explain_account(source: Source, accepted: int, rejected: int) -> SegkitError:
    """Return the fault of a table whose rows do not add up."""
    return source.fail(
        "the rows do not add up: as many must be accepted or rejected as were read",
        f"{source.read:,} read, {accepted:,} accepted, {rejected:,} rejected",
        "Check again when nothing writes to it any more.",
    )


def tell_malformed(source: Source) -> list[Notice]:
    """Return what the quality table says of lines that could not be read as rows."""
    return [Notice("malformed_line", "reject", source.malformed_count, MALFORMED, REJECTED)]


def select_rejected(table: CheckedTable) -> str:
    """Return the query of rejected rows with the first rule, all reasons and the user's values."""
    source = table.source
    rules = [rule for rule in table.rules if rule.severity == "reject"]
    first_rule = " ".join(f"WHEN rule_{rule.name} THEN '{rule.name}'" for rule in rules)
    reasons = ", ".join(
        f"CASE WHEN rule_{rule.name} THEN {text_literal(rule.reason)} END" for rule in rules
    )
    columns = [column for column in table.columns if column in source.columns]
    texts = ", ".join(f"raw.{quote(column)}::VARCHAR AS {quote(column)}" for column in columns)
    return f"""SELECT source_row, CASE {first_rule} END AS rule,
            concat_ws(' ', {reasons}) AS reasons, NULL::VARCHAR AS raw_line, {texts}
        FROM checked_{source.name} JOIN {source.raw} AS raw USING (source_row)
        WHERE is_rejected
        UNION ALL BY NAME SELECT source_row, 'malformed_line' AS rule,
            {text_literal(MALFORMED)} || ' Line ' || line || '.' AS reasons, raw_line
        FROM {source.malformed} ORDER BY source_row"""
