"""Tables that can be trusted: every row accepted, or rejected with a reason, none lost.

``prepare_tables`` leaves them in the run folder, and does nothing where nothing has changed.
"""

from __future__ import annotations

import datetime
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pandas as pd

from segkit.contract.tables import TABLES
from segkit.core.errors import SegkitError, explain_faults
from segkit.core.files import hash_source, hash_value, read_json, write_json
from segkit.data.columns import DataError, Source, quote, text_literal
from segkit.data.convert import convert_source
from segkit.data.engine import SqlTables, set_limits
from segkit.data.inputs import TABLE_ROOMS, hash_files
from segkit.data.quality_rules import REFERRED_TO, REJECTED, Rule, derive_lines, list_rules
from segkit.data.repeats import find_repeats
from segkit.data.sources import open_source
from segkit.plan.models import Plan
from segkit.plan.names import NAME_CUSTOMERS
from segkit.runs.layout import CheckedTables, RunFolder

QUALITY_COLUMNS = ["table", "rule", "severity", "row_count", "reason", "treatment"]
COUNT_COLUMNS = ["table", "read", "accepted", "rejected"]
MALFORMED = "The line has another number of fields than the header, or an open quote."


@dataclass(frozen=True)
class Prepared:
    """The Parquet file of each table's accepted rows, and what the checks found.

    ``quality`` has one row a rule that matched: table, rule, severity (reject, warning or note),
    row_count, reason, treatment; a row may match several rules. ``counts`` has one row a table:
    read, accepted, rejected; read is the sum of the others. ``names`` has, by table, the user's
    name of each column.
    """

    paths: dict[str, Path]
    quality: pd.DataFrame
    counts: pd.DataFrame
    names: dict[str, dict[str, str]]


@dataclass(frozen=True)
class CheckReport:
    """What the checks found, and whether the plan can be carried out.

    ``columns`` has, by table, the kind of each accepted column.
    """

    quality: pd.DataFrame
    counts: pd.DataFrame
    problems: list[SegkitError] = field(default_factory=list)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing stands in the plan's way."""
        return not self.problems

    @property
    def found(self) -> pd.DataFrame:
        """The rules that found something."""
        return self.quality[self.quality["row_count"] > 0]

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values: ok, tables with counts and rules, problems."""
        tables = self.counts.set_index("table").to_dict("index")
        for name, table in tables.items():
            rules = self.quality[self.quality["table"] == name]
            table["rules"] = dict(zip(rules["rule"], rules["row_count"].tolist(), strict=True))
        problems = [problem.describe() for problem in self.problems]
        return {"ok": self.ok, "tables": tables, "problems": problems}


def check_plan(plan: Plan, *, as_of: datetime.date | None = None) -> CheckReport:
    """Check every table of a plan, up to ``as_of`` or the plan's, and leave nothing behind."""
    with _open_checks(plan, None, as_of or plan.as_of) as (checks, _):
        tables = {name: checked.source.table for name, checked in checks.checked.items()}
        columns = {
            name: {c.name: c.kind for c in table.columns if c.name in checks.checked[name].columns}
            for name, table in tables.items()
        }
        return CheckReport(*checks.summarise(), checks.faults, columns)


def prepare_tables(
    plan: Plan, run_dir: Path, *, as_of: datetime.date | None = None, checked_key: str = ""
) -> Prepared:
    """Check every table of a plan and leave accepted and rejected rows in the run folder.

    Nothing is done where the sources' content, the plan's tables and policies, ``as_of`` (the
    plan's by default) and the checks themselves are as they were.

    A run checks the tables once for all its notebooks, and hands each the ``checked_key`` of that
    check, so that all see the same rows though a database may change in between. It holds only
    while the tables in the folder are the ones that were left under this key.

    Raises
    ------
    DataError
        With every problem that makes the plan impossible; the earlier tables stay.
    """
    as_of = as_of or plan.as_of
    kept = RunFolder(Path(run_dir)).checked
    folder = kept.path
    message = "the run folder cannot be written"
    fix = "Name a folder that you may write to, on a disk with room."
    with explain_faults(message, where=folder, fix=fix):
        folder.mkdir(parents=True, exist_ok=True)
        left = read_json(kept.record)
        # The sources may change while they are read: then the next call reads again.
        key = checked_key or _hash_inputs(plan, as_of)
        is_current = left.get("key") == key and left.get("outputs") == _stamp_outputs(folder)
        if checked_key and not is_current:
            return prepare_tables(plan, run_dir, as_of=as_of)
        if not is_current:
            with _open_checks(plan, folder, as_of) as (checks, work):
                if checks.faults:
                    raise DataError(checks.faults)
                counts = checks.write_tables(work)
                names = {name: table.source.columns for name, table in checks.checked.items()}
                _put_in_place(CheckedTables(work), kept)
            left = {"key": key, "counts": counts, "names": names}
            write_json(kept.record, left | {"outputs": _stamp_outputs(folder)})
    paths = {name: kept.accepted_rows(name) for name in left["names"]}
    quality = pd.read_parquet(kept.quality)
    return Prepared(paths, quality, pd.DataFrame(left["counts"]), left["names"])


def _put_in_place(made: CheckedTables, kept: CheckedTables) -> None:
    """Replace the tables of an earlier check, whose record goes first."""
    kept.record.unlink(missing_ok=True)
    for folder in (kept.accepted, kept.rejected):
        shutil.rmtree(folder, ignore_errors=True)
    os.replace(made.accepted, kept.accepted)
    os.replace(made.rejected, kept.rejected)
    os.replace(made.quality, kept.quality)


def _hash_inputs(plan: Plan, as_of: datetime.date) -> str:
    """Return a hash of all that the tables depend on, sources by their content."""
    sources = hash_files(plan)
    code = hash_source(TABLE_ROOMS)
    settings = plan.model_dump(mode="json", include={"tables", "policies", "currency"})
    unknown = time.time_ns() if None in sources.values() else 0  # a database may have changed
    return hash_value([sources, unknown, settings, str(as_of), code])


def _stamp_outputs(folder: Path) -> list[list]:
    """Return name, size and time of change of every table that the checks left."""
    stats = [(path.name, path.stat()) for path in sorted(folder.rglob("*.parquet"))]
    return [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]


class _Checked(NamedTuple):
    source: Source
    columns: list[str]
    rules: list[Rule]
    quality: list[tuple]
    accepted: int


class _Checks:
    """The tables of one plan, checked in a DuckDB database in a temporary folder.

    ``checked_<table>`` has ``source_row``, the accepted columns, ``is_rejected`` and one boolean
    ``rule_<name>`` a rule.
    """

    def __init__(
        self,
        plan: Plan,
        con: duckdb.DuckDBPyConnection,
        folder: Path,
        as_of: datetime.date,
        spill: Path,
    ):
        self.plan, self.con, self.as_of, self.spill = plan, con, as_of, spill
        self.tables = SqlTables(con, plan.engine, folder)
        self.checked: dict[str, _Checked] = {}
        self.faults: list[SegkitError] = []
        sources = {}
        for name in plan.tables:
            try:
                sources[name] = open_source(name, plan, con, folder)
            except SegkitError as error:
                self.faults += getattr(error, "faults", [error])
        lines, orders = sources.get("order_lines"), sources.get("orders")
        if lines and (orders or "orders" not in plan.tables):
            for column in ("customer_id", "ordered_at"):
                if column not in {*lines.columns, *(orders.columns if orders else ())}:
                    more = ", and no orders table carries it"
                    self.faults.append(lines.explain_missing(column, more))
        first = [name for name in ("customers", "products", "orders") if name in sources]
        for name in dict.fromkeys([*first, *sources]):  # others refer to the first
            if self.faults and name == "order_lines":
                continue
            try:
                self.checked[name] = self._check_table(sources[name])
            except SegkitError as error:
                self.faults.append(error)
            except duckdb.InvalidInputException as error:  # only now was every page read
                if sources[name].is_copied:
                    raise
                fix = "Export it again, whole."
                self.faults.append(sources[name].fail("the Parquet file is broken", error, fix))
        for name in plan.tables:
            if name in self.checked and not self.checked[name].accepted:
                self.faults.append(self._explain_empty(self.checked[name]))
        if not self.faults:
            self._find_impossible()

    def _check_table(self, source: Source) -> _Checked:
        name, con = source.name, self.con
        typed, guesses = convert_source(source)
        self.tables.bring(f"typed_{name}", typed)
        find_repeats(source, self.tables)
        query = f"SELECT * FROM typed_{name}"
        if name == "order_lines":
            orders = self.checked["orders"].columns if "orders" in self.checked else ()
            query = derive_lines(query, source.columns, orders, self.plan.policies)
        if "resolved_at" in source.columns:
            query = f"""SELECT * REPLACE (
                CASE WHEN resolved_at::DATE <= '{self.as_of}' THEN resolved_at END AS resolved_at),
                resolved_at::DATE > '{self.as_of}' AS is_late FROM ({query})"""
        known, joins = [], [f"LEFT JOIN repeats_{name} AS r ON t.source_row = r.source_row"]
        for other, key in REFERRED_TO.items():
            if other in self.checked and other != name and key in con.sql(query).columns:
                known.append(f", {other}.{key} IS NULL AS lacks_{other}")
                joins.append(f"""LEFT JOIN (SELECT {key} FROM checked_{other} WHERE NOT is_rejected)
                    AS {other} ON t.{key} = {other}.{key}""")
        query = f"""SELECT t.*, r.source_row IS NOT NULL AS is_repeat, r.differs{"".join(known)}
            FROM ({query}) AS t {" ".join(joins)}"""
        found = con.sql(query).columns
        rules = list_rules(name, found, self.plan, self.as_of)
        columns = [c.name for c in source.table.columns if c.name in found]
        whole = [c.name for c in TABLES[name].columns if c.kind == "integer"]
        values = [f"TRY_CAST({c} AS BIGINT) AS {c}" if c in whole else quote(c) for c in columns]
        if name == "order_lines":
            columns += ["line_type", "is_product"]
            values += ["line_type", "is_product"]
        flags = [f"coalesce({rule.test}, false) AS rule_{rule.name}" for rule in rules]
        rejecting = " OR ".join(f"rule_{r.name}" for r in rules if r.severity == "reject")
        # What others refer to, or what had to be read from text, is not worked out again.
        is_kept = source.is_copied or name in REFERRED_TO or self.tables.spark is not None
        self.tables.create(
            f"checked_{name}",
            f"""SELECT *, {rejecting or "false"} AS is_rejected
            FROM (SELECT source_row, {", ".join([*values, *flags])} FROM ({query}))""",
            "TABLE" if is_kept else "VIEW",
        )
        sums = ", ".join(f"count_if(rule_{rule.name})" for rule in rules)  # faster than FILTER
        accepted, *counts = con.execute(
            f"SELECT count_if(NOT is_rejected), {sums} FROM checked_{name}"
        ).fetchall()[0]
        quality = [("malformed_line", "reject", source.malformed_count, MALFORMED, REJECTED)]
        quality += [
            (rule.name, rule.severity, count, rule.reason, rule.treatment)
            for rule, count in zip(rules, counts, strict=True)
        ]
        reason = "The line is not in the file's encoding."
        treatment = "Read as Windows-1252; look whether accents are right."
        quality.append(("mixed_encoding", "warning", source.foreign_lines, reason, treatment))
        quality = [(name, *entry) for entry in [*quality, *guesses] if entry[2]]
        return _Checked(source, columns, rules, quality, accepted)

    def _explain_empty(self, table: _Checked) -> SegkitError:
        """Say which rule rejects most of a table without one good row, and show the first."""
        source, counts = table.source, {entry[1]: entry[3] for entry in table.quality}
        rejecting = [rule for rule in table.rules if rule.severity == "reject"]
        rule = max(rejecting, key=lambda rule: counts.get(rule.name, 0))
        value = rule.column if rule.column in source.columns else "NULL"
        row, text = self.con.execute(
            f"""SELECT source_row, {value}::VARCHAR FROM {source.raw} WHERE source_row =
            (SELECT min(source_row) FROM checked_{source.name} WHERE rule_{rule.name})"""
        ).fetchall()[0]
        fix = {
            "after_as_of": f"Set as_of in the plan; it is {self.as_of}, before the first row.",
            "currency_differs": f"Set currency in the plan; it is {self.plan.currency}.",
        }.get(rule.name, "Correct it, map another column, or declare decimal or date_format.")
        where = f"{source.locate(rule.column) if rule.column else source.label}, data row {row}"
        found = repr(text[:60]) if text and text.strip() else "nothing"
        message = f"no row of {source.name} can be used: {counts[rule.name]:,} of {source.read:,} "
        message += f"rows have this fault: {rule.reason}"
        return SegkitError(message, where=where, found=found, fix=fix)

    def _find_impossible(self) -> None:
        """Add what makes segments impossible although the tables can be read."""
        needed, rows = {"customer": "an accepted row"}, "NOT is_rejected"
        table = next(name for name in NAME_CUSTOMERS if name in self.checked)
        if "customer_id" not in self.checked[table].columns:
            self.faults.append(self.checked[table].source.explain_missing("customer_id"))
            return
        if table == "order_lines":
            needed = dict.fromkeys(("customer", "order"), "an accepted sale")
            rows += " AND line_type = 'sale'"
        for what, having in needed.items():
            known = f"SELECT {what}_id AS known FROM checked_{table} WHERE {rows}"
            for some in (f"{known} LIMIT 10000", known):  # hardly ever all
                query = f"SELECT count(DISTINCT known) FROM ({some})"
                if (count := self.con.execute(query).fetchall()[0][0]) >= 2:
                    break
            else:
                message = f"segments need two {what}s or more with {having}"
                where = self.checked[table].source.locate(f"{what}_id")
                found = f"{count} {what}{'' if count == 1 else 's'}"
                fix = f"Check the mapping of {what}_id, and the plan's as_of and policies."
                self.faults.append(SegkitError(message, where=where, found=found, fix=fix))

    def summarise(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the quality and the counts of all checked tables, in the plan's order."""
        tables = [self.checked[name] for name in self.plan.tables if name in self.checked]
        found = [entry for table in tables for entry in table.quality]
        if self.spill.exists():
            largest = max(tables, key=lambda table: table.source.read).source
            reason = (
                f"The tables are larger than the memory limit, {self.plan.engine.memory_limit}."
            )
            treatment = "Checked by way of the disk: slower, with the same result."
            note = (largest.name, "larger_than_memory", "note", largest.read, reason, treatment)
            found.append(note)
        quality = pd.DataFrame(found, columns=QUALITY_COLUMNS)
        counts = pd.DataFrame([(t.source.name, t.source.read, t.accepted) for t in tables])
        counts = counts.reindex(columns=range(3)).set_axis(COUNT_COLUMNS[:3], axis=1)
        counts["rejected"] = counts["read"] - counts["accepted"]
        return quality.astype({"row_count": "int64"}), counts

    def write_tables(self, folder: Path) -> list[dict]:
        """Write accepted and rejected rows in the sources' order; return the counts."""
        made = CheckedTables(folder)
        made.accepted.mkdir()
        made.rejected.mkdir()
        for name, table in self.checked.items():
            self._copy(
                f"""SELECT {", ".join(map(quote, table.columns))} FROM checked_{name}
                WHERE NOT is_rejected ORDER BY source_row""",
                made.accepted_rows(name),
            )
            rules = [rule for rule in table.rules if rule.severity == "reject"]
            first = " ".join(f"WHEN rule_{rule.name} THEN '{rule.name}'" for rule in rules)
            reasons = ", ".join(
                f"CASE WHEN rule_{rule.name} THEN {text_literal(rule.reason)} END" for rule in rules
            )
            columns = [c for c in table.columns if c in table.source.columns]
            texts = ", ".join(f"raw.{quote(c)}::VARCHAR AS {quote(c)}" for c in columns)
            self._copy(
                f"""SELECT source_row, CASE {first} END AS rule,
                    concat_ws(' ', {reasons}) AS reasons, NULL::VARCHAR AS raw_line, {texts}
                FROM checked_{name} JOIN {table.source.raw} AS raw USING (source_row)
                WHERE is_rejected
                UNION ALL BY NAME SELECT source_row, 'malformed_line' AS rule,
                    {text_literal(MALFORMED)} || ' Line ' || line || '.' AS reasons, raw_line
                FROM {table.source.malformed} ORDER BY source_row""",
                made.rejected_rows(name),
            )
        quality, counts = self.summarise()
        quality.to_parquet(made.quality, index=False)
        return counts.to_dict("records")

    def _copy(self, query: str, path: Path) -> None:
        path = text_literal(path)
        self.con.execute(f"COPY ({query}) TO {path} (FORMAT parquet, COMPRESSION zstd)")


@contextmanager
def _open_checks(
    plan: Plan, folder: Path | None, as_of: datetime.date
) -> Iterator[tuple[_Checks, Path]]:
    """Check all tables in a database in a folder of its own; DuckDB's faults become messages."""
    fix = "Make room on the disk, or name a folder that you may write to."
    message, where = "the tables cannot be written", folder or tempfile.gettempdir()
    kinds = (duckdb.IOException, duckdb.OutOfMemoryException)
    options = {"prefix": "work-", "dir": folder, "ignore_cleanup_errors": True}
    with (
        explain_faults(message, *kinds, where=where, fix=fix),
        tempfile.TemporaryDirectory(**options) as work,
        duckdb.connect(Path(work) / "work.duckdb") as con,
    ):
        # A list in a CASE would become a join, which takes long in a table of many columns.
        con.execute(
            """SET preserve_insertion_order = true;
            PRAGMA disable_checkpoint_on_shutdown;
            SET disabled_optimizers = 'in_clause'"""
        )
        spill = set_limits(con, plan, Path(work))
        yield _Checks(plan, con, Path(work), as_of, spill), Path(work)
