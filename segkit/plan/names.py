"""Where each key of a plan stands, and whether the names in it refer to something that is there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from segkit.contract.tables import TABLES
from segkit.core.errors import SegkitError, suggest_name

# Of these tables one is needed; the first that is there says who is a customer.
NAME_CUSTOMERS = ("order_lines", "customers", "events", "messages", "responses")


def locate_keys(text: str) -> dict[tuple, int]:
    """Map the path of each key and table header to its line, counted from 1."""
    found: dict[tuple, int] = {}
    counts: dict[tuple, int] = {}
    prefix: tuple = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*(\[\[?)\s*([^\[\]=]+?)\s*\]\]?\s*(#.*)?$", line):
            prefix = tuple(re.findall(r"[\w-]+", header[2]))
            if header[1] == "[[":
                counts[prefix] = counts.get(prefix, -1) + 1
                found.setdefault(prefix, number)
                prefix = (*prefix, counts[prefix])
            found.setdefault(prefix, number)
        elif key := re.match(r"""\s*([\w."'-]+)\s*=""", line):
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


def check_names(content: dict, lines: dict[tuple, int], file: str) -> list[tuple[int, SegkitError]]:
    """Return the faults, with their lines, of names that refer to other names."""
    faults = []

    def tell(loc: tuple, message: str, fix: str) -> None:
        line = find_line(loc, lines)
        faults.append((line, SegkitError(message, where=f"{file}, line {line}", fix=fix)))

    def add(loc: tuple, message: str, name: object, options: Iterable[str]) -> None:
        tell(loc, message, suggest_name(str(name), options))

    tables = _dict(content.get("tables"))
    for name, spec in tables.items():
        if name not in TABLES:
            add(("tables", name), f"unknown table '{name}'", name, TABLES)
            continue
        known, given = TABLES[name].column_names, _dict(spec)
        for column in [c for c in _dict(given.get("columns")) if c not in known]:
            loc = ("tables", name, "columns", column)
            add(loc, f"table '{name}' has no column '{column}'", column, known)
        own = given.get("features", {})
        if own and name != "customers":
            fix = "Put them under [tables.customers]."
            tell(("tables", name, "features"), f"'{name}' has no features; customers have", fix)
        for feature in [f for f in _dict(own) if f in known]:
            fix = f'Map it under [tables.customers.columns]: {feature} = "{own[feature]}".'
            message = f"'{feature}' is a column of customers, not a feature of your own"
            tell(("tables", name, "features", feature), message, fix)
    if "tables" in content and not set(NAME_CUSTOMERS).intersection(tables):
        fix = "Add [tables.order_lines] or [tables.customers] with its path; the rest is optional."
        tell(
            ("tables",), f"there is no table that names customers: {', '.join(NAME_CUSTOMERS)}", fix
        )
    goals = [g.get("name") for g in _dicts(content.get("goals"))]
    schemes = [s.get("name") for s in _dicts(content.get("schemes"))]
    for index, scheme in enumerate(_dicts(content.get("schemes"))):
        if scheme.get("goal") is not None and scheme["goal"] not in goals:
            loc = ("schemes", index, "goal")
            add(loc, f"there is no goal '{scheme['goal']}'", scheme["goal"], map(str, goals))
    said = [(kind, item) for kind in ("scales", "choices") for item in _dicts(content.get(kind))]
    measured = [f"{item.get('base')} {item.get('name')}" for _, item in said]
    for kind, names in (("goals", goals), ("schemes", schemes), ("scales", measured)):
        for index, name in enumerate(names):
            if name is not None and name in names[:index]:
                fix = "Give each its own name."
                tell((kind, index, "name"), f"two {kind} are called '{name}'", fix)
    final = _dict(content.get("criteria")).get("final_scheme")
    if final is not None and final not in schemes:
        add(("criteria", "final_scheme"), f"no scheme '{final}'", final, map(str, schemes))
    return faults


def _dict(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
