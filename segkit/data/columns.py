"""Match the columns of a source with the contract's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from segkit.data.contract import Table
from segkit.errors import SegkitError, suggest_name
from segkit.plan import TableSpec


class DataError(SegkitError):
    """The tables cannot be used; carries every fault that was found, not only the first."""

    def __init__(self, faults: Sequence[SegkitError]):
        self.faults = list(faults)
        if len(self.faults) == 1:
            only = self.faults[0]
            super().__init__(only.message, where=only.where, found=only.found, fix=only.fix)
        else:
            lines = "\n".join(f"  - {fault.describe()}" for fault in self.faults)
            super().__init__(f"The tables have {len(self.faults)} faults:\n{lines}")


def match_columns(
    table: Table, spec: TableSpec, names: Sequence[str], label: str
) -> tuple[dict[str, str], list[SegkitError]]:
    """Match the contract's columns with those of a source.

    A column is the one that the plan maps to it, else the one of the same name, else of the same
    name in other letters (upper or lower case). A source's column that is mapped stands for
    that only, and an empty name leaves a column out.

    Returns
    -------
    tuple
        The contract's names mapped to the source's, and every fault.
    """
    faults = []
    seen = sorted({name for name in names if name and list(names).count(name) > 1})
    for name in seen:
        faults.append(
            SegkitError(
                f"two columns are called '{name}'",
                where=label,
                found=", ".join(names)[:200],
                fix="Give each column its own name.",
            )
        )
    found: dict[str, str] = {}
    free = [name for name in names if name not in spec.columns.values()]
    folded = {name.lower(): name for name in reversed(free)}
    for column in table.column_names:
        theirs = spec.columns.get(column)
        if theirs is None and (column in free or column in folded):
            found[column] = column if column in free else folded[column]
        elif theirs and theirs in names:
            found[column] = theirs
        elif theirs:
            faults.append(
                SegkitError(
                    f"there is no column '{theirs}', which the plan maps to {column}",
                    where=label,
                    found=", ".join(names)[:200],
                    fix=suggest_name(theirs, names),
                )
            )
    for column in table.columns:
        if column.required and column.name not in found and not spec.columns.get(column.name):
            faults.append(_explain_missing(column.name, table, names, label))
    for group in table.one_of:
        if not any(name in found or spec.columns.get(name) for name in group):
            faults.append(_explain_missing(" or ".join(group), table, names, label))
    return found, faults


def _explain_missing(column: str, table: Table, names: Sequence[str], label: str) -> SegkitError:
    first = column.split(" or ")[0]
    hint = suggest_name(first, names)
    name = hint.split("'")[1] if hint.startswith("Did") else "its name in the file"
    return SegkitError(
        f"the column {column} is missing",
        where=label,
        found=", ".join(names)[:200],
        fix=f'Map it under [tables.{table.name}.columns]: {first} = "{name}".',
    )


def quote(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str | Path) -> str:
    """Return a text as SQL writes it."""
    return "'" + str(text).replace("'", "''") + "'"
