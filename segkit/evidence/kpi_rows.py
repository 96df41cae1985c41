"""The rows that KPIs are made of, in the engine: each table with its derived columns.

A KPI becomes two amounts a row: its part and its whole, null where the row does not count. Their
sums by customer, or by month, are all that leaves the engine.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import pandas as pd
from ibis import ir

from segkit.core.absence import is_missing
from segkit.core.errors import SegkitError
from segkit.core.periods import YEAR_DAYS
from segkit.evidence.experience.promoter import LEAST_PROMOTER, MOST_DETRACTOR, list_recommendations
from segkit.evidence.kpi_definitions import POINTS, explain_lack
from segkit.features.deals import prepare_contracts, prepare_deals
from segkit.features.expressions import days_until, is_control, is_delivered, keep_until, sum_money
from segkit.features.journey import mark_lapsed
from segkit.features.sales import is_income, is_sale
from segkit.models.kinds import name_kind
from segkit.models.rule_language import Predicate, read_predicate
from segkit.plan.amount_language import read_amount
from segkit.plan.kpis import DATES, Kpi
from segkit.plan.models import Plan
from segkit.plan.support import Support
from segkit.segmentation.rules import take_column

HOUR_SECONDS = 3600
TRUE = "kpi_true_"  # a column, for a constant has no sum


@dataclass(frozen=True)
class Source:
    """What KPIs are made of.

    Attributes
    ----------
    tables : mapping of str to ibis.Table
        The accepted rows.
    customers : DataFrame
        One row a customer, with ``customer_id`` and the features.
    as_of : datetime.date
        The last day counted.
    consent_column : str or None
        The column that says who may be contacted.
    support : Support
        What the plan says that events and statuses of tickets mean.
    recommendation : str
        The question how likely customers are to recommend us.
    """

    tables: Mapping[str, ir.Table]
    customers: pd.DataFrame
    as_of: datetime.date
    consent_column: str | None = "consent"
    support: Support = field(default_factory=Support)
    recommendation: str = ""
    _opened: dict[str, ir.Table | None] = field(repr=False, compare=False, default_factory=dict)

    def open_rows(self, over: str) -> ir.Table | None:
        """Return the rows of a table until the last day counted; None where it is not there."""
        if over not in self._opened:
            rows = self._open(over)
            named = None if rows is None else rows.mutate(**{TRUE: ibis.literal(True)})
            self._opened[over] = named
        return self._opened[over]

    def _open(self, over: str) -> ir.Table | None:
        if over == "customers":
            return self._open_customers()
        if over == "orders":
            return self._open_orders()
        table = self.tables.get(over)
        if table is None:
            return None
        if DATES[over] in table.columns and over not in ("deals", "contracts"):
            table = keep_until(table, DATES[over], self.as_of)
        derive = _DERIVE.get(over)
        return derive(table, self) if derive else table

    def _open_customers(self) -> ir.Table:
        """Return the customer table, with the columns of the customers that are no features."""
        frame = self.customers
        given = self.tables.get("customers")
        if given is not None:
            more = [name for name in given.columns if name not in frame or name == "customer_id"]
            if len(more) > 1:
                extra = given.select(*more).to_pandas().astype({"customer_id": str})
                frame = frame.merge(extra, on="customer_id", how="left")
        frame = frame.copy()  # in one piece: features stand a column each, and more are added
        lapsed = mark_lapsed(frame)
        if lapsed is not None:
            frame = frame.assign(is_lapsed=lapsed.astype(bool))
        if self.consent_column in frame:
            frame = frame.assign(may_contact=frame[self.consent_column].astype(object))
        points = self._find_points()
        if len(points):
            frame = frame.merge(points, on="customer_id", how="left")
        lines = self.tables.get("order_lines")
        if lines is not None:
            frame = frame.merge(self._find_years(lines), on="customer_id", how="left")
        return ibis.memtable(_tidy(frame))

    def _find_points(self) -> pd.DataFrame:
        """Return 100, 0 or -100 of each promoter, passive and detractor; none without a question.

        Who is which: Reichheld (2003), The one number you need to grow, *Harvard Business Review*.
        """
        told = list_recommendations(
            self.tables.get("responses"), question=self.recommendation, as_of=self.as_of
        )
        number = told["number"].astype(float)
        points = 100.0 * (number >= LEAST_PROMOTER) - 100.0 * (number <= MOST_DETRACTOR)
        return pd.DataFrame({"customer_id": told["customer_id"].astype(str), POINTS: points})

    def _find_years(self, lines: ir.Table) -> pd.DataFrame:
        """Return, of each buyer, whether they bought in the last year, and in the one before."""
        rows = keep_until(lines, "ordered_at", self.as_of)
        rows = rows.filter(is_sale(rows) & rows.customer_id.notnull())
        age = days_until(rows.ordered_at, self.as_of)
        found = rows.group_by("customer_id").agg(
            bought_last_year=(age < YEAR_DAYS).any(),
            bought_year_before=((age >= YEAR_DAYS) & (age < 2 * YEAR_DAYS)).any(),
        )
        return found.to_pandas().astype({"customer_id": str})

    def _open_orders(self) -> ir.Table | None:
        """Return a row an order: of the order lines, with what the orders say beside them."""
        orders = self.tables.get("orders")
        lines = self.tables.get("order_lines")
        if lines is None:
            return (
                orders
                if is_missing(orders, "ordered_at")
                else keep_until(orders, "ordered_at", self.as_of)
            )
        rows = keep_until(lines, "ordered_at", self.as_of)
        found = rows.group_by("order_id", "customer_id").agg(
            ordered_at=rows.ordered_at.min(where=is_sale(rows)),
            order_value=sum_money(rows.line_amount, where=is_income(rows)),
            line_count=is_sale(rows).cast("int64").sum(),
        )
        found = found.filter(found.ordered_at.notnull())
        if orders is None:
            return found
        more = [name for name in orders.columns if name not in found.columns]
        return found.left_join(orders.select("order_id", *more), "order_id").drop("order_id_right")


def open_source(
    tables: Mapping[str, ir.Table],
    customers: pd.DataFrame,
    plan: Plan | None = None,
    *,
    as_of: datetime.date,
) -> Source:
    """Return what KPIs are made of, with what a plan says of consent, support and surveys.

    Without ``customer_id`` each row of the customers is one.
    """
    if "customer_id" not in customers:
        customers = customers.assign(customer_id=range(len(customers)))
    customers = customers.astype({"customer_id": str})
    if plan is None:
        return Source(tables, customers, as_of)
    return Source(
        tables,
        customers,
        as_of,
        plan.privacy.consent_column,
        support=plan.support,
        recommendation=plan.surveys.recommendation,
    )


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with columns of Python's objects as what their values are."""
    objects = frame.select_dtypes(object).columns
    return frame.assign(**{name: frame[name].convert_dtypes() for name in objects})


def _derive_lines(lines: ir.Table, source: Source) -> ir.Table:
    products = source.tables.get("products")
    if "category" in lines.columns or is_missing(products, "category"):
        return lines
    categories = products.select("product_id", "category").distinct(on="product_id")
    return lines.left_join(categories, "product_id").drop("product_id_right")


def _derive_messages(messages: ir.Table, _source: Source) -> ir.Table:
    is_sent = ~is_control(messages)
    return messages.mutate(is_sent=is_sent, is_delivered=is_delivered(messages))


def _derive_tickets(tickets: ir.Table, source: Source) -> ir.Table:
    tickets = _hide_later(tickets, ("resolved_at", "answered_at"), source.as_of)
    if is_missing(tickets, "resolved_at", "opened_at"):
        return tickets
    seconds = tickets.resolved_at.epoch_seconds() - tickets.opened_at.epoch_seconds()
    return tickets.mutate(hours_to_resolve=seconds / HOUR_SECONDS)


def _hide_later(table: ir.Table, names: Sequence[str], as_of: datetime.date) -> ir.Table:
    """Take away moments after the last day counted: on that day nobody knew them."""
    known = {}
    for name in names:
        if name in table.columns:
            is_known = days_until(table[name], as_of) >= 0
            known[name] = ibis.ifelse(is_known, table[name], ibis.null(table[name].type()))
    return table.mutate(**known) if known else table


def _derive_responses(responses: ir.Table, _source: Source) -> ir.Table:
    return responses.mutate(answer_number=responses.answer.cast("string").try_cast("float64"))


def _derive_deals(deals: ir.Table, source: Source) -> ir.Table:
    """Return the deals as they stood on the last day: what closed later was open."""
    prepared = prepare_deals(deals, as_of=source.as_of)
    nothing = ibis.null("int64")
    told = prepared.select(
        "deal_id",
        fate=prepared.fate,
        is_decided=prepared.is_decided,
        days_to_close=ibis.ifelse(prepared.is_decided, prepared.days, nothing),
    )
    if {"outcome", "closed_on"} <= set(deals.columns):
        is_later = (days_until(deals.closed_on, source.as_of) < 0).fill_null(False)
        deals = deals.mutate(outcome=ibis.ifelse(is_later, "open", deals.outcome))
    deals = _hide_later(deals, ("closed_on",), source.as_of)
    return deals.inner_join(told, "deal_id")


def _derive_contracts(contracts: ir.Table, source: Source) -> ir.Table:
    prepared = prepare_contracts(contracts, as_of=source.as_of)
    if prepared is None:
        return contracts
    told = prepared.select("contract_id", "fate", "is_due", "is_renewed")
    contracts = _hide_later(contracts, ("renewed_on",), source.as_of)
    return contracts.inner_join(told, "contract_id")


_DERIVE = {
    "order_lines": _derive_lines,
    "messages": _derive_messages,
    "tickets": _derive_tickets,
    "responses": _derive_responses,
    "deals": _derive_deals,
    "contracts": _derive_contracts,
}


@dataclass(frozen=True)
class Compiled:
    """A KPI as amounts of a row: ``part`` and ``whole``, null where the row does not count.

    ``unknown`` says where a share's condition is neither true nor false; ``day`` is when a row was,
    None of a state.
    """

    kpi: Kpi
    part: ir.NumericValue
    whole: ir.NumericValue
    unknown: ir.BooleanValue
    day: ir.Value | None

    def is_in(self, as_of: datetime.date) -> ir.BooleanValue:
        """Return which rows lie within the KPI's days."""
        if self.day is None:
            return self.unknown.isnull() | True
        age = days_until(self.day, as_of)
        if self.kpi.days == "all":
            return (age >= 0).fill_null(False)
        return ((age >= 0) & (age < self.kpi.days)).fill_null(False)


def compile_kpi(kpi: Kpi, rows: ir.Table | None) -> Compiled | str:
    """Return a KPI as amounts of the rows of its table, or say what it lacks.

    Raises
    ------
    SegkitError
        If a condition does not fit the kinds of the columns that the data have.
    """
    if rows is None:
        return explain_lack(kpi, None, ())
    kinds = {name: _name_kind(kind) for name, kind in rows.schema().items()}
    read: dict[str, Predicate] = {}
    try:
        missing = _find_missing(kpi, kinds)
        if missing:
            return explain_lack(kpi, rows.columns, missing)
        for key, text in kpi.conditions.items():
            read[key] = read_predicate(text, kinds)
        for key, text in kpi.amounts.items():
            read[key] = read_amount(text, kinds)
    except SegkitError as error:
        where = f"KPI '{kpi.name}' of the plan"
        raise SegkitError(error.message, where=where, found=error.found, fix=error.fix) from None
    values = {name: take_column(rows, name, kinds[name]) for name in _list_columns(read.values())}
    built = {key: one.apply(values) for key, one in read.items()}
    return _combine(kpi, rows, built)


def _name_kind(kind) -> str:
    found = name_kind(kind)
    return "text" if found == "category" else found


def _list_columns(predicates: Sequence[Predicate]) -> list[str]:
    return list(dict.fromkeys(name for one in predicates for name in one.columns))


def _find_missing(kpi: Kpi, kinds: Mapping[str, str]) -> list[str]:
    """Return the columns that a KPI names and its table lacks."""
    known = {**dict.fromkeys(_words(kpi), "any"), **kinds}
    named = [kpi.time] if _needs_time(kpi) else []
    for text in kpi.conditions.values():
        named += read_predicate(text, known).columns
    for text in kpi.amounts.values():
        named += read_amount(text, known).columns
    return [name for name in dict.fromkeys(named) if name not in kinds]


def _needs_time(kpi: Kpi) -> bool:
    """Tell whether a KPI cannot be made without its column of time."""
    return bool(kpi.date) or (bool(kpi.time) and kpi.days != "all")


def _words(kpi: Kpi) -> list[str]:
    text = " ".join([*kpi.conditions.values(), *kpi.amounts.values()])
    return re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'", " ", text))


def _combine(kpi: Kpi, rows: ir.Table, built: Mapping[str, ir.Value]) -> Compiled:
    """Return the part and the whole of each row."""
    every = rows[TRUE]
    one = every.cast("float64")
    nothing = ibis.null("float64")
    never = ~every
    day = rows[kpi.time] if kpi.time in rows.columns else None
    if kpi.measure == "share":
        base = built["when"].fill_null(False) if "when" in built else every
        hit = built["where"]
        is_known = base & hit.notnull()
        part = ibis.ifelse(is_known, hit.fill_null(False).cast("float64"), nothing)
        return Compiled(kpi, part, ibis.ifelse(is_known, one, nothing), base & hit.isnull(), day)
    base = built["where"].fill_null(False) if "where" in built else every
    if "of" not in built:
        counted = ibis.ifelse(base, one, nothing)
        return Compiled(kpi, counted, counted, never, day)
    amount = built["of"].cast("float64")
    over = built["per"].cast("float64") if "per" in built else one
    is_known = base & amount.notnull()
    if "per" in built:
        is_known &= over.notnull()
    part = ibis.ifelse(is_known, amount, nothing)
    return Compiled(kpi, part, ibis.ifelse(is_known, over, nothing), never, day)
