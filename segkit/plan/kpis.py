"""KPIs: the ready-made ones by name, and those that the analyst writes in the plan.

A KPI is an aggregate of one table: what is counted, summed or averaged, of which rows, over which
time, and whether more of it is better. Its conditions and amounts are in the language of rules and
are read here, so that a fault is told with its line before any data is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from segkit.contract.features import CATEGORY_SHARE, FEATURES
from segkit.contract.tables import TABLES
from segkit.core.errors import SegkitError, suggest_name
from segkit.models.rule_language import read_predicate
from segkit.plan.amount_language import read_amount
from segkit.plan.bases import Name
from segkit.plan.frozen import Frozen

MEASURES = {
    "total_spend": "Net spend in the last 365 days",
    "active_customers": "Customers who bought in the last 365 days",
    "repeat_share": "Share of buyers with two orders or more",
    "mean_order_value": "Mean order value, net of returns",
    "orders_per_customer": "Orders a buyer",
    "lapsed_share": "Share of buyers who have lapsed, as the stages of the journey have it",
    "open_share": "Share of delivered messages that were opened",
    "resolution_hours": "Median hours to resolve a ticket, open ones included",
    "click_share": "Share of delivered messages that were clicked",
    "unsubscribe_share": "Share of delivered messages that were unsubscribed from",
    "bounce_share": "Share of sent messages that bounced",
    "new_customers": "Customers whose first order is of the last 365 days",
    "retention_share": "Share of the buyers of the year before who bought in the last 365 days",
    "value_per_customer": "Net spend a customer in the last 365 days",
    "consent_share": "Share of customers who may be contacted",
    "net_promoter_score": "Net promoter score: promoters less detractors, of a hundred answers",
    "win_rate": "Share of decided deals that were won",
    "renewal_share": "Share of ended contracts that were renewed",
}
# The tables that a KPI may be of, each with the column that says when a row was.
DATES = {
    "customers": "",
    "orders": "ordered_at",
    "order_lines": "ordered_at",
    "events": "occurred_at",
    "messages": "sent_at",
    "tickets": "opened_at",
    "responses": "answered_at",
    "deals": "closed_on",
    "contracts": "ends_on",
}
# Columns that are worked out beside the table's own: their kind, by table.
DERIVED: dict[str, dict[str, str]] = {
    "customers": {"bought_last_year": "boolean", "bought_year_before": "boolean"},
    "orders": {"order_value": "number", "line_count": "number"},
    "order_lines": {"line_type": "text", "category": "text"},
    "messages": {"is_sent": "boolean", "is_delivered": "boolean"},
    "tickets": {"hours_to_resolve": "number"},
    "responses": {"answer_number": "number"},
    "deals": {"fate": "text", "is_decided": "boolean", "days_to_close": "number"},
    "contracts": {"fate": "text", "is_due": "boolean", "is_renewed": "boolean"},
}
NEEDS_OF = ("sum", "mean", "median", "ratio")
TAKES_OF = (*NEEDS_OF, "per_customer")
_KINDS = {
    "id": "text",
    "text": "text",
    "category": "text",
    "integer": "number",
    "number": "number",
    "money": "number",
    "date": "date",
    "datetime": "date",
    "boolean": "boolean",
}
Words = Annotated[str, Field(max_length=80)]


class Kpi(Frozen):
    """One KPI; with a name alone, a ready-made one that is followed.

    ``over`` is the table, ``measure`` what is made of its rows: *count* (rows), *customers* (who
    have one), *sum*, *mean* and *median* ``of`` an amount, *share* (of the rows that meet ``when``,
    those that meet ``where``), *ratio* (the sum of ``of`` over that of ``per``), *per_customer*
    (rows, or the sum of ``of``, over all customers). ``where`` keeps rows. ``days`` are the last
    days counted by the column ``date``, or "all".
    """

    name: Name
    text: Words = ""
    over: Literal[tuple(DATES)] | None = None
    measure: (
        Literal["count", "customers", "sum", "mean", "median", "share", "ratio", "per_customer"]
        | None
    ) = None
    of: str = ""
    per: str = ""
    where: str = ""
    when: str = ""
    date: str = ""
    days: Annotated[int, Field(ge=1, le=36_500)] | Literal["all"] = 365
    better: Literal["higher", "lower"] = "higher"
    unit: Words = ""

    @field_validator("text", "unit")
    @classmethod
    def _check_words(cls, text: str) -> str:
        if "_" in text:
            raise ValueError("this is read by people; write words, without _")
        if text != text.strip():
            raise ValueError("take out the spaces at its ends")
        return text

    @model_validator(mode="after")
    def _check_parts(self) -> Kpi:
        if self.is_ready_made:
            return self
        for name in ("text", "over", "measure"):
            if not getattr(self, name):
                raise ValueError(f"a KPI of one's own needs {name}")
        self._check_amounts()
        if not self.time and self.days != "all" and "days" in self.model_fields_set:
            raise ValueError("a customer is a state, not of some days: take out days, or give date")
        if self.measure == "share" and not self.where:
            raise ValueError("a share needs where: the rows that count, of those that meet when")
        if self.when and self.measure != "share":
            raise ValueError(f"when is for a share; of a {self.measure} write where")
        return self

    def _check_amounts(self) -> None:
        if bool(self.of) != (self.measure in NEEDS_OF) and self.measure != "per_customer":
            needs = "needs" if self.measure in NEEDS_OF else "has no"
            raise ValueError(f"{self.measure} {needs} of, an amount such as line_amount")
        if bool(self.per) != (self.measure == "ratio"):
            needs = "needs" if self.measure == "ratio" else "has no"
            raise ValueError(f"{self.measure} {needs} per, the amount to divide by")

    @property
    def is_ready_made(self) -> bool:
        """Whether it is a ready-made KPI that the plan follows by its name."""
        return self.name in MEASURES and self.over is None and self.measure is None

    @property
    def conditions(self) -> dict[str, str]:
        """Its conditions, by their key."""
        return {key: text for key in ("where", "when") if (text := getattr(self, key))}

    @property
    def amounts(self) -> dict[str, str]:
        """Its amounts, by their key."""
        return {key: text for key in ("of", "per") if (text := getattr(self, key))}

    @property
    def time(self) -> str:
        """The column that says when a row was; empty where a row is a state."""
        return self.date or DATES[self.over or "customers"]


def list_kinds(table: str) -> dict[str, str]:
    """Return the kind of each column of a table that a KPI may name.

    Identifiers and what is personal are none of them: a KPI does not single out a customer.
    """
    kinds = dict(DERIVED.get(table, {}))
    if table in TABLES:
        kinds |= {
            column.name: _KINDS[column.kind]
            for column in TABLES[table].columns
            if not column.personal and column.kind != "id"
        }
    kinds |= {name: "text" for name in ("product_id", "campaign_id") if _has(table, name)}
    if table == "customers":
        for name, feature in FEATURES.items():
            kinds[name] = "text" if feature.kind == "category" else feature.kind
    return kinds


def _has(table: str, column: str) -> bool:
    return table in TABLES and column in TABLES[table].column_names


def check_kpis(content: Mapping[str, Any]) -> Iterator[tuple[tuple, SegkitError]]:
    """Yield what is wrong with the KPIs of a plan that is not read yet, each with its place.

    Conditions and amounts are read, and the goals must name a KPI that there is.
    """
    given = content.get("kpis")
    items = given if isinstance(given, list) else []
    kpis = [(index, item) for index, item in enumerate(items) if isinstance(item, dict)]
    names: list[str] = []
    for index, item in kpis:
        yield from _check_name(item, names, index)
        if item.get("over") in DATES:
            yield from _check_language(item, _list_known(item, content), index)
    own = [name for name in names if name not in MEASURES]
    goals = content.get("goals")
    for index, goal in enumerate(goals if isinstance(goals, list) else []):
        kpi = goal.get("kpi") if isinstance(goal, dict) else None
        if isinstance(kpi, str) and kpi not in MEASURES and kpi not in own:
            message = f"'goals.{index}.kpi' has a value that is not known"
            fix = suggest_name(kpi, [*MEASURES, *own])
            yield ("goals", index, "kpi"), SegkitError(message, found=repr(kpi), fix=fix)


def _check_name(item: Mapping, names: list[str], index: int) -> Iterator[tuple[tuple, SegkitError]]:
    name = item.get("name")
    if not isinstance(name, str):
        return
    place = ("kpis", index, "name")
    if name in names:
        yield place, SegkitError(f"two KPIs are called '{name}'", fix="Give each its own name.")
    names.append(name)
    is_own = "over" in item or "measure" in item
    if is_own and name in MEASURES:
        fix = "Give yours another name, or take out all but the name."
        yield place, SegkitError(f"'{name}' is the name of a ready-made KPI", fix=fix)
    if not is_own and name not in MEASURES:
        fix = f"{suggest_name(name, MEASURES)} A KPI of your own needs text, over and measure."
        yield place, SegkitError(f"there is no ready-made KPI '{name}'", fix=fix)


def _list_known(item: Mapping, content: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the columns that a KPI may name; None where only the data tell."""
    kinds = list_kinds(item["over"])
    if item["over"] != "customers":
        return kinds
    tables = content.get("tables")
    spec = tables.get("customers") if isinstance(tables, dict) else None
    own = spec.get("features", {}) if isinstance(spec, dict) else {}
    if own == "all":
        return None
    said: list[Any] = []
    for key in ("scales", "choices"):
        part = content.get(key)
        said += [one for one in part if isinstance(one, dict)] if isinstance(part, list) else []
    kinds |= dict.fromkeys(own, "any") if isinstance(own, dict) else {}
    for one in said:
        names = one.get("options") or [one.get("name")]
        kinds |= {f"{one.get('base')}_{name}": "any" for name in names}
    return kinds


def _check_language(
    item: Mapping, kinds: dict[str, str] | None, index: int
) -> Iterator[tuple[tuple, SegkitError]]:
    """Yield the faults of a KPI's conditions, its amounts and its date."""
    date = item.get("date")
    if isinstance(date, str) and date and kinds is not None and kinds.get(date) != "date":
        dates = [name for name, kind in kinds.items() if kind == "date"]
        message = f"'{item['over']}' has no column of dates '{date}'"
        yield ("kpis", index, "date"), SegkitError(message, fix=suggest_name(date, dates))
    for key, read in (
        ("where", read_predicate),
        ("when", read_predicate),
        ("of", read_amount),
        ("per", read_amount),
    ):
        text = item.get(key)
        if not isinstance(text, str) or not text or kinds is None:
            continue
        shares = {word: "number" for word in text.split() if word.startswith(CATEGORY_SHARE)}
        try:
            read(text, {**kinds, **shares})
        except SegkitError as error:
            message = f"in '{key}' {error.message}"
            yield ("kpis", index, key), SegkitError(message, found=error.found, fix=error.fix)
