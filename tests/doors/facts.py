"""What tables say, in a few figures that must come out the same however they are written.

Customers and orders are counted by how they share out the money, so that it does not matter how an
identifier is spelt in the end.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

Facts = dict[str, Any]


def find_facts(tables: dict[str, pd.DataFrame], *, as_of: Any = None) -> Facts:
    """Return the facts of tables in the contract's names, by table and fact."""
    found: Facts = {}
    lines = tables.get("order_lines")
    if lines is not None:
        lines = _drop_taken_back(lines, as_of)
        found |= _find_line_facts(_complete_lines(lines, tables.get("orders")), as_of)
        found |= _find_joins(lines, tables)
    found |= _find_members(tables)
    for name, finder in FINDERS.items():
        if name in tables:
            found |= {f"{name}.{key}": value for key, value in finder(tables[name]).items()}
    return found


def _drop_taken_back(lines: pd.DataFrame, as_of: Any) -> pd.DataFrame:
    """Leave out what was taken back whole until the last day counted: it is no sale."""
    if "taken_back_at" not in lines:
        return lines
    end = pd.Timestamp.max if as_of is None else pd.Timestamp(as_of) + pd.Timedelta(days=1)
    is_back = pd.to_datetime(lines["taken_back_at"]) < end
    return lines[~is_back]


def list_items(tables: dict[str, pd.DataFrame]) -> Counter:
    """Return how often each line is there, by its amount, day and units."""
    if "order_lines" not in tables:
        return Counter()
    lines = _drop_taken_back(tables["order_lines"], None)
    lines = _complete_lines(lines, tables.get("orders"))
    days = pd.to_datetime(lines["ordered_at"]).dt.date.tolist()
    amounts = lines["line_amount"].round(2).tolist()
    return Counter(zip(days, amounts, lines["quantity"].astype(float).tolist(), strict=True))


def find_differences(facts: Facts, truth: Facts) -> list[str]:
    """Return the names of the facts that are not as in the truth; those beyond it do not count."""
    return [key for key, value in truth.items() if not _agrees(facts.get(key), value)]


def _agrees(found: Any, value: Any) -> bool:
    if isinstance(found, dict) and isinstance(value, dict):
        return found.keys() == value.keys() and all(_agrees(found[k], value[k]) for k in value)
    if isinstance(found, tuple) and isinstance(value, tuple):
        pairs = zip(found, value, strict=False)
        return len(found) == len(value) and all(_agrees(*pair) for pair in pairs)
    if isinstance(found, (int, float)) and isinstance(value, (int, float)):
        return abs(found - value) < 0.006 + 1e-9 * abs(value)
    return found == value


def _complete_lines(lines: pd.DataFrame, orders: pd.DataFrame | None) -> pd.DataFrame:
    """Give lines the amount, what their orders tell, and whether they are sales."""
    lines = lines.copy()
    if "customer_id" not in lines and orders is not None:
        told = orders[["order_id", "customer_id", "ordered_at"]].drop_duplicates("order_id")
        lines = lines.merge(told, on="order_id", how="left")
    if "line_amount" not in lines:
        lines["line_amount"] = lines["quantity"] * lines["unit_price"]
    lines["line_amount"] = lines["line_amount"].astype(float)
    if "line_type" in lines:
        lines["is_sale"] = lines["line_type"] == "sale"
        lines["is_return"] = lines["line_type"].isin(["return", "cancellation"])
    else:
        lines["is_sale"] = (lines["quantity"] >= 0) & (lines["line_amount"] >= 0)
        lines["is_return"] = lines["quantity"] < 0
    return lines


def _find_line_facts(lines: pd.DataFrame, as_of: Any) -> Facts:
    sales = lines[lines["is_sale"]]
    known = sales.dropna(subset=["customer_id", "order_id"])
    orders = known.groupby("customer_id")["order_id"].nunique()
    spent = lines[lines["customer_id"].isin(known["customer_id"])].groupby("customer_id")
    time = pd.to_datetime(sales["ordered_at"])
    facts = {
        "lines.rows": len(lines),
        "lines.amount": float(lines["line_amount"].sum()),
        "lines.sold": float(sales["line_amount"].sum()),
        "lines.returned": float(lines.loc[lines["is_return"], "line_amount"].sum()),
        "lines.units": float(lines["quantity"].sum()),
        "lines.days": frozenset(time.dropna().dt.date),
        "lines.hours": time.dropna().dt.hour.value_counts().to_dict(),
        "lines.orders": int(known["order_id"].nunique()),
        "lines.orders_by_customer": tuple(sorted(orders.tolist())),
        "lines.spend_by_customer": tuple(sorted(spent["line_amount"].sum().tolist())),
        "lines.products": int(sales["product_id"].nunique()),
    }
    if as_of is not None and time.notna().any():
        facts["lines.days_to_as_of"] = (pd.Timestamp(as_of) - time.max().floor("D")).days
    return facts


def _find_joins(lines: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> Facts:
    facts = {}
    for other, key in (("customers", "customer_id"), ("products", "product_id")):
        if other in tables and key in lines:
            facts[f"lines.in_{other}"] = int(lines[key].isin(tables[other][key]).sum())
    return facts


def _find_members(tables: dict[str, pd.DataFrame]) -> Facts:
    """Return how many messages, tickets and answers are of customers who are known."""
    facts = {}
    for name in ("messages", "tickets", "responses"):
        if name in tables and "customers" in tables:
            known = tables[name]["customer_id"].isin(tables["customers"]["customer_id"])
            facts[f"{name}.in_customers"] = int(known.sum())
    return facts


def _find_customers(table: pd.DataFrame) -> Facts:
    facts: Facts = {"rows": len(table), "ids": int(table["customer_id"].nunique())}
    own = [c for c in table if c not in ("customer_id", "name", "email")]
    facts |= _size_levels(table, [c for c in ("country", "city") if c in table])
    return facts | {column: describe_values(table[column]) for column in own}


def _size_levels(table: pd.DataFrame, columns: list[str]) -> Facts:
    """Return how many rows each level has, whatever the levels are called."""
    sizes = {c: table[c].dropna().value_counts().tolist() for c in columns}
    return {f"levels_{column}": tuple(sorted(counts)) for column, counts in sizes.items()}


def describe_values(values: pd.Series) -> Any:
    """Return sum and count of numbers, yes being 1; the days of times; the counts of levels."""
    known = values.dropna()
    if known.empty:
        return None
    if all(isinstance(value, (int, float)) for value in known.tolist()):
        return (float(known.astype(float).sum()), len(known))
    if not all(isinstance(value, str) for value in known.tolist()):
        return tuple(sorted(str(pd.Timestamp(value).date()) for value in known))
    return known.value_counts().to_dict()


def _find_messages(table: pd.DataFrame) -> Facts:
    columns = [c for c in ("sent_at", "opened", "clicked") if c in table]
    facts: Facts = {"rows": len(table), "customers": int(table["customer_id"].nunique())}
    return facts | {column: describe_values(table[column]) for column in columns}


def _find_tickets(table: pd.DataFrame) -> Facts:
    columns = [c for c in ("opened_at", "topic", "satisfaction") if c in table]
    facts: Facts = {"rows": len(table), "ids": int(table["ticket_id"].nunique())}
    if "resolved_at" in table:
        opened = pd.to_datetime(table["opened_at"])
        hours = (pd.to_datetime(table["resolved_at"]) - opened).dt.total_seconds() / 3600
        facts["hours"] = float(hours.sum())
        facts["solved_before"] = int((hours < 0).sum())
    return facts | {column: describe_values(table[column]) for column in columns}


def _find_responses(table: pd.DataFrame) -> Facts:
    answers = pd.to_numeric(table["answer"], errors="coerce")
    by_question = answers.groupby(table["question"])
    return {
        "rows": len(table),
        "questions": int(table["question"].nunique()),
        "sums": {k: float(v) for k, v in by_question.sum().items()},
        "counts": {k: int(v) for k, v in by_question.count().items()},
        "days": tuple(sorted(str(day) for day in pd.to_datetime(table["answered_at"]).dt.date)),
    }


def _find_products(table: pd.DataFrame) -> Facts:
    columns = [c for c in ("category", "list_price") if c in table]
    facts: Facts = {"rows": len(table), "ids": int(table["product_id"].nunique())}
    facts |= _size_levels(table, [c for c in ("category",) if c in table])
    return facts | {column: describe_values(table[column]) for column in columns}


def _find_orders(table: pd.DataFrame) -> Facts:
    columns = [c for c in ("status", "shipping_amount") if c in table]
    facts: Facts = {"rows": len(table), "ids": int(table["order_id"].nunique())}
    return facts | {column: describe_values(table[column]) for column in columns}


FINDERS = {
    "customers": _find_customers,
    "messages": _find_messages,
    "tickets": _find_tickets,
    "responses": _find_responses,
    "products": _find_products,
    "orders": _find_orders,
}
