"""A case: drawn tables, how they are written, their plan, and what is true of them."""

from __future__ import annotations

import datetime
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from segkit.contract.tables import TABLES
from tests.doors.facts import Facts, find_facts, list_items
from tests.doors.shop import draw_shop
from tests.doors.styles import (
    DATES,
    Grid,
    Style,
    draw_style,
    make_grid,
    spell,
    write_file,
)  # fmt: skip

AS_OF = datetime.date(2024, 12, 31)
SUFFIXES = {"csv": "csv", "gz": "csv.gz", "xlsx": "xlsx", "parquet": "parquet"}
SCHEMES = {
    "order_lines": ("value", "tiers", ["total_spend"]),
    "customers": ("demographic", "kmeans", ["income", "child_count"]),
}


@dataclass
class Case:
    """One drawn situation; a fault changes it, and says what stays true.

    ``truth`` are the facts, ``true_items`` the lines that may be accepted.
    ``grid_edits`` change a table's rows as they are written, ``byte_edits`` the file's bytes,
    ``sheets`` are further sheets of a workbook. ``spec`` are further lines of a table's plan and
    ``mapped`` further columns there; ``further`` are lines of the plan beside the tables. What
    begins with ``naive`` tells the naive reader what it takes for granted: the decimal mark, the
    format of dates, the clock, and that a number is a text like any other, or that a row with a
    number that is none is to be dropped.
    """

    tables: dict[str, pd.DataFrame]
    style: Style
    truth: Facts
    true_items: Counter = field(default_factory=Counter)
    as_of: datetime.date = AS_OF
    currency: str = "EUR"
    policies: dict[str, Any] = field(default_factory=dict)
    spec: dict[str, list[str]] = field(default_factory=dict)
    mapped: dict[str, dict[str, str]] = field(default_factory=dict)
    features: str | dict[str, str] | None = None
    scheme: str = ""
    grid_edits: dict[str, Callable[[Grid], Grid]] = field(default_factory=dict)
    byte_edits: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    sheets: dict[str, Grid] = field(default_factory=dict)
    further: list[str] = field(default_factory=list)
    naive_mark: str = ""
    naive_date: str = ""
    naive_clock: str = "local"
    naive_through_text: bool = False
    naive_left_out: tuple[str, ...] = ()
    naive_encoding: str = ""
    naive_last_name: bool = False
    naive_drops: bool = False
    own: tuple[str, ...] = ()

    def name_file(self, table: str) -> str:
        """Return the name of a table's file."""
        return f"{table}.{SUFFIXES[self.style.container]}"

    def spell(self, column: str) -> str:
        """Return the user's name of a column."""
        return spell(column, self.style)

    def write(self, folder: Path) -> Path:
        """Write the tables and the plan; return the plan's path."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in self.tables.items():
            grid = make_grid(table, self.style)
            grid = self.grid_edits.get(name, lambda same: same)(grid)
            path = folder / self.name_file(name)
            write_file(grid, self.style, path, sheets=self.sheets)
            if name in self.byte_edits:
                path.write_bytes(self.byte_edits[name](path.read_bytes()))
        plan = folder / "plan.toml"
        plan.write_text(self.write_plan(), encoding="utf-8")
        return plan

    def write_plan(self) -> str:
        """Return the plan as an analyst would write it."""
        lines = [
            'name = "drawn"', 'title = "A drawn shop"', 'owner = "Analyst"', 'scope = "All"',
            'target_market = "Everybody"', 'budget = "One day"', 'deliverables = ["Segments"]',
            f"as_of = {self.as_of}", "random_state = 7", f'currency = "{self.currency}"', "",
            "[[goals]]", 'name = "keep"', 'text = "Keep customers"', 'kpi = "repeat_share"', "",
        ]  # fmt: skip
        for name in self.tables:
            lines += [f"[tables.{name}]", f"path = {json.dumps(self.name_file(name))}"]
            lines += self._list_settings(name)
            lines += self.spec.get(name, [])
            if name == "customers" and self.features == "all":
                lines.append('features = "all"')
            mapped = {c: self.spell(c) for c in self.tables[name] if c in known_columns(name)}
            mapped = {c: theirs for c, theirs in mapped.items() if theirs.lower() != c}
            mapped |= self.mapped.get(name, {})
            if mapped:
                lines.append(f"[tables.{name}.columns]")
                lines += [f"{c} = {write_toml(theirs)}" for c, theirs in mapped.items()]
            if name == "customers" and isinstance(self.features, dict):
                lines.append("[tables.customers.features]")
                lines += [f"{c} = {write_toml(theirs)}" for c, theirs in self.features.items()]
        if self.policies:
            lines += ["", "[policies]"]
            lines += [f"{key} = {json.dumps(value)}" for key, value in self.policies.items()]
        return "\n".join([*lines, "", *self.further, *self._list_scheme(), "", *ENGINE]) + "\n"

    def _list_settings(self, name: str) -> list[str]:
        """Return the lines that declare the style, of what this table has."""
        kinds = {c.kind for c in TABLES[name].columns if c.name in self.tables[name]}
        style = self.style
        lines = []
        if "decimal" in style.declared:
            lines.append(f'decimal = "{style.mark}"')
        is_text = style.container in ("csv", "gz")
        date_format, _ = DATES[style.date]
        can_declare = not style.typed and "iso" not in style.date
        if "date_format" in style.declared and can_declare and kinds & {"date", "datetime"}:
            lines.append(f'date_format = "{date_format}"')
        if "encoding" in style.declared and is_text:
            lines.append(f'encoding = "{style.encoding}"')
        if "delimiter" in style.declared and is_text:
            lines.append(f"delimiter = {json.dumps(style.delimiter)}")
        return lines

    def _list_scheme(self) -> list[str]:
        table = self.scheme or next((name for name in SCHEMES if name in self.tables), "")
        base, method, columns = SCHEMES.get(table, SCHEMES["customers"])
        if self.own:
            method = "kprototypes"
            columns = ["income", *self.own]
        return [
            "[[schemes]]", 'name = "groups"', 'goal = "keep"', f'base = "{base}"',
            f'method = "{method}"', f"columns = {json.dumps(columns)}", "segments = 3",
        ]  # fmt: skip


ENGINE = ["[engine]", 'memory_limit = "1GB"', "threads = 1"]


def known_columns(table: str) -> tuple[str, ...]:
    """Return the contract's columns of a table."""
    return TABLES[table].column_names


def write_toml(text: str) -> str:
    """Return a text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False)


SCENARIOS = (
    ("order_lines",),
    ("order_lines", "customers"),
    ("order_lines", "products"),
    ("order_lines", "orders"),
    ("order_lines", "orders", "customers", "products"),
    ("order_lines", "customers", "messages"),
    ("order_lines", "customers", "tickets"),
    ("order_lines", "customers", "responses"),
    ("customers",),
    ("customers", "messages", "tickets", "responses"),
)


def draw_good(
    rng: random.Random,
    *,
    tables: tuple[str, ...] | None = None,
    fixed: dict[str, Any] | None = None,
    **shop: Any,
) -> Case:
    """Draw a good case: nothing is wrong with it, whatever its style."""
    style = draw_style(rng, **(fixed or {}))
    style = mend_style(style)
    tables = tables or rng.choice(SCENARIOS)
    if "order_lines" not in tables and "rows" not in shop:
        shop["rows"] = 600  # a hundred customers
    drawn = draw_shop(rng, style, tables=tables, **shop)
    return Case(drawn, style, find_facts(drawn, as_of=AS_OF), list_items(drawn))


def mend_style(style: Style) -> Style:
    """Leave out what cannot stand in one file together."""
    if style.encoding == "cp1252" and style.thousands == "\u202f":
        style = replace(style, thousands="")
    if style.container in ("xlsx", "parquet"):
        style = replace(style, encoding="utf-8")
    return style
