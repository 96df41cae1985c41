"""The sixteen bases: what each needs and answers, and the customer table that carries them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import pandas as pd
from ibis import ir

from segkit.errors import SegkitError, suggest_name
from segkit.features.attributes import select_attributes
from segkit.features.dictionary import (
    BUYER,
    CATEGORY,
    EVENTS,
    FEATURES,
    RESPONSES,
    SPEND,
    Needs,
)
from segkit.features.engagement import summarise_engagement
from segkit.features.expressions import keep_until
from segkit.features.purchases import summarise_purchases
from segkit.plan import BASES as BASE_ROWS
from segkit.plan import Plan

RFM_COLUMNS = ("recency_days", "order_count", "total_spend")


@dataclass(frozen=True)
class Base:
    """A kind of characteristic to segment by, what it answers and what it needs."""

    name: str
    answers: str
    needs: Needs

    @property
    def row(self) -> str:
        """The base's number, B1 to B16."""
        return BASE_ROWS[self.name]

    @property
    def features(self) -> tuple[str, ...]:
        """Features that it gives now."""
        return tuple(name for name, feature in FEATURES.items() if feature.base == self.name)


def _any_of(table: str, *columns: str) -> tuple[str, ...]:
    return tuple(f"{table}.{column}" for column in columns)


_ANY_BASES = (
    Base(
        "demographic",
        "Who the customers are: age, gender, family, education, income",
        (
            _any_of(
                "customers",
                "birth_year",
                "age_band",
                "gender",
                "education",
                "occupation",
                "marital_status",
                "household_size",
                "child_count",
                "income",
                "income_band",
            ),
        ),
    ),
    Base(
        "geographic",
        "Where they live, and which territories bring the spend",
        (
            (
                *_any_of("customers", "country", "region", "city", "density", "language"),
                "order_lines.country",
                "orders.country",
            ),
        ),
    ),
    Base("psychographic", "What they value and how they live, from a survey", RESPONSES),
    Base("behavioural", "How recently and how often they buy and visit", BUYER),
    Base(
        "technographic",
        "Which devices, systems and browsers they use",
        (
            (
                *_any_of("customers", "device", "operating_system", "browser"),
                *_any_of("events", "device", "operating_system", "browser"),
            ),
        ),
    ),
    Base(
        "firmographic",
        "Which businesses buy, of which industry and size",
        (_any_of("customers", "industry", "employee_count", "annual_revenue"),),
    ),
    Base("generational", "Which generations buy", (("customers.birth_year",),)),
    Base("needs", "What they need the product for, from a survey or quiz", RESPONSES),
    Base("benefit", "Which benefit matters to them, from a survey or quiz", RESPONSES),
    Base("value", "Who brings the spend and the profit", SPEND),
    Base(
        "source",
        "Which campaign, medium and source brought them",
        (
            (
                *_any_of("customers", "source", "medium", "campaign"),
                *_any_of("events", "source", "medium", "campaign"),
            ),
        ),
    ),
    Base("purchase_history", "What they buy, how broadly and in which rhythm", CATEGORY),
    Base("season", "Who buys at a certain time of year", BUYER),
    Base("journey", "Who is new, active, at risk or lapsed", BUYER),
    Base("moment", "Which key moment came last, and how long ago", EVENTS),
    Base(
        "engagement",
        "Who opens, clicks, visits and answers",
        (
            ("messages.customer_id", "events.customer_id"),
            (*_any_of("messages", "opened", "clicked", "converted"), "events.event_type"),
        ),
    ),
)
BASES: dict[str, Base] = {base.name: base for base in _ANY_BASES}


def find_missing(needs: Needs, columns: Mapping[str, set[str]]) -> list[str]:
    """Return the needs that ``columns`` do not meet, each as text such as ``a.b or c.d``."""
    there = {f"{table}.{column}" for table, names in columns.items() for column in names}
    return [" or ".join(group) for group in needs if not there.intersection(group)]


def list_columns(tables: Mapping[str, ir.Table]) -> dict[str, set[str]]:
    """Return the columns of each open table, as `list_gaps` and `check_schemes` want them."""
    return {name: set(table.columns) for name, table in tables.items()}


def list_gaps(columns: Mapping[str, set[str]]) -> pd.DataFrame:
    """List the bases and what is missing for each.

    Parameters
    ----------
    columns : mapping of str to set of str
        The columns that are there, by table, under the contract's names.

    Returns
    -------
    pandas.DataFrame
        Sixteen rows: ``base``, ``row`` (B1 to B16), ``ready``, ``missing`` (empty if ready),
        ``answers``, ``features`` (those that can be computed, separated by commas).
    """
    rows = []
    for base in BASES.values():
        missing = find_missing(base.needs, columns)
        given = [f for f in base.features if not find_missing(FEATURES[f].needs, columns)]
        rows.append(
            {
                "base": base.name,
                "row": base.row,
                "ready": not missing,
                "missing": "; ".join(missing),
                "answers": base.answers,
                "features": ", ".join(given),
            }
        )
    return pd.DataFrame(rows)


def list_features() -> pd.DataFrame:
    """List every feature: ``feature``, ``unit``, ``meaning``, ``base``, ``kind``, ``needs``."""
    return pd.DataFrame(
        {
            "feature": feature.name,
            "unit": feature.unit,
            "meaning": feature.meaning,
            "base": feature.base,
            "kind": feature.kind,
            "needs": "; ".join(" or ".join(group) for group in feature.needs),
        }
        for feature in FEATURES.values()
    )


def build_customers(tables: Mapping[str, ir.Table], *, as_of: datetime.date) -> pd.DataFrame:
    """Build the customer table: one row for each customer with an order line until ``as_of``.

    Customers who never bought are left out; ``attrs["prospect_count"]`` counts them. Where both
    the ``customers`` table and the behaviour tell an attribute, the customer's own wins.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Accepted tables of one engine; ``order_lines`` must be among them.
    as_of : datetime.date
        The last day counted.

    Returns
    -------
    pandas.DataFrame
        Sorted by ``customer_id``; the columns are those of `list_features` that the tables carry.
    """
    lines = _add_order_columns(tables)
    joined = summarise_purchases(lines, as_of=as_of, products=tables.get("products"))
    if "customers" in tables:
        own = select_attributes(tables["customers"], as_of=as_of)
        joined = _merge(joined, own, right_wins=True)
    engagement = summarise_engagement(tables, as_of=as_of)
    if engagement is not None:
        joined = _merge(joined, engagement, right_wins=False)
        counts = [c for c in engagement.columns if c.endswith("_count")]
        joined = joined.mutate(**{c: joined[c].fill_null(0) for c in counts})
    wanted = [name for name in FEATURES if name in joined.columns]
    customers = joined.select("customer_id", *wanted).order_by("customer_id").to_pandas()
    customers.attrs["prospect_count"] = count_prospects(tables, as_of=as_of)
    return customers


def count_prospects(tables: Mapping[str, ir.Table], *, as_of: datetime.date) -> int:
    """Count the rows of ``customers`` without any order line until ``as_of``."""
    if "customers" not in tables:
        return 0
    known = select_attributes(tables["customers"], as_of=as_of)
    lines = keep_until(tables["order_lines"], "ordered_at", as_of)
    return int(known.anti_join(lines, "customer_id").count().execute())


def _add_order_columns(tables: Mapping[str, ir.Table]) -> ir.Table:
    """Take country and channel from orders where the lines do not carry them."""
    lines, orders = tables["order_lines"], tables.get("orders")
    if orders is None:
        return lines
    wanted = [c for c in ("country", "channel") if c in orders.columns and c not in lines.columns]
    if not wanted:
        return lines
    extra = orders.select("order_id", *wanted)
    return lines.left_join(extra, "order_id").drop("order_id_right")


def _merge(left: ir.Table, right: ir.Table, *, right_wins: bool) -> ir.Table:
    """Left join on the customer; a column in both is taken from the winner, else the other."""
    joined = left.left_join(right, "customer_id")
    both = [c for c in right.columns if c in left.columns and c != "customer_id"]
    chosen = {}
    for column in both:
        pair = (joined[f"{column}_right"], joined[column])
        chosen[column] = ibis.coalesce(*(pair if right_wins else pair[::-1]))
    return joined.mutate(**chosen).drop(*[f"{c}_right" for c in ("customer_id", *both)])


def check_schemes(plan: Plan, columns: Mapping[str, set[str]]) -> list[SegkitError]:
    """Check that every scheme's columns can be computed from the tables that are there.

    Parameters
    ----------
    plan : Plan
        The plan.
    columns : mapping of str to set of str
        The columns that are there, by table, under the contract's names.

    Returns
    -------
    list of SegkitError
        One for each column that is unknown, cannot be computed or is not a number.
    """
    given = {
        name
        for name, feature in FEATURES.items()
        if feature.kind == "number" and not find_missing(feature.needs, columns)
    }
    faults = []
    for scheme in plan.schemes:
        where = f"{plan.path.name}, scheme '{scheme.name}'"
        wanted = scheme.columns or (RFM_COLUMNS if scheme.method == "rfm" else ("total_spend",))
        limits = {"rfm": 3, "tiers": 1}
        limit = limits.get(scheme.method, len(wanted))
        if len(wanted) != limit:
            message = f"{scheme.method} takes {limit} column{'s' if limit > 1 else ''}"
            fix = "RFM takes days, orders and money, in this order." if limit == 3 else ""
            faults.append(SegkitError(message, where=where, found=", ".join(wanted), fix=fix))
        for name in wanted:
            if name in given:
                continue
            feature = FEATURES.get(name)
            if feature is None:
                message, fix = f"there is no feature '{name}'", suggest_name(name, given)
            elif feature.kind != "number":
                message = f"'{name}' is not a number, and {scheme.method} takes numbers"
                fix = suggest_name(name, given)
            else:
                missing = "; ".join(find_missing(feature.needs, columns))
                message, fix = f"'{name}' cannot be computed", f"It needs {missing}."
            faults.append(SegkitError(message, where=where, fix=fix))
    return faults
