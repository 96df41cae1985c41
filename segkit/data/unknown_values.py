"""Values that cannot be read or cannot be: they count as unknown, and are shown as found."""

from __future__ import annotations

from collections.abc import Sequence

from segkit.core.errors import SegkitError
from segkit.data.booleans import judge_counts
from segkit.data.columns import Source, quote
from segkit.data.notices import MOST_VALUES, Notice, list_values, quote_toml
from segkit.data.quality_rules import COUNTED, UNKNOWN, Rule

# Of the values of a column: if more than this cannot be used, the wrong column is mapped, or its
# unit or scale is another, and those that can be used are not typical of it.
MOST_UNKNOWN = 0.5


def tell_rules(source: Source, rules: Sequence[Rule], counts: Sequence[int]) -> list[Notice]:
    """Return what the quality table says of the rules that hold somewhere.

    ``counts`` are their rows. Rules that make values unknown show the values.

    Raises
    ------
    SegkitError
        If most values of a column cannot be used.
    """
    told = []
    for rule, count in zip(rules, counts, strict=True):
        if not count:
            continue
        if rule.treatment == COUNTED:
            told.append(judge_counts(source, rule.column, count))
            continue
        found = ""
        if rule.treatment == UNKNOWN:
            values = _count_found(source, rule)
            _refuse_mostly_unknown(source, rule, values)
            found = list_values(values)
        told.append(
            Notice(rule.name, rule.severity, count, rule.reason, rule.treatment, found=found)
        )
    return told


def _count_found(source: Source, rule: Rule) -> list[tuple[str, int]]:
    """Return the most frequent values that met a rule, with their counts."""
    return source.con.execute(
        f"""SELECT text_{rule.column}::VARCHAR AS value, count(*) AS count
        FROM texts_{source.name} JOIN checked_{source.name} USING (source_row)
        WHERE rule_{rule.name} GROUP BY ALL ORDER BY count DESC, value LIMIT {MOST_VALUES + 1}"""
    ).fetchall()


def _refuse_mostly_unknown(source: Source, rule: Rule, values: Sequence[tuple[str, int]]) -> None:
    """Raise a fault where most of the values of an optional column met a rule."""
    name = rule.column
    bad, good, row = source.con.execute(
        f"""SELECT count_if(rule_{rule.name}), count({quote(name)}),
            min(source_row) FILTER (rule_{rule.name}) FROM checked_{source.name}"""
    ).fetchall()[0]
    if bad <= MOST_UNKNOWN * (bad + good):
        return
    reason = rule.reason.rstrip(".")
    message = f"most values of {name} cannot be used: {bad:,} of {bad + good:,}. {reason}"
    word = quote_toml(values[0][0])
    fix = (
        f'Map another column, leave it out with {name} = "" under [tables.{source.name}.columns], '
        f"or say which words mean nothing: unknown = [{word}] under [tables.{source.name}]."
    )
    where = f"{source.locate(name)}, data row {row}"
    raise SegkitError(message, where=where, found=list_values(values), fix=fix)
