"""Where each key of a plan stands, and whether the names in it refer to something that is there."""

from __future__ import annotations

import re

from segkit.contract.features import CATEGORY_SHARE, FEATURES
from segkit.contract.tables import TABLES
from segkit.core.errors import SegkitError, suggest_name
from segkit.plan.kpis import check_kpis

# Of these tables one is needed; the first that is there says who is a customer.
NAME_CUSTOMERS = ("order_lines", "customers", "events", "messages", "responses")


def locate_keys(text: str) -> dict[tuple, int]:
    """Map the path of each key and table header to its line, counted from 1."""
    found: dict[tuple, int] = {}
    counts: dict[tuple, int] = {}
    prefix: tuple = ()
    for number, line in enumerate(text.splitlines(), start=1):
        # No two parts of a pattern may take the same sign: a long line would take hours.
        header = re.match(r"(\[\[?)([^\[\]=]+)\]\]?\s*(#.*)?$", line.strip())
        key = re.match(r"""\s*([\w."'-]+)\s*=""", line)
        if header:
            prefix = tuple(re.findall(r"[\w-]+", header[2]))
            if header[1] == "[[":
                counts[prefix] = counts.get(prefix, -1) + 1
                found.setdefault(prefix, number)
                prefix = (*prefix, counts[prefix])
            found.setdefault(prefix, number)
        elif key:
            loc = (*prefix, *re.findall(r"[\w-]+", key[1]))
            found.setdefault(loc, number)
            for inner in re.findall(r"[{,]\s*([\w-]+)\s*=", line):
                found.setdefault((*loc, inner), number)
    return found


def find_line(loc: tuple, lines: dict[tuple, int]) -> int:
    """Return the line of a key, or of the nearest key around it."""
    while loc and loc not in lines:
        loc = loc[:-1]
    return lines.get(loc, 1)


class _Faults:
    """The faults found so far, each with its line."""

    def __init__(self, lines: dict[tuple, int], file: str):
        self.lines = lines
        self.file = file
        self.found: list[tuple[int, SegkitError]] = []

    def add(self, loc: tuple, message: str, fix: str, *, found: str = "") -> None:
        """Add a fault of the key at ``loc``."""
        line = find_line(loc, self.lines)
        where = f"{self.file}, line {line}"
        error = SegkitError(message, where=where, found=found, fix=fix)
        self.found.append((line, error))


def check_names(content: dict, lines: dict[tuple, int], file: str) -> list[tuple[int, SegkitError]]:
    """Return the faults, with their lines, of names that refer to other names."""
    faults = _Faults(lines, file)
    tables = _read_dict(content.get("tables"))
    for name, spec in tables.items():
        _check_table(faults, name, _read_dict(spec))
    if "tables" in content and not set(NAME_CUSTOMERS).intersection(tables):
        message = f"there is no table that names customers: {', '.join(NAME_CUSTOMERS)}"
        fix = "Add [tables.order_lines] or [tables.customers] with its path; the rest is optional."
        faults.add(("tables",), message, fix)
    _check_goals(faults, content)
    _check_repeated_names(faults, content)
    _check_final_scheme(faults, content)
    _check_labels(faults, content)
    for place, fault in check_kpis(content):
        faults.add(place, fault.message, fault.fix, found=fault.found)
    return faults.found


def _check_table(faults: _Faults, table: str, spec: dict) -> None:
    """Find a table, or columns of it, that the contract does not know; and misplaced features."""
    if table not in TABLES:
        faults.add(("tables", table), f"unknown table '{table}'", suggest_name(table, TABLES))
        return
    known = TABLES[table].column_names
    for column in _read_dict(spec.get("columns")):
        if column not in known:
            message = f"table '{table}' has no column '{column}'"
            loc = ("tables", table, "columns", column)
            faults.add(loc, message, suggest_name(column, known))
    features = spec.get("features", {})
    if features and table != "customers":
        message = f"'{table}' has no features; customers have"
        faults.add(("tables", table, "features"), message, "Put them under [tables.customers].")
    for feature, column in _read_dict(features).items():
        if feature in known:
            message = f"'{feature}' is a column of customers, not a feature of your own"
            fix = f'Map it under [tables.customers.columns]: {feature} = "{column}".'
            faults.add(("tables", table, "features", feature), message, fix)


def _check_goals(faults: _Faults, content: dict) -> None:
    """Find schemes whose goal is none of the plan's."""
    goals = _list_names(content, "goals")
    for index, scheme in enumerate(_read_dicts(content.get("schemes"))):
        goal = scheme.get("goal")
        if goal is not None and goal not in goals:
            fix = suggest_name(str(goal), map(str, goals))
            faults.add(("schemes", index, "goal"), f"there is no goal '{goal}'", fix)


def _check_repeated_names(faults: _Faults, content: dict) -> None:
    """Find goals and schemes of one name, and what customers say of one name and base."""
    said = [*_read_dicts(content.get("scales")), *_read_dicts(content.get("choices"))]
    names_by_kind = {
        "goals": _list_names(content, "goals"),
        "schemes": _list_names(content, "schemes"),
        "scales": [f"{item.get('base')} {item.get('name')}" for item in said],
    }
    for kind, names in names_by_kind.items():
        for index, name in enumerate(names):
            if name is not None and name in names[:index]:
                message = f"two {kind} are called '{name}'"
                faults.add((kind, index, "name"), message, "Give each its own name.")


def _check_final_scheme(faults: _Faults, content: dict) -> None:
    final = _read_dict(content.get("criteria")).get("final_scheme")
    schemes = _list_names(content, "schemes")
    if final is not None and final not in schemes:
        fix = suggest_name(str(final), map(str, schemes))
        faults.add(("criteria", "final_scheme"), f"no scheme '{final}'", fix)


def _check_labels(faults: _Faults, content: dict) -> None:
    """Find words for features that there are not.

    Where all columns of the customers are features, only the data know which there are.
    """
    own = _read_dict(_read_dict(content.get("tables")).get("customers")).get("features", {})
    if own == "all":
        return
    known = {*FEATURES, *_read_dict(own)}
    known |= {f"{one.get('base')}_{one.get('name')}" for one in _read_dicts(content.get("scales"))}
    for choice in _read_dicts(content.get("choices")):
        keys = _read_dict(choice.get("options")) or [choice.get("name")]
        known |= {f"{choice.get('base')}_{key}" for key in keys}
    for name in _read_dict(content.get("labels")):
        if name not in known and not name.startswith(CATEGORY_SHARE):
            fix = suggest_name(name, known)
            faults.add(("labels", name), f"there is no feature '{name}' to label", fix)


def _list_names(content: dict, kind: str) -> list:
    """Return the names as they are written; None where one is missing."""
    return [item.get("name") for item in _read_dicts(content.get(kind))]


def _read_dict(value: object) -> dict:
    """Return a table of the plan; an empty one where something else stands, a fault told apart."""
    return value if isinstance(value, dict) else {}


def _read_dicts(value: object) -> list[dict]:
    """Return the tables of a list; none where something else stands."""
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]
