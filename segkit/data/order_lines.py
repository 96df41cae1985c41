"""The checks that order lines have beside those of every table, in the order of the work."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Mapping

import pandas as pd

from segkit.data.columns import DataError, Source
from segkit.data.engine import SqlTables
from segkit.data.line_facts import SUM_COLUMNS, LineLearner
from segkit.data.lines import LineQueries
from segkit.data.notices import Notice
from segkit.data.order_counts import OrderCounts
from segkit.data.order_status import list_statuses
from segkit.data.quality_rules import Rule
from segkit.data.taken_back import COLUMN, TAKES_BACK, find_taken_back
from segkit.plan.models import Plan


class OrderLines:
    """What order lines are: first learned from all of them, then derived, then taken back.

    Attributes
    ----------
    queries : LineQueries
        How lines are derived.
    statuses, sums : pandas.DataFrame
        Each status with lines and money, and what was shared out, see `LineLearner`.
    order_counts : OrderCounts or None
        What was counted of the orders as they were found, if it was.
    """

    def __init__(
        self,
        source: Source,
        tables: SqlTables,
        plan: Plan,
        *,
        as_of: datetime.date,
        orders: Collection[str],
    ):
        self.source = source
        self.tables = tables
        self.queries = LineQueries(source.columns, orders, plan.policies, as_of)
        self.currency = plan.currency
        self.statuses = list_statuses([], plan.policies.statuses)
        self.sums = pd.DataFrame(columns=list(SUM_COLUMNS))
        self.order_counts: OrderCounts | None = None
        self.has_taken_back = False

    def learn(self) -> list[Notice]:
        """Learn what must be known of all lines, and return what to say of it.

        Raises
        ------
        DataError
            If the plan's policies turn sales into something else.
        """
        learner = LineLearner(self.source, self.tables, self.queries, currency=self.currency)
        learner.learn()
        self.statuses = learner.statuses
        self.sums = learner.sums
        self.order_counts = learner.order_counts
        if learner.faults:
            raise DataError(learner.faults)
        self.queries = learner.queries
        return learner.notices

    def find_taken_back(
        self, counts: Mapping[Rule, int], complete: Callable[[str], str]
    ) -> list[Notice]:
        """Find the orders that were taken back, if there may be any; return what to say of it.

        ``counts`` are those of the rules; ``complete`` returns the query that completes the
        converted lines of a query, with all that the rules read.
        """
        rejects = [f"coalesce({rule.test}, false)" for rule in counts if rule.severity == "reject"]
        found = {rule.name for rule in counts if rule.severity != "reject" and counts[rule]}
        if not found.intersection(TAKES_BACK):
            return []
        notices = find_taken_back(
            self.queries,
            self.tables,
            lambda lines: f"SELECT * FROM ({complete(lines)}) WHERE NOT ({' OR '.join(rejects)})",
            line_counts=self._name_counts(),
        )
        rows = self.tables.con.execute("SELECT 1 FROM taken_back LIMIT 1").fetchall()
        self.has_taken_back = bool(rows)
        return [notice for notice in notices if notice.row_count]

    def _name_counts(self) -> str:
        """Return the table of lines by customer, if customers are read as they were found."""
        is_told = self.queries.tells_customer and "customer_id" in self.source.plain_ids
        is_read = is_told and not self.source.joins_capitals
        return self.source.id_counts["customer_id"] if is_read else ""

    def test_kept(self) -> str:
        """Return the further test of lines that were not taken back."""
        if not self.has_taken_back:
            return ""
        return " AND source_row NOT IN (SELECT source_row FROM taken_back)"

    def add_taken_back(self, checked: str, columns: str) -> tuple[str, str]:
        """Return checked lines, and their columns, with the time when they were taken back."""
        if not self.has_taken_back:
            return checked, columns
        joined = f"""(SELECT c.*, t.{COLUMN} FROM {checked} AS c
            LEFT JOIN taken_back AS t ON c.source_row = t.source_row)"""
        return joined, f"{columns}, {COLUMN}"
