"""The customer table, and what it needs: which bases and features the tables can carry."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping

import ibis
import pandas as pd
from ibis import ir

from segkit.contract.definitions import Needs
from segkit.contract.features import BASES, CATEGORY_SHARE, FEATURES
from segkit.features.attitudes import is_said, score_attitudes
from segkit.features.attributes import name_territories, select_attributes
from segkit.features.engagement import summarise_engagement
from segkit.features.expressions import fetch, keep_until
from segkit.features.lifetime_value import add_lifetime
from segkit.features.own_features import describe_feature, list_own, list_read
from segkit.features.purchases import summarise_purchases
from segkit.features.rhythm import Habits, learn_habits
from segkit.plan.bases import BaseSettings
from segkit.plan.models import Scheme

RFM_COLUMNS = ("recency_days", "order_count", "total_spend")


def find_missing(needs: Needs, columns: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the needs that ``columns``, by table, do not meet, each as text ``a.b or c.d``."""
    there = {f"{table}.{column}" for table, names in columns.items() for column in names}
    return [" or ".join(group) for group in needs if not there.intersection(group)]


def list_given(
    columns: Mapping[str, Mapping[str, str]], settings: BaseSettings | None = None
) -> dict[str, str]:
    """Return the features that the columns and settings carry, one's own too, each with its kind.

    ``columns`` has, by table, the kind of each column.
    """
    settings = settings or BaseSettings()
    there = {**columns, "plan": settings.list_needs()}
    given = {name: f.kind for name, f in FEATURES.items() if not find_missing(f.needs, there)}
    if not is_said(columns.get("responses", {})):
        settings = BaseSettings()
    own = columns.get("customers", {})
    return given | settings.list_attitudes() | {name: own[name] for name in list_own(own)}


def list_gaps(
    columns: Mapping[str, Mapping[str, str]],
    schemes: Iterable[Scheme] = (),
    *,
    settings: BaseSettings | None = None,
) -> pd.DataFrame:
    """List the bases and what is missing for each; ``columns`` are as in `list_given`.

    A feature of one's own belongs to the base of the scheme that reads it, and makes it ready.

    Returns
    -------
    pandas.DataFrame
        Sixteen rows: ``base``, ``row`` (B1 to B16), ``ready``, ``missing`` (empty if ready),
        ``answers``, ``features`` (those that can be computed, separated by commas).
    """
    settings = settings or BaseSettings()
    there = {**columns, "plan": settings.list_needs()}
    rows, given, own = [], list_given(columns, settings), list_own(columns.get("customers", {}))
    read = [(scheme.base, name) for scheme in schemes for name in list_read(scheme, own)]
    for base in BASES.values():
        told = [name for by, name in read if by == base.name and name not in FEATURES]
        belong = [f for f in given if describe_feature(f).base == base.name]
        features = list(dict.fromkeys([*belong, *told]))
        missing = "; ".join(find_missing(base.needs, there))
        missing = "" if set(features).intersection(own) else missing
        rows.append((base.name, base.row, not missing, missing, base.answers, ", ".join(features)))
    return pd.DataFrame(rows, columns=["base", "row", "ready", "missing", "answers", "features"])


def list_features() -> pd.DataFrame:
    """List every feature: ``feature``, ``unit``, ``meaning``, ``base``, ``kind``, ``needs``."""
    rows = [
        (f.name, f.unit, f.meaning, f.base, f.kind, "; ".join(find_missing(f.needs, {})))
        for f in FEATURES.values()
    ]
    return pd.DataFrame(rows, columns=["feature", "unit", "meaning", "base", "kind", "needs"])


def build_customers(
    tables: Mapping[str, ir.Table], *, as_of: datetime.date, settings: BaseSettings | None = None
) -> pd.DataFrame:
    """Build the customer table: one row for each customer with an order line until ``as_of``.

    Customers who never bought are left out; ``attrs["prospect_count"]`` counts them. Without
    ``order_lines`` there is a row for each of the ``customers``, and without these for each whom
    another table names. Where both that table and the behaviour tell an attribute, the customer's
    own wins. ``tables`` are accepted tables of one engine; ``settings`` a plan, or nothing.

    Returns
    -------
    pandas.DataFrame
        Sorted by ``customer_id``; the columns are those of `list_given`. What a year will bring
        is missing where it cannot be predicted, see `add_lifetime`.
    """
    prospects, own, habits = 0, None, Habits()
    settings = settings or BaseSettings()
    joined = engagement = summarise_engagement(tables, as_of=as_of, settings=settings)
    if "customers" in tables:
        joined = own = select_attributes(tables["customers"], as_of=as_of)
    if "order_lines" in tables:
        lines = _add_order_columns(tables)
        options = {"as_of": as_of, "products": tables.get("products")}
        habits = learn_habits(lines, **options)
        joined = summarise_purchases(lines, **options, habits=habits)
        if own is not None:
            buyers = keep_until(lines, "ordered_at", as_of)
            prospects = int(own.anti_join(buyers, "customer_id").count().execute())
            joined = _merge(joined, own, right_wins=True)
    if engagement is not None and joined is not engagement:
        joined = _merge(joined, engagement, right_wins=False)
        counts = [c for c in engagement.columns if c.endswith("_count")]
        joined = joined.mutate(**{c: joined[c].fill_null(0) for c in counts})
    attitudes = score_attitudes(tables.get("responses"), settings, as_of=as_of)
    if attitudes is not None:
        joined = _merge(joined, attitudes, right_wins=False)
    joined = name_territories(joined, settings.territories)
    further = [] if own is None else list_own(own.columns)
    further += [name for name in joined.columns if name.startswith(CATEGORY_SHARE)]
    known = dict.fromkeys((*FEATURES, *settings.list_attitudes(), *further))
    wanted = [name for name in known if name in joined.columns]
    customers = fetch(joined.select("customer_id", *wanted).order_by("customer_id"))
    if "order_lines" in tables:
        customers = add_lifetime(customers, tables["order_lines"], as_of=as_of)
        customers = customers[["customer_id", *[name for name in known if name in customers]]]
    customers.attrs |= {"prospect_count": prospects, "habits": dataclasses.asdict(habits)}
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
