"""The customer table, and what it needs: which bases and features the tables can carry."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis
import pandas as pd
from ibis import ir

from segkit.errors import PlanError, SegkitError, suggest_name
from segkit.features.attributes import select_attributes
from segkit.features.dictionary import BASES, FEATURES, Needs
from segkit.features.engagement import summarise_engagement
from segkit.features.expressions import keep_until
from segkit.features.purchases import summarise_purchases
from segkit.plan import Plan, Scheme

RFM_COLUMNS = ("recency_days", "order_count", "total_spend")


def find_missing(needs: Needs, columns: Mapping[str, set[str]]) -> list[str]:
    """Return the needs that ``columns``, by table, do not meet, each as text ``a.b or c.d``."""
    there = {f"{table}.{column}" for table, names in columns.items() for column in names}
    return [" or ".join(group) for group in needs if not there.intersection(group)]


def list_gaps(columns: Mapping[str, set[str]]) -> pd.DataFrame:
    """List the bases and what is missing for each; ``columns`` are those there, by table.

    Returns
    -------
    pandas.DataFrame
        Sixteen rows: ``base``, ``row`` (B1 to B16), ``ready``, ``missing`` (empty if ready),
        ``answers``, ``features`` (those that can be computed, separated by commas).
    """
    rows = []
    for base in BASES.values():
        missing = "; ".join(find_missing(base.needs, columns))
        given = [f for f in base.features if not find_missing(FEATURES[f].needs, columns)]
        rows.append((base.name, base.row, not missing, missing, base.answers, ", ".join(given)))
    return pd.DataFrame(rows, columns=["base", "row", "ready", "missing", "answers", "features"])


def list_features() -> pd.DataFrame:
    """List every feature: ``feature``, ``unit``, ``meaning``, ``base``, ``kind``, ``needs``."""
    rows = [
        (f.name, f.unit, f.meaning, f.base, f.kind, "; ".join(find_missing(f.needs, {})))
        for f in FEATURES.values()
    ]
    return pd.DataFrame(rows, columns=["feature", "unit", "meaning", "base", "kind", "needs"])


def build_customers(tables: Mapping[str, ir.Table], *, as_of: datetime.date) -> pd.DataFrame:
    """Build the customer table: one row for each customer with an order line until ``as_of``.

    Customers who never bought are left out; ``attrs["prospect_count"]`` counts them. Where both
    the ``customers`` table and the behaviour tell an attribute, the customer's own wins. ``tables``
    are accepted tables of one engine, ``order_lines`` among them.

    Returns
    -------
    pandas.DataFrame
        Sorted by ``customer_id``; the columns are those of `list_features` that the tables carry.
    """
    lines = _add_order_columns(tables)
    joined = summarise_purchases(lines, as_of=as_of, products=tables.get("products"))
    prospects = 0
    if "customers" in tables:
        own = select_attributes(tables["customers"], as_of=as_of)
        buyers = keep_until(lines, "ordered_at", as_of)
        prospects = int(own.anti_join(buyers, "customer_id").count().execute())
        joined = _merge(joined, own, right_wins=True)
    engagement = summarise_engagement(tables, as_of=as_of)
    if engagement is not None:
        joined = _merge(joined, engagement, right_wins=False)
        counts = [c for c in engagement.columns if c.endswith("_count")]
        joined = joined.mutate(**{c: joined[c].fill_null(0) for c in counts})
    wanted = [name for name in FEATURES if name in joined.columns]
    customers = joined.select("customer_id", *wanted).order_by("customer_id").to_pandas()
    customers.attrs["prospect_count"] = prospects
    return customers


def _add_order_columns(tables: Mapping[str, ir.Table]) -> ir.Table:
    """Take country and channel from orders where the lines do not carry them."""
    lines, orders = tables["order_lines"], tables.get("orders")
    there = set() if orders is None else set(orders.columns) - set(lines.columns)
    wanted = [column for column in ("country", "channel") if column in there]
    if not wanted:
        return lines
    return lines.left_join(orders.select("order_id", *wanted), "order_id").drop("order_id_right")


def _merge(left: ir.Table, right: ir.Table, *, right_wins: bool) -> ir.Table:
    """Left join on the customer; a column in both is taken from the winner, else the other."""
    joined = left.left_join(right, "customer_id")
    both = [c for c in right.columns if c in left.columns and c != "customer_id"]
    chosen = {}
    for column in both:
        pair = (joined[f"{column}_right"], joined[column])
        chosen[column] = ibis.coalesce(*(pair if right_wins else pair[::-1]))
    return joined.mutate(**chosen).drop(*[f"{c}_right" for c in ("customer_id", *both)])


def list_wanted(scheme: Scheme) -> tuple[str, ...]:
    """Return the features that a scheme reads: its columns, or its method's own."""
    return scheme.columns or (RFM_COLUMNS if scheme.method == "rfm" else ("total_spend",))


def check_schemes(plan: Plan, columns: Mapping[str, set[str]]) -> list[SegkitError]:
    """Return a fault for each column of a scheme that is unknown, no number or cannot be computed.

    ``columns`` are those that are there, by table.
    """
    numbers = {name: f for name, f in FEATURES.items() if f.kind == "number"}
    given = [name for name, f in numbers.items() if not find_missing(f.needs, columns)]
    faults = []
    for scheme in plan.schemes:
        where, wanted = f"{plan.path.name}, scheme '{scheme.name}'", list_wanted(scheme)
        if scheme.method == "rfm" and len(wanted) != 3:
            fix = "It takes days, orders and money, in this order."
            faults.append(SegkitError("rfm takes 3 columns", where=where, fix=fix))
        elif scheme.method == "tiers" and len(wanted) != 1:
            faults.append(SegkitError("tiers takes 1 column", where=where))
        for name in (name for name in wanted if name not in given):
            if name in numbers:
                missing = "; ".join(find_missing(numbers[name].needs, columns))
                message, fix = f"'{name}' cannot be computed", f"It needs {missing}."
            elif name in FEATURES:
                message = f"'{name}' is not a number, and {scheme.method} takes numbers"
                fix = suggest_name(name, given)
            else:
                message, fix = f"there is no feature '{name}'", suggest_name(name, given)
            faults.append(SegkitError(message, where=where, fix=fix))
    return faults


def require_schemes(plan: Plan, columns: Mapping[str, set[str]]) -> None:
    """Raise `PlanError` with every fault of `check_schemes`, if there is one."""
    if faults := check_schemes(plan, columns):
        raise PlanError(faults)
