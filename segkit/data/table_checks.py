"""All tables of a plan, checked against each other in a DuckDB database of their own."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pandas as pd

from segkit.contract.tables import TABLES
from segkit.core.errors import SegkitError
from segkit.data.answer_rules import judge_answers
from segkit.data.answered import answer_warnings, find_unknown_answers
from segkit.data.checked import (
    COUNT_COLUMNS,
    QUALITY_COLUMNS,
    CheckedTable,
    explain_account,
    explain_empty,
    select_rejected,
    tell_malformed,
)
from segkit.data.columns import DataError, Source, quote, text_literal
from segkit.data.consent import settle_repeated_rows
from segkit.data.convert import convert_source
from segkit.data.engine import SqlTables, choose_optimizers
from segkit.data.identity_checks import judge_identity
from segkit.data.input_hashes import Stamps, find_changes
from segkit.data.judging import Judged, Whole, judge_tables
from segkit.data.last_days import LastDay, count_days, find_last_day, list_dated
from segkit.data.learned import LINE_MEASURES
from segkit.data.notices import Notice
from segkit.data.order_lines import OrderLines
from segkit.data.order_status import list_statuses
from segkit.data.quality_rules import REFERRED_TO, UNKNOWN, Rule, list_quality_rules
from segkit.data.repeats import find_repeats
from segkit.data.sources import open_source
from segkit.data.total_rows import find_total_rows
from segkit.data.unknown_values import tell_rules
from segkit.plan.models import Plan
from segkit.plan.names import NAME_CUSTOMERS
from segkit.runs.layout import TablesFolder

LINE_COLUMNS = ["line_type", "is_product"]  # derived for order lines
# Other tables refer to these, so they are checked before them.
CHECKED_FIRST = ("customers", "products", "orders")
# What goes wrong with a file that is whole.
OTHER_FAULTS = (
    duckdb.OutOfMemoryException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
)
FIRST_ROWS = 10_000  # two customers are hardly ever to be sought in more


class TableChecks:
    """The tables of one plan, checked in a DuckDB database in a temporary folder.

    ``checked_<table>`` has ``source_row``, the accepted columns, ``is_rejected`` and one boolean
    ``rule_<name>`` a rule. ``faults`` are all that stands in the plan's way. Without ``as_of`` it
    is the last day in the data, told by ``last_day``.
    """

    def __init__(
        self,
        plan: Plan,
        con: duckdb.DuckDBPyConnection,
        folder: Path,
        *,
        as_of: datetime.date | None,
        spill: Path,
        stamps: Stamps,
    ):
        self.plan = plan
        self.con = con
        self.folder = folder
        self.as_of = as_of
        self.spill = spill
        self.stamps = stamps
        self.tables = SqlTables(con, plan.engine, folder)
        self.checked: dict[str, CheckedTable] = {}
        self.faults: list[SegkitError] = []
        self.last_day: LastDay | None = None
        self.judged = Judged()
        self.measures: dict[str, dict[str, float]] = {}  # by table, worked out with the rules
        self._converted: dict[str, list[Notice]] = {}
        self.lines: OrderLines | None = None

    def run(self) -> None:
        """Open and check every table, and collect the faults."""
        sources = self._open_sources()
        self._find_missing_in_orders(sources)
        if self.as_of is None:
            self._settle_as_of(sources)
        first = [name for name in CHECKED_FIRST if name in sources]
        for name in dict.fromkeys([*first, *sources]):
            if self.faults and name == "order_lines":
                continue  # the largest table is not worth the wait
            self._check_source(sources[name])
        for name in self.plan.tables:
            table = self.checked.get(name)
            if table is not None and not table.accepted:
                self.faults.append(explain_empty(self.con, table, plan=self.plan, as_of=self.as_of))
        if not self.faults:
            self._find_impossible()
        if not self.faults:
            kept = self.lines.test_kept() if self.lines else ""
            whole = Whole(self.plan, self.con, self.as_of, self.checked, kept)
            self.judged = judge_tables(
                whole, last_day=self.last_day, measures=self.measures.get("order_lines", {})
            )
            self.faults += self.judged.faults
        self.faults += self._find_unknown_answers()

    def _find_unknown_answers(self) -> list[SegkitError]:
        """Find accepted warnings whose names no rule has."""
        own = {name: table.source.table.column_names for name, table in self.checked.items()}
        return find_unknown_answers(self.plan, own, self._list_entries())

    def _list_entries(self) -> list[tuple]:
        """Return the entries of the quality table of all checked tables, in the plan's order."""
        tables = [self.checked[name] for name in self.plan.tables if name in self.checked]
        return [(table.source.name, *notice) for table in tables for notice in table.quality]

    def confirm_sources(self) -> None:
        """Raise a DataError if a file is not what it was before it was first read."""
        changes = find_changes(self.plan, self.stamps)
        if changes:
            raise DataError(changes)

    def _open_sources(self) -> dict[str, Source]:
        sources = {}
        for name in self.plan.tables:
            try:
                sources[name] = open_source(name, self.plan, con=self.con, folder=self.folder)
            except SegkitError as error:
                self.faults += getattr(error, "faults", [error])
        return sources

    def _settle_as_of(self, sources: dict[str, Source]) -> None:
        """Take the last day in the data as the last day counted."""
        self.as_of = datetime.date.max
        if self.faults:
            return  # nobody will read what was counted until then
        columns = {name: source.columns for name, source in sources.items()}
        for name, time in list_dated(columns):
            try:
                self._convert(sources[name])
            except (SegkitError, duckdb.Error):
                return  # the check of this table says what is wrong
            days = count_days(self.con, f"typed_{name}", time)
            self.last_day = find_last_day(days, name)
            if self.last_day:
                self.as_of = self.last_day.day
                return
        fix = "Write as_of = YYYY-MM-DD, the last day counted."
        message = "as_of is missing, and no table tells a last day"
        self.faults.append(SegkitError(message, where=self.plan.path.name, fix=fix))

    def _convert(self, source: Source) -> list[Notice]:
        """Make a table's converted rows known, once; return what was noticed."""
        if source.name not in self._converted:
            typed, notices = convert_source(source)
            self.tables.bring(f"typed_{source.name}", typed)
            self._converted[source.name] = notices
        return self._converted[source.name]

    def _find_missing_in_orders(self, sources: dict[str, Source]) -> None:
        """Find the columns that neither order lines nor orders carry."""
        lines = sources.get("order_lines")
        orders = sources.get("orders")
        is_orders_broken = orders is None and "orders" in self.plan.tables
        if lines is None or is_orders_broken:
            return
        carried = {*lines.columns, *(orders.columns if orders else ())}
        for column in ("customer_id", "ordered_at"):
            if column not in carried:
                more = ", and no orders table carries it"
                self.faults.append(lines.explain_missing(column, more))

    def _check_source(self, source: Source) -> None:
        try:
            self.checked[source.name] = self._check_table(source)
        except SegkitError as error:
            self.faults += getattr(error, "faults", [error])
        except duckdb.Error as error:  # only now was every page read
            if source.is_copied or isinstance(error, OTHER_FAULTS):
                raise
            fix = "Export it again, whole."
            self.faults.append(source.fail("the Parquet file is broken", error, fix))

    def _check_table(self, source: Source) -> CheckedTable:
        name = source.name
        choose_optimizers(self.con, len(source.columns))
        notices = self._convert(source)
        find_repeats(source, self.tables)
        if name == "order_lines":
            orders = self.checked["orders"].columns if "orders" in self.checked else ()
            self.lines = OrderLines(source, self.tables, self.plan, as_of=self.as_of, orders=orders)
            notices += self.lines.learn()
        query = self._join_others(source, self._derive_columns(source))
        found = self.con.sql(query).columns
        rules = list_quality_rules(name, found, self.plan, as_of=self.as_of)
        totals = find_total_rows(source, self.con)
        rules += totals.rules
        columns = [column.name for column in source.table.columns if column.name in found]
        if name == "order_lines":
            columns += LINE_COLUMNS
        self._create_checked(source, query, columns, rules)
        accepted, rejected, *counts = self._count_rules(name, rules)
        if accepted + rejected != source.raw_count:
            raise explain_account(source, accepted, rejected + source.malformed_count)
        if name == "responses":
            notices += judge_answers(source, self.plan)
        if name == "order_lines":
            told = dict(zip(rules, counts, strict=True))
            notices += self.lines.find_taken_back(
                told, lambda lines: self._join_others(source, self._derive_columns(source, lines))
            )
        entries = [
            *tell_malformed(source),
            *tell_rules(source, rules, counts),
            *notices,
            *totals.notices,
        ]
        told = [notice for notice in entries if notice.row_count]
        others = {other: table.source for other, table in self.checked.items()}
        orders = self.lines.order_counts if name == "order_lines" else None
        told += judge_identity(
            source, self.con, others=others, told=told, orders=orders, measures=self.measures[name]
        )
        return CheckedTable(source, columns, rules, told, accepted=accepted)

    def _derive_columns(self, source: Source, query: str = "") -> str:
        """Return the query of a table's converted rows with the columns that are worked out."""
        query = query or f"SELECT * FROM typed_{source.name}"
        if source.name == "order_lines":
            query = self.lines.queries.derive(query)
        if "resolved_at" in source.columns:
            is_late = f"resolved_at::DATE > '{self.as_of}'"
            kept = f"CASE WHEN NOT {is_late} THEN resolved_at END AS resolved_at"
            if "status" in source.columns:  # it is of the later day: open, on the last one
                kept += f", CASE WHEN {is_late} THEN NULL ELSE status END AS status"
            query = f"SELECT * REPLACE ({kept}), {is_late} AS is_late FROM ({query})"
        if source.name == "customers":
            consent = self.plan.privacy.consent_column
            kinds = {column.name: column.kind for column in source.table.columns}
            if consent in source.columns and kinds.get(consent) == "boolean":
                query = settle_repeated_rows(query, consent)
        return query

    def _join_others(self, source: Source, query: str) -> str:
        """Return the query with ``is_repeat``, ``differs`` and ``lacks_<table>``."""
        there = self.con.sql(query).columns
        lacks = []
        joins = [f"LEFT JOIN repeats_{source.name} AS r ON t.source_row = r.source_row"]
        for other, key in REFERRED_TO.items():
            if other in self.checked and other != source.name and key in there:
                lacks.append(f", {other}.{key} IS NULL AS lacks_{other}")
                joins.append(f"""LEFT JOIN (SELECT {key} FROM checked_{other} WHERE NOT is_rejected)
                    AS {other} ON t.{key} = {other}.{key}""")
        return f"""SELECT t.*, r.source_row IS NOT NULL AS is_repeat, r.differs{"".join(lacks)}
            FROM ({query}) AS t {" ".join(joins)}"""

    def _create_checked(
        self, source: Source, query: str, columns: Sequence[str], rules: Sequence[Rule]
    ) -> None:
        """Create ``checked_<table>``."""
        name = source.name
        whole = {column.name for column in TABLES[name].columns if column.kind == "integer"}
        values = []
        for column in columns:
            value = f"TRY_CAST({column} AS BIGINT)" if column in whole else quote(column)
            faults = [r.test for r in rules if r.column == column and r.treatment == UNKNOWN]
            if faults:
                value = f"CASE WHEN {' OR '.join(faults)} THEN NULL ELSE {value} END"
            values.append(f"{value} AS {quote(column)}")
        flags = [f"coalesce({rule.test}, false) AS rule_{rule.name}" for rule in rules]
        rejecting = [f"rule_{rule.name}" for rule in rules if rule.severity == "reject"]
        is_rejected = " OR ".join(rejecting) or "false"
        # What others refer to, or what had to be read from text, is not worked out again.
        is_kept = source.is_copied or name in REFERRED_TO or self.tables.spark is not None
        self.tables.create(
            f"checked_{name}",
            f"""SELECT *, {is_rejected} AS is_rejected
            FROM (SELECT source_row, {", ".join([*values, *flags])} FROM ({query}))""",
            "TABLE" if is_kept else "VIEW",
        )

    def _count_rules(self, name: str, rules: Sequence[Rule]) -> tuple[int, ...]:
        """Return how many rows are accepted, how many rejected, and how many meet each rule."""
        conditions = ["NOT is_rejected", "is_rejected", *(f"rule_{rule.name}" for rule in rules)]
        counts = [f"count_if({condition})" for condition in conditions]  # faster than FILTER
        measures = LINE_MEASURES if name == "order_lines" else {}
        query = f"SELECT {', '.join([*counts, *measures.values()])} FROM checked_{name}"
        found = self.con.execute(query).fetchall()[0]
        self.measures[name] = dict(zip(measures, found[len(counts) :], strict=True))
        return found[: len(counts)]

    def _find_impossible(self) -> None:
        """Add what makes segments impossible although the tables can be read."""
        table = next(name for name in NAME_CUSTOMERS if name in self.checked)
        source = self.checked[table].source
        if "customer_id" not in self.checked[table].columns:
            self.faults.append(source.explain_missing("customer_id"))
        elif table == "order_lines":
            sales = f"NOT is_rejected AND line_type = 'sale'{self.lines.test_kept()}"
            self._need_two("customer", source, rows=sales, having="an accepted sale")
            self._need_two("order", source, rows=sales, having="an accepted sale")
        else:
            rows = "NOT is_rejected"
            self._need_two("customer", source, rows=rows, having="an accepted row")

    def _need_two(self, what: str, source: Source, *, rows: str, having: str) -> None:
        """Add a fault where the ``rows`` name fewer than two customers or orders."""
        known = f"SELECT {what}_id AS known FROM checked_{source.name} WHERE {rows}"
        count = self._count_different(f"{known} LIMIT {FIRST_ROWS}")
        if count < 2:
            count = self._count_different(known)
        if count < 2:
            self.faults.append(
                SegkitError(
                    f"segments need two {what}s or more with {having}",
                    where=source.locate(f"{what}_id"),
                    found=f"{count} {what}{'' if count == 1 else 's'}",
                    fix=f"Check the mapping of {what}_id, and the plan's as_of and policies.",
                )
            )

    def _count_different(self, query: str) -> int:
        rows = self.con.execute(f"SELECT count(DISTINCT known) FROM ({query})").fetchall()
        return rows[0][0]

    def summarise(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the quality and the counts of all checked tables, in the plan's order."""
        tables = [self.checked[name] for name in self.plan.tables if name in self.checked]
        found = [*self.judged.entries, *self._list_entries()]
        if self.spill.exists():
            largest = max(tables, key=lambda table: table.source.read).source
            limit = self.plan.engine.memory_limit
            reason = f"The tables are larger than what the memory limit, {limit}, leaves to DuckDB."
            treatment = "Checked by way of the disk: slower, with the same result."
            notice = Notice("larger_than_memory", "note", largest.read, reason, treatment)
            found.append((largest.name, *notice))
        quality = pd.DataFrame(answer_warnings(found, self.plan), columns=QUALITY_COLUMNS)
        counts = [
            (
                table.source.name,
                table.source.read,
                table.accepted,
                table.source.read - table.accepted,
            )
            for table in tables
        ]
        return quality.astype({"row_count": "int64"}), pd.DataFrame(counts, columns=COUNT_COLUMNS)

    def write_tables(self, folder: Path) -> list[dict]:
        """Write accepted and rejected rows in the sources' order; return the counts.

        Raises
        ------
        SegkitError
            If the files hold other numbers of rows than were counted.
        """
        made = TablesFolder(folder)
        made.accepted.mkdir()
        made.rejected.mkdir()
        for name, table in self.checked.items():
            checked = f"checked_{name}"
            columns = ", ".join(map(quote, table.columns))
            if name == "order_lines":
                checked, columns = self.lines.add_taken_back(checked, columns)
            accepted = f"""SELECT {columns} FROM {checked}
                WHERE NOT is_rejected ORDER BY source_row"""
            accepted_count = self._copy(accepted, made.accepted_rows(name))
            rejected_count = self._copy(select_rejected(table), made.rejected_rows(name))
            is_accepted = accepted_count == table.accepted
            if not is_accepted or accepted_count + rejected_count != table.source.read:
                raise explain_account(table.source, accepted_count, rejected_count)
        quality, counts = self.summarise()
        quality.to_parquet(made.quality, index=False)
        self.judged.learned.to_frame().to_parquet(made.learned, index=False)
        statuses = list_statuses([], self.plan.policies.statuses)
        if self.lines is not None:
            statuses = self.lines.statuses
        statuses.to_parquet(made.statuses, index=False)
        return counts.to_dict("records")

    def _copy(self, query: str, path: Path) -> int:
        """Write a query's rows as Parquet; return how many the file holds."""
        file = text_literal(path)
        self.con.execute(f"COPY ({query}) TO {file} (FORMAT parquet, COMPRESSION zstd)")
        count = f"SELECT coalesce(sum(num_rows), 0)::BIGINT FROM parquet_file_metadata({file})"
        return self.con.execute(count).fetchall()[0][0]
