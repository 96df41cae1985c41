"""The customer table, and what it needs: which bases and features the tables can carry."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import ibis
import pandas as pd
from ibis import ir

from segkit.contract.definitions import Needs
from segkit.contract.features import BASES, CATEGORY_SHARE, FEATURES
from segkit.features.attributes import select_attributes
from segkit.features.engagement import learn_engagement_days, summarise_engagement
from segkit.features.expressions import fetch, keep_known, keep_until
from segkit.features.geographic import name_territories
from segkit.features.habits import Habits, learn_habits
from segkit.features.lifetime_choice import add_lifetime
from segkit.features.own_features import describe_feature, list_own, list_read
from segkit.features.purchases import summarise_purchases
from segkit.features.survey import is_said, score_attitudes
from segkit.features.who import EVERYBODY, add_people, asks_everybody
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
    given = list_given(columns, settings)
    own = list_own(columns.get("customers", {}))
    rows = []
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


@dataclass(frozen=True)
class CustomerTable:
    """The customer table, and what it was built with.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row a customer, sorted by ``customer_id``; the other columns are those of `list_given`.
    habits : Habits
        What all customers do, as it was learned from the tables.
    prospect_count : int
        Customers who never bought: where there are order lines, they are not in ``frame``.
    lifetime_reason : str
        Why it cannot be predicted what a year will bring; empty where it can, or nobody asks.
    everybody : pandas.DataFrame or None
        The rows of ``frame`` and of those without an order, where they were asked for.
    """

    frame: pd.DataFrame
    habits: Habits
    prospect_count: int
    lifetime_reason: str
    everybody: pd.DataFrame | None = None

    def choose(self, who: str) -> pd.DataFrame:
        """Return the customers of a scheme by its ``who``, buyers or everybody.

        Without order lines there is one table of all, whatever a scheme says.
        """
        is_asked = who == EVERYBODY and self.everybody is not None
        return self.everybody if is_asked else self.frame


def build_customers(
    tables: Mapping[str, ir.Table],
    *,
    as_of: datetime.date,
    settings: BaseSettings | None = None,
    everybody: bool = False,
) -> CustomerTable:
    """Build the customer table: learn what is usual, express the features, and fetch them.

    ``tables`` are accepted tables of one engine; ``settings`` a plan, or nothing. With
    ``everybody`` those without an order are fetched too, beside the buyers. See
    `express_customers` for the rows, and `add_lifetime` for what a year will bring: it is missing
    where it cannot be predicted.
    """
    habits = learn_from_tables(tables, as_of=as_of, settings=settings)
    lines = tables.get("order_lines")
    told = {"as_of": as_of, "settings": settings, "habits": habits}
    frame, lifetime_reason = fetch_customers(express_customers(tables, **told), lines, as_of=as_of)
    people = None
    if everybody and lines is not None:
        # Fetched apart, so that the buyers' table is the same whether or not anybody else is asked.
        people, _ = fetch_customers(
            express_customers(tables, **told, everybody=True), lines, as_of=as_of
        )
    return CustomerTable(
        everybody=people,
        frame=frame,
        habits=habits,
        prospect_count=count_prospects(tables, as_of=as_of),
        lifetime_reason=lifetime_reason,
    )


def build_customers_of(
    scheme: Scheme,
    tables: Mapping[str, ir.Table],
    *,
    as_of: datetime.date,
    settings: BaseSettings | None = None,
) -> pd.DataFrame:
    """Build the customer table of one scheme's customers, see `build_customers`."""
    everybody = asks_everybody([scheme])
    built = build_customers(tables, as_of=as_of, settings=settings, everybody=everybody)
    return built.choose(scheme.who)


def learn_from_tables(
    tables: Mapping[str, ir.Table], *, as_of: datetime.date, settings: BaseSettings | None = None
) -> Habits:
    """Learn what all customers do, by a few small aggregates in the engine."""
    habits = Habits()
    if "order_lines" in tables:
        lines = _add_order_columns(tables)
        habits = learn_habits(lines, as_of=as_of, products=tables.get("products"))
    days = learn_engagement_days(tables, as_of=as_of, settings=settings or BaseSettings())
    return dataclasses.replace(habits, engagement_days=days)


def express_customers(
    tables: Mapping[str, ir.Table],
    *,
    as_of: datetime.date,
    settings: BaseSettings | None = None,
    habits: Habits | None = None,
    everybody: bool = False,
) -> ir.Table:
    """Express the customer table: one row for each customer with an order until ``as_of``.

    Nothing is computed. Customers who never bought are left out, and with them those of whom there
    are returns only: who has no recency is not like one who bought lately. With ``everybody`` both
    have a row too, see `segkit.features.who`. Without ``order_lines``
    there is a row for each of the ``customers``, and without these for each whom another table
    names. Where both that table and the behaviour tell an attribute, the customer's own wins.
    ``habits`` are
    those of `learn_from_tables`; without them what is set against all customers is null.

    Returns
    -------
    ibis.Table
        ``customer_id`` and the features of `list_given`, but those of lifetime value.
    """
    settings = settings or BaseSettings()
    habits = habits or Habits()
    attributes = purchases = None
    if "customers" in tables:
        attributes = select_attributes(tables["customers"], as_of=as_of)
    if "order_lines" in tables:
        purchases = summarise_purchases(
            _add_order_columns(tables), as_of=as_of, products=tables.get("products"), habits=habits
        )
        if not everybody:
            purchases = purchases.filter(purchases.order_count > 0)
    engagement = summarise_engagement(
        tables, as_of=as_of, settings=settings, learned_days=habits.engagement_days
    )
    if everybody and purchases is not None:
        purchases = add_people(purchases, engagement if attributes is None else attributes)
    attitudes = score_attitudes(tables.get("responses"), settings, as_of=as_of)
    joined = _join_parts(purchases, attributes, engagement)
    if attitudes is not None:
        joined = _merge(joined, attitudes, right_wins=False)
    joined = name_territories(joined, settings.territories)
    own = [] if attributes is None else list_own(attributes.columns)
    shares = [name for name in joined.columns if name.startswith(CATEGORY_SHARE)]
    known = dict.fromkeys((*FEATURES, *settings.list_attitudes(), *own, *shares))
    return joined.select("customer_id", *[name for name in known if name in joined.columns])


def fetch_customers(
    expressed: ir.Table, order_lines: ir.Table | None, *, as_of: datetime.date
) -> tuple[pd.DataFrame, str]:
    """Fetch what `express_customers` returned, sorted, and add what a year will bring.

    Returns the table, and why a year cannot be predicted, see `add_lifetime`.
    """
    frame = fetch(expressed.order_by("customer_id"))
    if order_lines is None:
        return frame, ""
    frame, lifetime_reason = add_lifetime(frame, order_lines, as_of=as_of)
    order = dict.fromkeys(("customer_id", *FEATURES, *frame.columns))
    return frame[[name for name in order if name in frame]], lifetime_reason


def count_prospects(tables: Mapping[str, ir.Table], *, as_of: datetime.date) -> int:
    """Count the customers without an order line until ``as_of``; 0 if either table is missing."""
    if "customers" not in tables or "order_lines" not in tables:
        return 0
    known = keep_known(tables["customers"], "signed_up_on", as_of)
    buyers = keep_until(tables["order_lines"], "ordered_at", as_of)
    return int(known.anti_join(buyers, "customer_id").count().execute())


def _add_order_columns(tables: Mapping[str, ir.Table]) -> ir.Table:
    """Take country and channel from orders where the lines do not carry them."""
    lines = tables["order_lines"]
    orders = tables.get("orders")
    there = set() if orders is None else set(orders.columns) - set(lines.columns)
    wanted = [column for column in ("country", "channel") if column in there]
    if not wanted:
        return lines
    return lines.left_join(orders.select("order_id", *wanted), "order_id").drop("order_id_right")


def _join_parts(
    purchases: ir.Table | None, attributes: ir.Table | None, engagement: ir.Table | None
) -> ir.Table:
    """Join to the customers of the first part that is there; counts of engagement become 0."""
    if purchases is not None and attributes is not None:
        joined = _merge(purchases, attributes, right_wins=True)
    else:
        joined = attributes if purchases is None else purchases
    if joined is None or engagement is None:
        return engagement if joined is None else joined
    joined = _merge(joined, engagement, right_wins=False)
    counts = [name for name in engagement.columns if name.endswith("_count")]
    return joined.mutate(**{name: joined[name].fill_null(0) for name in counts})


def _merge(left: ir.Table, right: ir.Table, *, right_wins: bool) -> ir.Table:
    """Left join on the customer; a column in both is taken from the winner, else the other."""
    joined = left.left_join(right, "customer_id")
    both = [name for name in right.columns if name in left.columns and name != "customer_id"]
    chosen = {}
    for name in both:
        of_left = joined[name]
        of_right = joined[f"{name}_right"]
        first, second = (of_right, of_left) if right_wins else (of_left, of_right)
        chosen[name] = ibis.coalesce(first, second)
    return joined.mutate(**chosen).drop(*[f"{name}_right" for name in ("customer_id", *both)])
