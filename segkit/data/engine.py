"""Check every table of a plan inside DuckDB: convert, apply the rules, split, count."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir

from segkit.data.columns import DataError, quote, text_literal
from segkit.data.contract import TABLES
from segkit.data.convert import Reading, convert_column, inspect_columns, read_text
from segkit.data.lines import derive_lines
from segkit.data.rules import REJECTED, Rule, list_rules
from segkit.data.sources import Source, open_source
from segkit.errors import SegkitError
from segkit.plan import Plan

LOOKED_UP = ("customers", "products", "orders", "order_lines")  # others refer to these
FROM_ORDERS = ("customer_id", "ordered_at")
MALFORMED = (
    "malformed_line",
    "The line has another number of fields than the header, or an open quote.",
)
_TYPES = {"integer": "int64", "number": "float64", "money": "float64"}


@dataclass
class CheckedTable:
    """One table after its checks, in DuckDB.

    ``relation`` has ``source_row``, the accepted columns (``columns``), ``is_rejected`` and one
    boolean ``rule_<name>`` a rule. ``quality`` holds one tuple a rule that matched: table, rule,
    severity, row_count, reason, treatment.
    """

    source: Source
    columns: list[str]
    rules: list[Rule]
    relation: str
    accepted: int = 0
    quality: list[tuple] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """Rows left out, malformed lines included."""
        return self.source.read - self.accepted


class Engine:
    """A DuckDB database in a temporary folder that holds one check's tables."""

    def __init__(self, plan: Plan, backend: ibis.BaseBackend, folder: Path, as_of: datetime.date):
        self.plan, self.backend, self.folder, self.as_of = plan, backend, folder, as_of
        self.con: duckdb.DuckDBPyConnection = backend.con
        self.checked: dict[str, CheckedTable] = {}
        self.known: dict[str, ir.Table] = {}  # accepted rows of the tables that others refer to
        self.faults: list[SegkitError] = []

    def check_tables(self) -> None:
        """Open and check every table; gather the faults."""
        sources = {}
        for name in self.plan.tables:
            try:
                sources[name] = open_source(name, self.plan, self.con, self.folder)
            except DataError as error:
                self.faults += error.faults
        lines = sources.get("order_lines")
        if lines is not None and ("orders" in sources or "orders" not in self.plan.tables):
            orders = sources.get("orders")
            self.faults += _find_gaps(lines, orders)
        if self.faults:
            sources.pop("order_lines", None)
        order = [name for name in LOOKED_UP if name in sources]
        for name in order + [name for name in sources if name not in LOOKED_UP]:
            try:
                self.checked[name] = self._check_table(sources[name])
            except SegkitError as error:
                self.faults.append(error)
        for name in self.plan.tables:
            table = self.checked.get(name)
            if table is not None and table.accepted == 0:
                self.faults.append(self._explain_empty(table))

    def _check_table(self, source: Source) -> CheckedTable:
        name = source.name
        readings = inspect_columns(self.con, source, self.plan.tables[name])
        rows = self._convert(source, readings)
        repeats = self._find_repeats(source)
        if name == "order_lines":
            rows = derive_lines(rows, self._unique_orders(), self.plan)
            self.con.execute(f"CREATE OR REPLACE TABLE derived_{name} AS {self.compile(rows)}")
            rows = self.backend.table(f"derived_{name}")
        rules = list_rules(
            name, rows, plan=self.plan, as_of=self.as_of, known=self.known, repeats=repeats
        )
        columns = [column for column in TABLES[name].column_names if column in rows.columns]
        columns += ["line_type", "is_product"] if name == "order_lines" else []
        flags = {f"rule_{rule.name}": rule.test.fill_null(False) for rule in rules}
        rejecting = [flags[f"rule_{rule.name}"] for rule in rules if rule.severity == "reject"]
        # Whole numbers become int64 only where no rule speaks against it.
        kinds = {c.name: _TYPES[c.kind] for c in TABLES[name].columns if c.kind in _TYPES}
        values = {c: rows[c].try_cast(kinds[c]) if c in kinds else rows[c] for c in columns}
        checked = rows.select(
            source_row=rows.source_row, **values, is_rejected=ibis.or_(*rejecting), **flags
        )
        relation = f"checked_{name}"
        self.con.execute(f"CREATE OR REPLACE TABLE {relation} AS {self.compile(checked)}")
        table = CheckedTable(source, columns, rules, relation)
        self._count(table, readings)
        if name in LOOKED_UP[:3]:
            rows = self.backend.table(relation)
            self.known[name] = rows.filter(~rows.is_rejected)
        return table

    def _convert(self, source: Source, readings: dict[str, Reading]) -> ir.Table:
        """Return the converted columns, and ``faulty_<column>`` where that may fail.

        Each step is a view of its own, so that DuckDB computes no expression twice.
        """
        raw = self.backend.table(source.raw)
        columns = [c for c in TABLES[source.name].columns if c.name in source.columns]
        texts = {f"text_{c.name}": read_text(raw[c.name], c) for c in columns}
        rows = self._keep_view(f"texts_{source.name}", raw.mutate(**texts))
        values: dict[str, ir.Value] = {}
        for c in columns:
            text = rows[f"text_{c.name}"]
            values[c.name] = convert_column(rows[c.name], text, c, readings[c.name])
        rows = self._keep_view(
            f"values_{source.name}",
            rows.select("source_row", "row_hash", *texts, **values),
        )
        faulty = {
            f"faulty_{c.name}": rows[f"text_{c.name}"].notnull() & rows[c.name].isnull()
            for c in columns
            if c.kind not in ("id", "text", "category")
        }
        rows = rows.select("source_row", "row_hash", *values, **faulty)
        if source.name == "tickets" and "resolved_at" in rows.columns:
            is_late = rows.resolved_at.date() > ibis.date(self.as_of.isoformat())
            nothing = ibis.null("timestamp")
            rows = rows.mutate(
                is_late_resolution=is_late,
                resolved_at=ibis.ifelse(is_late.fill_null(False), nothing, rows.resolved_at),
            )
        return self._keep_view(f"typed_{source.name}", rows)

    def compile(self, rows: ir.Table) -> str:
        """Return an expression in DuckDB's SQL."""
        return self.backend.compile(rows)

    def _keep_view(self, name: str, rows: ir.Table) -> ir.Table:
        self.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {self.compile(rows)}")
        return self.backend.table(name)

    def _find_repeats(self, source: Source) -> ir.Table:
        """Return ``source_row`` and ``differs`` of rows that repeat an earlier one.

        A table with a key repeats its key; another one the whole row.
        """
        key = TABLES[source.name].key
        view = f"typed_{source.name}" if key else source.raw
        target = f"repeats_{source.name}"
        by = ", ".join(map(quote, key)) if key else "row_hash"
        also = "" if key else ", " + ", ".join(map(quote, source.columns))
        self.con.execute(
            f"""CREATE OR REPLACE TABLE {target} AS
            WITH repeated AS (
                SELECT hash({by}) AS code FROM {view} GROUP BY code HAVING count(*) > 1
            ), ranked AS (
                SELECT source_row, row_number() OVER earlier AS place,
                    row_hash <> first_value(row_hash) OVER earlier AS differs
                FROM {view} WHERE hash({by}) IN (SELECT code FROM repeated)
                    AND {" AND ".join(f"{quote(k)} IS NOT NULL" for k in key) or "true"}
                WINDOW earlier AS (PARTITION BY {by}{also} ORDER BY source_row)
            )
            SELECT source_row, differs FROM ranked WHERE place > 1"""
        )
        return self.backend.table(target)

    def _unique_orders(self) -> ir.Table | None:
        """Return one row an order, rejected ones too: their lines fall to the same rule."""
        if "orders" not in self.checked:
            return None
        rows = self.backend.table("checked_orders")
        return rows.filter(~rows.rule_duplicate_key & rows.order_id.notnull())

    def _count(self, table: CheckedTable, readings: dict[str, Reading]) -> None:
        source, name = table.source, table.source.name
        sums = [f"count(*) FILTER ({quote('rule_' + rule.name)})" for rule in table.rules]
        counts = self.con.execute(
            f"SELECT {', '.join(['count(*) FILTER (NOT is_rejected)', *sums])} "
            f"FROM {table.relation}"
        ).fetchall()[0]
        table.accepted = counts[0]
        if source.malformed_count:
            rule, reason = MALFORMED
            table.quality.append((name, rule, "reject", source.malformed_count, reason, REJECTED))
        for rule, count in zip(table.rules, counts[1:], strict=True):
            if count:
                table.quality.append(
                    (name, rule.name, rule.severity, count, rule.reason, rule.treatment)
                )
        if source.foreign_lines:
            reason = "The line is not in the file's encoding."
            treatment = "Read as Windows-1252; look whether accents are right."
            table.quality.append(
                (name, "mixed_encoding", "warning", source.foreign_lines, reason, treatment)
            )
        for column, reading in readings.items():
            table.quality += [
                (name, f"{rule}_{column}", *rest)
                for rule, *rest in _describe_reading(column, reading)
            ]

    def find_example(self, table: CheckedTable, rule: Rule) -> tuple[int, str]:
        """Return the first row that a rule matched, and what stood in the rule's column."""
        source = table.source
        value = quote(rule.column) if rule.column in source.columns else "NULL"
        row, text = self.con.execute(
            f"""SELECT source_row, {value}::VARCHAR FROM {source.raw} WHERE source_row =
            (SELECT min(source_row) FROM {table.relation} WHERE {quote("rule_" + rule.name)})"""
        ).fetchall()[0]
        return row, "nothing" if text is None or not text.strip() else repr(text[:60])

    def _explain_empty(self, table: CheckedTable) -> SegkitError:
        counts = {entry[1]: entry[3] for entry in table.quality if entry[2] == "reject"}
        rejecting = [rule for rule in table.rules if counts.get(rule.name)]
        rule = max(rejecting, key=lambda rule: counts[rule.name])
        row, text = self.find_example(table, rule)
        source = table.source
        fix = "Correct the column, or map the right one in the plan."
        if rule.name == "after_as_of":
            fix = f"Set as_of in the plan; it is {self.as_of}, before the first row."
        elif rule.name == "currency_differs":
            fix = f"Set currency in the plan; it is {self.plan.currency}."
        return SegkitError(
            f"no row of {source.name} can be used: "
            f"{counts[rule.name]:,} of {source.read:,} rows have this fault: {rule.reason}",
            where=f"{source.locate(rule.column) if rule.column else source.label}, data row {row}",
            found=text if rule.column else "",
            fix=fix,
        )

    def write_accepted(self, name: str, path: Path) -> None:
        """Write a table's accepted rows as Parquet, in the source's order."""
        table = self.checked[name]
        columns = ", ".join(map(quote, table.columns))
        query = f"SELECT {columns} FROM {table.relation} WHERE NOT is_rejected ORDER BY source_row"
        self._copy(query, path)

    def write_rejected(self, name: str, path: Path) -> None:
        """Write a table's rejected rows, as they were found, with all their reasons."""
        table = self.checked[name]
        rules = [rule for rule in table.rules if rule.severity == "reject"]
        cases = [
            (quote("rule_" + rule.name), text_literal(rule.name), text_literal(rule.reason))
            for rule in rules
        ]
        first = " ".join(f"WHEN {flag} THEN {rule}" for flag, rule, _ in cases)
        reasons = ", ".join(f"CASE WHEN {flag} THEN {reason} END" for flag, _, reason in cases)
        columns = [c for c in TABLES[name].column_names if c in table.source.columns]
        texts = ", ".join(f"raw.{quote(c)}::VARCHAR AS {quote(c)}" for c in columns)
        nothing = ", ".join(f"NULL AS {quote(c)}" for c in columns)
        malformed, reason = map(text_literal, MALFORMED)
        self._copy(
            f"""SELECT source_row, CASE {first} END AS rule, concat_ws(' ', {reasons}) AS reasons,
                NULL::VARCHAR AS raw_line, {texts}
            FROM {table.relation} JOIN {table.source.raw} AS raw USING (source_row)
            WHERE is_rejected
            UNION ALL SELECT source_row, {malformed}, {reason} || ' Line ' || line || '.',
                raw_line, {nothing} FROM {table.source.malformed} ORDER BY source_row""",
            path,
        )

    def _copy(self, query: str, path: Path) -> None:
        self.con.execute(
            f"COPY ({query}) TO {text_literal(path)} (FORMAT parquet, COMPRESSION zstd)"
        )

    def find_impossible(self) -> list[SegkitError]:
        """Return what makes segments impossible although the tables can be read."""
        table = self.checked.get("order_lines")
        if table is None or table.accepted == 0:
            return []
        customers, orders = self.con.execute(
            f"""SELECT count(DISTINCT customer_id), count(DISTINCT order_id)
            FROM {table.relation} WHERE NOT is_rejected AND line_type = 'sale'"""
        ).fetchall()[0]
        label, faults = table.source.label, []
        if customers < 2:
            faults.append(
                SegkitError(
                    "segments need two customers or more with an accepted sale",
                    where=table.source.locate("customer_id"),
                    found=f"{customers} customer{'s' * (customers != 1)}",
                    fix="Check the mapping of customer_id, and as_of and the policies in the plan.",
                )
            )
        if orders < 2:
            faults.append(
                SegkitError(
                    "segments need two orders or more with an accepted sale",
                    where=table.source.locate("order_id"),
                    found=f"{orders} order{'s' * (orders != 1)} in {label}",
                    fix="Check the mapping of order_id, and as_of and the policies in the plan.",
                )
            )
        return faults


@contextmanager
def open_engine(plan: Plan, folder: Path, as_of: datetime.date) -> Iterator[Engine]:
    """Open an engine whose database lies in ``folder``; DuckDB's faults become messages."""
    backend = ibis.duckdb.connect(folder / "work.duckdb", temp_directory=folder / "spill")
    try:
        backend.con.execute(
            "SET preserve_insertion_order = true; SET TimeZone = 'UTC'; "
            "SET memory_limit = '60%'"
        )
        yield Engine(plan, backend, folder, as_of)
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise SegkitError(
            "the tables cannot be written",
            where=str(folder.parent),
            found=str(error).splitlines()[0][:200].rstrip("."),
            fix="Make room on the disk, or name a folder that you may write to.",
        ) from None
    finally:
        backend.disconnect()


def _find_gaps(lines: Source, orders: Source | None) -> list[SegkitError]:
    """Return what neither the order lines nor their orders carry."""
    return [
        SegkitError(
            f"the column {column} is missing, and no orders table carries it",
            where=lines.label,
            found=", ".join(lines.names)[:200],
            fix=f'Map it under [tables.order_lines.columns]: {column} = "its name in the file".',
        )
        for column in FROM_ORDERS
        if column not in lines.columns and (orders is None or column not in orders.columns)
    ]


def _describe_reading(column: str, reading: Reading) -> Iterator[tuple[str, str, int, str, str]]:
    """Yield what reading a column had to guess: rule, severity, count, reason, treatment."""
    words = column.replace("_", " ")
    if reading.ambiguous_count:
        first = "day" if reading.date_format.startswith("%d") else "month"
        yield (
            *("ambiguous_date", "warning", reading.ambiguous_count),
            f"The {words} may be day first or month first.",
            f"Read with the {first} first; declare date_format in the plan to be sure.",
        )
    if reading.comma_count:
        yield (
            *("decimal_comma", "warning", reading.comma_count),
            f"The {words} is written with a decimal comma.",
            'Read so; declare decimal = "," in the plan to be sure.',
        )
    if reading.padded_count:
        yield (
            *("decimal_id", "note", reading.padded_count),
            f"Every {words} ends in .0.",
            "Read without the .0, as the whole number that it was.",
        )
