"""Whether identifiers tell customers apart: one in two spellings, an order of two customers.

It looks at the different identifiers of a column, once they are counted; numbers that are stored as
such need no look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from segkit.data.columns import Source
from segkit.data.id_looks import OF_ONE_ROW
from segkit.data.identifiers import ROUNDED, clean_id
from segkit.data.notices import Notice, say_column
from segkit.data.order_counts import OrderCounts, count_orders
from segkit.data.quality_rules import REFERRED_TO
from segkit.data.texts import NO_ID, list_literals
from segkit.data.total_rows import TOTAL_WORDS, find_sum_of_lines, is_looked_through, tell_called

# In so many orders or more, a customer for nearly every order is strange.
MANY_ORDERS = 100
ONE_ORDER_SHARE = 0.98
# What columns are called that tell a person, and what only sounds like it.
PERSONAL = re.compile(
    r"unique|e-?mail|account|member|loyalty|card|phone|mobile|user|buyer|client|household|kunde",
    re.IGNORECASE,
)
NOT_PERSONAL = re.compile(
    r"accept|opt|consent|market|source|type|status|agent|country|amount|price|name", re.IGNORECASE
)
LARGEST_EXACT = 2**53  # of a number with a floating point

SPELLINGS = {
    "capitals": ("lower({})", "capitals only"),
    "zeros": ("ltrim({}, '0')", "leading zeros only"),
    "points": ("regexp_replace({}, '[.]0$', '')", "an ending .0 only"),
}
IGNORED = {"capitals": "capitals", "zeros": "leading zeros", "points": "an ending .0"}
# What tills and shops write where nobody is known.
NOBODY = (
    "guest", "guest customer", "guests", "anonymous", "anon", "unknown", "unknown customer",
    "walk-in", "walk in", "walkin", "no customer", "not known", "cash", "cash customer",
    "unregistered", "default", "dummy", "test", "gast", "unbekannt", "laufkunde", "invité",
    "inconnu", "invitado", "desconocido",
)  # fmt: skip
# What may be somebody where others look alike, unless many more rows have it than a customer has.
NOBODY_TOO = ("0", "00", "000", "0000", "00000", "000000", "-1", "x", "xxx")
OFTEN = 5.0  # times the mean
SHAPE = "regexp_replace(id, '[0-9]', '0', 'g')"


@dataclass(frozen=True)
class IdentityChecks:
    """The identifiers of one converted table, ``typed_<table>``, in its database.

    ``others`` are the sources of the plan's checked tables, by name; ``orders`` what was counted of
    the orders as they were found, if it was.
    """

    source: Source
    con: duckdb.DuckDBPyConnection
    others: Mapping[str, Source]
    orders: OrderCounts | None = None

    def find(self, unknown: Iterable[str]) -> list[Notice]:
        """Return all warnings; ``unknown`` are the tables in which rows did not find theirs."""
        notices = []
        for name in self._list_ids():
            kind = self.source.types[name]
            if kind in ("FLOAT", "DOUBLE"):
                notices += self._find_inexact(name)
            if kind == "VARCHAR":
                notices += self._find_spellings(name)
        if {"order_id", "customer_id"} <= set(self.source.columns):
            notices += self._compare_orders()
        for other in unknown:
            notices += self._find_nearly_joined(other)
        return notices

    def _list_ids(self) -> list[str]:
        columns = self.source.table.columns
        return [c.name for c in columns if c.kind == "id" and c.name in self.source.columns]

    def _fetch(self, query: str) -> tuple:
        return self.con.execute(query).fetchall()[0]

    def _find_inexact(self, name: str) -> list[Notice]:
        """Warn of whole numbers that are too long for how they are stored."""
        test = f"count_if(abs({name}) > {LARGEST_EXACT})"
        (count,) = self._fetch(f"SELECT {test} FROM {self.source.raw}")
        return [_tell_rounded(name, count)] if count else []

    def _find_spellings(self, name: str) -> list[Notice]:
        """Warn of identifiers that lost digits, or differ in capitals or leading zeros only."""
        if name in OF_ONE_ROW:  # how they are spelt matters only where they join
            if name not in self.source.plus_ids:
                return []
            test = f"count_if(contains({name}, '+') AND regexp_full_match(trim({name}), {ROUNDED}))"
            (count,) = self._fetch(f"SELECT {test} FROM {self.source.raw}")
            return [_tell_rounded(name, count)] if count else []
        # They were counted as found, and are read as identifiers now that they are few.
        read = clean_id(f"trim({name}, E' \\t\\n\\r')")
        self.con.execute(
            f"""CREATE OR REPLACE TEMP TABLE ids AS
            SELECT {read} AS id, sum(rows)::BIGINT AS rows
            FROM {self.source.id_counts[name]}
            WHERE id NOT IN ({list_literals(NO_ID)}) GROUP BY 1"""
        )
        (lost,) = self._fetch(
            f"""SELECT coalesce(sum(rows), 0)::BIGINT FROM ids
            WHERE contains(id, '+') AND regexp_full_match(id, {ROUNDED})"""
        )
        notices = [_tell_rounded(name, lost)] if lost else []
        if not is_looked_through(self.source):
            notices += self._find_called(name)
        if name == "customer_id":
            notices += self._find_nobody()
        spellings = set(SPELLINGS)
        if name == "customer_id" and self.source.joins_capitals:
            spellings.remove("capitals")
        for spelling in sorted(spellings):
            notices += self._find_variants(name, spelling)
        return notices

    def _find_called(self, name: str) -> list[Notice]:
        """Warn of identifiers that are a word for a total."""
        (count,) = self._fetch(
            f"""SELECT coalesce(sum(rows), 0)::BIGINT FROM ids
            WHERE lower(rtrim(id, ' :.')) IN ({list_literals(TOTAL_WORDS)})"""
        )
        return [tell_called(count, f"A {say_column(name)}")] if count else []

    def _find_nobody(self) -> list[Notice]:
        """Warn of customers whose identifier says that nobody knows who it was."""
        count, label = self._fetch(
            f"""SELECT coalesce(sum(rows), 0)::BIGINT, max_by(id, rows)
            FROM ids, (SELECT avg(rows) AS usual_rows, mode({SHAPE}) AS usual_shape FROM ids)
            WHERE rows > 1 AND (lower(id) IN ({list_literals(NOBODY)})
                OR lower(id) IN ({list_literals(NOBODY_TOO)})
                AND ({SHAPE} <> usual_shape OR rows > {OFTEN} * usual_rows))"""
        )
        if not count:
            return []
        return [
            Notice(
                "nobody_customer_id",
                severity="warning",
                row_count=count,
                reason=f"The customer id says that the customer is not known: '{label}'.",
                treatment="Kept as one customer; leave it empty where nobody is known.",
            )
        ]

    def _find_variants(self, name: str, spelling: str) -> list[Notice]:
        """Warn of identifiers that are one but for how they are spelt."""
        form, difference = SPELLINGS[spelling]
        among = "true"
        if spelling == "zeros":
            (zeros,) = self._fetch("SELECT count_if(id >= '0' AND id < '1') FROM ids")
            if not zeros:
                return []
            among = "regexp_full_match(id, '[0-9]+')"
        if spelling == "points":
            (points,) = self._fetch("SELECT count_if(ends_with(id, '.0')) FROM ids")
            if not points:
                return []
        ids, groups, rows = self._fetch(
            f"""SELECT coalesce(sum(n), 0)::BIGINT, count(*), coalesce(sum(rarer), 0)::BIGINT
            FROM (SELECT count(*) AS n, sum(rows) - max(rows) AS rarer FROM ids
                WHERE {among} GROUP BY {form.format("id")} HAVING count(*) > 1)"""
        )
        if not groups:
            return []
        treatment = "Kept apart."
        if spelling == "capitals" and name == "customer_id":
            treatment += " Write join_capitals = true under [policies] to read them as one."
        if spelling == "zeros":
            treatment += " Export them as text, with all their digits, from every system."
        return [
            Notice(
                f"{spelling}_differ_{name}",
                severity="warning" if name == "customer_id" else "note",
                row_count=rows,
                reason=f"{ids:,} values of {say_column(name)} differ in {difference}; {groups:,} "
                "may be meant.",
                treatment=treatment,
            )
        ]

    def _compare_orders(self) -> list[Notice]:
        """Warn of orders with two customers, and of a customer that is new with each order."""
        counts = self.orders or count_orders(self.con, self.source.raw)
        if counts.shared_count:  # as found; perhaps not as read
            counts = count_orders(self.con, f"typed_{self.source.name}")
        notices = []
        if counts.shared_count:
            notices.append(
                Notice(
                    "order_of_two_customers",
                    severity="warning",
                    row_count=counts.shared_line_count,
                    reason=f"{counts.shared_count:,} orders have lines of two customers or more.",
                    treatment="Each line counts for its own customer.",
                )
            )
        better = self._name_better()
        orders = counts.order_count
        customers = 0
        if better and orders >= MANY_ORDERS:
            (customers,) = self._fetch(
                f"""SELECT count(DISTINCT customer_id) FROM typed_{self.source.name}
                WHERE order_id IS NOT NULL"""
            )
        if customers and customers >= ONE_ORDER_SHARE * orders:
            listed = ", ".join(f"'{name}'" for name in better)
            notices.append(
                Notice(
                    "customer_of_one_order",
                    severity="warning",
                    row_count=orders,
                    reason=f"{orders:,} orders are of {customers:,} customers: the customer id may "
                    "be new with each order.",
                    treatment=f"Kept; look whether another column names the customer: {listed}.",
                )
            )
        return notices

    def _name_better(self) -> list[str]:
        """Return columns of the tables that may name the customer better."""
        found = []
        for source in (self.source, *self.others.values()):
            own = source.columns.get("customer_id")
            known = source.name in ("order_lines", "orders", "customers")
            for name in source.names if known else ():
                is_personal = PERSONAL.search(name) and not NOT_PERSONAL.search(name)
                if is_personal and name != own and name not in found:
                    found.append(name)
        return found[:3]

    def _find_nearly_joined(self, other: str) -> list[Notice]:
        """Say how many more rows would find theirs if a spelling were ignored."""
        key = REFERRED_TO[other]
        there = f"(SELECT {key} AS id FROM checked_{other} WHERE NOT is_rejected)"
        self.con.execute(
            f"""CREATE OR REPLACE TEMP TABLE lacking AS SELECT id, rows FROM (
                SELECT {key} AS id, count(*) AS rows FROM checked_{self.source.name}
                WHERE {key} IS NOT NULL AND NOT is_rejected GROUP BY 1)
            ANTI JOIN {there} AS t USING (id)"""
        )
        notices = []
        for spelling, (form, _) in SPELLINGS.items():
            spelt = form.format("id")
            (rows,) = self._fetch(
                f"""SELECT coalesce(sum(rows), 0)::BIGINT FROM lacking
                WHERE {spelt} IN (SELECT {spelt} FROM {there})"""
            )
            if rows:
                words = say_column(key)
                ignored = IGNORED[spelling]
                notices.append(
                    Notice(
                        f"{spelling}_part_{other}",
                        severity="warning",
                        row_count=rows,
                        reason=f"By their {words}, {rows:,} more would join the {other} table if "
                        f"{ignored} were ignored.",
                        treatment="Kept without it; spell the identifiers alike in both tables.",
                    )
                )
        return notices


def judge_identity(
    source: Source,
    con: duckdb.DuckDBPyConnection,
    *,
    others: Mapping[str, Source],
    told: Sequence[Notice],
    orders: OrderCounts | None = None,
    measures: Mapping[str, float],
) -> list[Notice]:
    """Return what is strange about a checked table's identifiers, and a line that sums the others.

    ``others`` are the sources of the tables checked before, ``told`` what the rules found,
    ``orders`` what was counted of the orders already, ``measures`` those of
    `segkit.data.learned.LINE_MEASURES`.
    """
    rules = {notice.rule for notice in told}
    unknown = [other for other in REFERRED_TO if f"unknown_{other[:-1]}" in rules]
    faults = IdentityChecks(source, con, others, orders).find(unknown)
    return [*faults, *find_sum_of_lines(source, con, measures)]


def _tell_rounded(name: str, count: int) -> Notice:
    return Notice(
        f"rounded_{name}",
        severity="warning",
        row_count=count,
        reason=f"The {say_column(name)} has lost its digits, as in 1.23457E+12.",
        treatment="Kept as it is, although others may be one with it; export it again as text.",
    )
