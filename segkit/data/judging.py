"""Do the checked tables make sense as a whole? What each row alone does not show.

Rules look at rows; here the whole is judged: how many rows were rejected, how many join nothing,
whether the accepted lines sum to what the columns as found sum to, whether the data reach the last
day counted, whether anybody came back. Thresholds stand at the top, each with its reason. What
makes every result wrong is refused; what may be right for somebody is a warning, which the plan can
accept by its name.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import duckdb

from segkit.core.errors import SegkitError
from segkit.data.checked import CheckedTable
from segkit.data.columns import quote
from segkit.data.last_days import LastDay, count_days, find_time, measure_gaps
from segkit.data.learned import EXACT_ROWS, Learned, count_repeaters, share_of, summarise_orders
from segkit.data.line_rules import LARGEST_AMOUNT, LINE_RULES
from segkit.data.notices import Notice
from segkit.data.quality_rules import REFERRED_TO
from segkit.plan.models import Plan
from segkit.plan.names import NAME_CUSTOMERS

# Shares say nothing of a handful of rows.
LEAST_ROWS = 20
# One row in ten with one fault, which no policy asks for, is no slip: a column is misread.
MANY_BY_RULE = 0.10
# Of a table of which half is set aside, for whatever reason, nobody knows what the rest stands for.
MANY_REJECTED = 0.50
# What is left when nine rows in ten have one fault is an accident.
NEARLY_ALL = 0.90
# Where not one row in a hundred finds its other half, the tables are of two shops.
HARDLY_ANY = 0.01
MOST = 0.50
# Policies take away returns and lines without a customer, up to a third in real shops; not half.
FAR_BELOW = 0.50
FAR_ABOVE = 1.50
# An order that outweighs all others together is a slip of the pen, unless orders are few.
ONE_ORDER = 0.50
# Few dates that lie ten years before all others have another century, or a year mistyped.
EARLY_DAYS = 3650
EARLY_ROWS = 3
EARLY_SHARE = 0.10
# A quarter of a year without an order, where no such time was half as long, is no lull.
LATE_DAYS = 90
LATE_TIMES = 2
# The rules of this module, and of the last day, as the quality table names them.
JUDGED = (
    "many_rejected",
    "few_customers_join",
    "few_products_join",
    "few_orders_join",
    "total_far_from_found",
    "total_not_positive",
    "ends_before_as_of",
    "one_order_each",
    "one_order_of_most",
    "dates_far_before",
    "dates_far_beyond",
    "as_of_from_data",
)
POLICY_RULES = {rule.name for rule in LINE_RULES if rule.policy}
LOOK = "Kept; look whether it is right, and say so under [accepted_warnings] if it is."


@dataclass(frozen=True)
class Judged:
    """What was said of the whole: entries of the quality table, faults, and what was learned."""

    entries: list[tuple] = field(default_factory=list)
    faults: list[SegkitError] = field(default_factory=list)
    learned: Learned | None = None


class Whole(NamedTuple):
    """The tables that were checked, in a DuckDB database, and the last day counted.

    There are ``typed_<table>`` and ``checked_<table>`` of each. ``kept`` is a further test, in SQL,
    of sales that were not taken back.
    """

    plan: Plan
    con: duckdb.DuckDBPyConnection
    as_of: datetime.date
    checked: Mapping[str, CheckedTable]
    kept: str = ""


def judge_tables(
    whole: Whole, *, last_day: LastDay | None, measures: Mapping[str, float]
) -> Judged:
    """Judge the tables of a plan that were checked one by one without a fault.

    Parameters
    ----------
    whole : Whole
    last_day : LastDay, optional
        Where the last day counted is of the data.
    measures : mapping of str to float
        Those of `segkit.data.learned.LINE_MEASURES`, worked out with the rules.
    """
    judge = _Judge(whole)
    if last_day is not None:
        judge.tell_last_day(last_day)
    for table in whole.checked.values():
        judge.judge_rejected(table)
        judge.judge_joins(table)
    judge.judge_end()
    learned = judge.learn(measures)
    judge.judge_total(learned)
    judge.judge_largest(learned)
    judge.judge_repeats(learned)
    return Judged(judge.entries, judge.faults, learned)


class _Judge:
    """The judgements so far."""

    def __init__(self, whole: Whole):
        self.plan = whole.plan
        self.con = whole.con
        self.as_of = whole.as_of
        self.checked = whole.checked
        self.kept = whole.kept
        self.entries: list[tuple] = []
        self.faults: list[SegkitError] = []
        self.main = next(name for name in NAME_CUSTOMERS if name in whole.checked)
        self.days = None  # of the table that tells when something was bought or done

    def add(self, table: str, notice: Notice) -> None:
        self.entries.append((table, *notice))

    def warn(self, table: str, rule: str, row_count: int, reason: str) -> None:
        self.add(table, Notice(rule, "warning", row_count, reason, LOOK))

    def tell_last_day(self, found: LastDay) -> None:
        """Say that the last day counted is of the data, and which dates were no part of them."""
        rows = self.checked[found.table].source.read
        reason = f"The plan has no as_of: the last day in {found.table} was taken, {found.day}."
        treatment = "Write as_of in the plan to count until another day."
        self.add(found.table, Notice("as_of_from_data", "note", rows, reason, treatment))
        if found.beyond_count:
            reason = f"A few dates, from {found.first_beyond} on, lie beyond all the others."
            treatment = "No last day counted was made of them, and their rows were set aside."
            notice = Notice("dates_far_beyond", "warning", found.beyond_count, reason, treatment)
            self.add(found.table, notice)

    def judge_rejected(self, table: CheckedTable) -> None:
        """Refuse or warn where much of a table was set aside."""
        source = table.source
        if source.read < LEAST_ROWS:
            return
        counts = {
            notice.rule: notice.row_count
            for notice in table.quality
            if notice.severity == "reject"
            and notice.rule not in POLICY_RULES
            and notice.rule != "after_as_of"
        }
        worst = max(counts, key=counts.get, default="")
        count = counts.get(worst, 0)
        rejected = source.read - table.accepted
        told = f"{count:,} of {source.read:,} rows"
        if count >= NEARLY_ALL * source.read and source.name == self.main:
            reason = next(notice.reason for notice in table.quality if notice.rule == worst)
            self.faults.append(
                SegkitError(
                    f"hardly a row of {source.name} can be used: {told} have this fault: {reason}",
                    where=source.label,
                    fix=f"Look at the column in the file, or at [tables.{source.name}.columns].",
                )
            )
        elif count >= MANY_BY_RULE * source.read:
            share = count / source.read
            reason = f"{share:.0%} of the rows are set aside by one rule, {worst}."
            self.warn(source.name, "many_rejected", count, reason)
        elif rejected >= MANY_REJECTED * source.read:
            share = rejected / source.read
            reason = f"{share:.0%} of the rows are set aside, for whatever reason."
            self.warn(source.name, "many_rejected", rejected, reason)

    def judge_joins(self, table: CheckedTable) -> None:
        """Refuse or warn where rows do not find the customers, products and orders they name."""
        counts = {notice.rule: notice.row_count for notice in table.quality}
        source = table.source
        for other, key in REFERRED_TO.items():
            unknown = counts.get(f"unknown_{other[:-1]}", 0)
            named = source.raw_count - counts.get(f"missing_{key}", 0)
            if not unknown or named < LEAST_ROWS:
                continue
            joined = max(0, named - unknown) / named
            words = f"no {other[:-1]}" if unknown >= named else f"hardly one {other[:-1]}"
            message = f"{words} of {source.name} is in {other}"
            if joined < HARDLY_ANY and source.name == "order_lines":
                self.faults.append(self._explain_two_shops(message, other, key))
            elif joined < HARDLY_ANY:
                self.warn(source.name, f"few_{other}_join", unknown, f"{message.capitalize()}.")
            elif joined < 1 - MOST:
                reason = f"{1 - joined:.0%} of the rows name none of {other}."
                self.warn(source.name, f"few_{other}_join", unknown, reason)

    def _explain_two_shops(self, message: str, other: str, key: str) -> SegkitError:
        """Return the fault of lines that join nothing, with an id of each side."""
        ids = []
        for name in ("order_lines", other):
            rows = self.con.execute(
                f"""SELECT {quote(key)} FROM checked_{name}
                WHERE NOT is_rejected AND {quote(key)} IS NOT NULL LIMIT 1"""
            ).fetchall()
            ids.append(f"{rows[0][0]!r} in {name}" if rows else f"none in {name}")
        return SegkitError(
            message,
            where=self.plan.path.name,
            found=", ".join(ids),
            fix="Two shops, or two ways to write the id? "
            f"Write {key} alike in both, or take [tables.{other}] out of the plan.",
        )

    def judge_end(self) -> None:
        """Warn where the data end long before the last day counted."""
        table = self.main
        if table == "order_lines" and "ordered_at" not in self.checked[table].source.columns:
            table = "orders"
        time = find_time(table)
        if table not in self.checked:
            return
        if time not in self.checked[table].source.columns:
            return
        amount = self._write_amount() if table == "order_lines" else "0.0"
        days = count_days(self.con, f"typed_{table}", time, amount=amount)
        self.days = days[days["day"] <= self.as_of].reset_index(drop=True)
        if self.days["row_count"].sum() < LEAST_ROWS or table == "customers":
            return
        self._judge_beginning(table)
        last = self.days["day"].iloc[-1]
        late = (self.as_of - last).days
        longest = max(measure_gaps(self.days), default=0)
        if late > max(LATE_DAYS, LATE_TIMES * longest):
            reason = (
                f"The last day in {table} is {late:,} days before as_of; "
                f"did you mean as_of = {last}?"
            )
            row_count = self.checked[table].source.read
            self.warn(table, "ends_before_as_of", row_count, reason)

    def _judge_beginning(self, table: str) -> None:
        """Warn of a few dates that lie long before all others."""
        counts = self.days["row_count"].cumsum()
        few = max(EARLY_ROWS, EARLY_SHARE * counts.iloc[-1])
        gaps = measure_gaps(self.days)
        early = [
            place
            for place, gap in enumerate(gaps)
            if gap >= EARLY_DAYS and counts.iloc[place] <= few
        ]
        if early:
            place = early[-1]
            reason = (
                f"A few dates in {find_time(table)}, until {self.days['day'].iloc[place]}, lie "
                f"{gaps[place]:,} days or more before all others."
            )
            self.warn(table, "dates_far_before", int(counts.iloc[place]), reason)

    def learn(self, measures: Mapping[str, float]) -> Learned:
        """Return what the table that names the customers tells as a whole."""
        table = self.checked[self.main]
        known = {"table": self.main, "row_count": table.accepted, "currency": self.plan.currency}
        if self.days is not None and not self.days.empty:
            known["first_on"] = self.days["day"].iloc[0]
            known["last_on"] = self.days["day"].iloc[-1]
        if self.main == "order_lines":
            return Learned(**known, **self._learn_lines(table, measures))
        if self.main == "customers":
            return Learned(**known, customer_count=table.accepted)
        query = f"SELECT count(DISTINCT customer_id) FROM checked_{self.main} WHERE NOT is_rejected"
        return Learned(**known, customer_count=self.con.execute(query).fetchall()[0][0])

    def _learn_lines(self, table: CheckedTable, measures: Mapping[str, float]) -> dict:
        known = {name: measures[name] for name in ("order_count", "customer_count")}
        known["spend"] = round(measures["spend"] or 0.0, 4)
        known["found_spend"] = self._sum_found(table)
        if table.source.read <= EXACT_ROWS:
            return {**known, **summarise_orders(self.con, self.kept)}
        repeat_count = count_repeaters(self.con, self.kept)
        return {**known, "repeat_count": repeat_count, "is_exact": False}

    def _write_amount(self) -> str:
        """Return the amount of a line as its columns were found, in SQL."""
        columns = self.checked["order_lines"].source.columns
        quantity = "quantity" if "quantity" in columns else "1"
        amounts = ["line_amount"] if "line_amount" in columns else []
        amounts += [f"{quantity} * unit_price"] if "unit_price" in columns else []
        amount = f"coalesce({', '.join(amounts)})" if amounts else "NULL::DOUBLE"
        return f"CASE WHEN abs({amount}) <= {LARGEST_AMOUNT:.0f} THEN {amount} END"

    def _sum_found(self, table: CheckedTable) -> float | None:
        """Return the sum of the columns of all lines until the last day, as they were found."""
        if self.days is not None and "ordered_at" in table.source.columns:
            return round(float(self.days["amount"].astype(float).sum()), 4)
        query = f"SELECT sum({self._write_amount()}) FROM typed_order_lines"
        found = self.con.execute(query).fetchall()[0][0]
        return None if found is None else round(found, 4)

    def judge_total(self, learned: Learned) -> None:
        """Refuse a total that was turned negative; warn of one far from what was found."""
        if learned.spend is None:
            return
        rows = learned.row_count
        found = learned.found_spend
        currency = learned.currency
        if learned.spend <= 0 and found is not None and found > 0:
            self.faults.append(
                SegkitError(
                    f"the lines as found sum to {found:,.2f} {currency}, "
                    f"those accepted to {learned.spend:,.2f}",
                    where=self.checked["order_lines"].source.label,
                    fix="Look at cancelled_order_prefix and the other [policies], which turn or "
                    "drop lines.",
                )
            )
        elif rows < LEAST_ROWS:
            return
        elif learned.spend <= 0:
            reason = "The accepted lines do not sum to more than zero."
            self.warn("order_lines", "total_not_positive", rows, reason)
        elif found is not None and found > 0:
            ratio = learned.spend / found
            if not FAR_BELOW <= ratio <= FAR_ABOVE:
                reason = f"The accepted lines sum to {ratio:.0%} of what all lines as found sum to."
                self.warn("order_lines", "total_far_from_found", rows, reason)

    def judge_largest(self, learned: Learned) -> None:
        """Warn where one of many orders outweighs the others; its customer's share is not told."""
        share = share_of(learned.largest_order, learned.spend)
        if share is not None and share > ONE_ORDER and learned.order_count >= LEAST_ROWS:
            reason = "One order makes more than half of the sum of all line amounts."
            self.warn("order_lines", "one_order_of_most", 1, reason)

    def judge_repeats(self, learned: Learned) -> None:
        """Warn where nobody has a second order."""
        is_told = learned.repeat_count == 0 and (learned.customer_count or 0) >= LEAST_ROWS
        if is_told:
            reason = (
                "No customer has a second order: is customer_id new with each order? "
                "Leave order_count out; recency and spend can be cut."
            )
            self.warn("order_lines", "one_order_each", learned.row_count, reason)
