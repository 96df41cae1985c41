"""Is the business ready to segment, and what can its tables answer? Scored from evidence."""

from __future__ import annotations

import datetime

import ibis
import pandas as pd

from segkit.data.contract import TABLES
from segkit.evidence.missing import ANSWERS
from segkit.plan import Plan

DATE_COLUMNS = {
    "order_lines": "ordered_at",
    "orders": "ordered_at",
    "customers": "signed_up_on",
    "events": "occurred_at",
    "messages": "sent_at",
    "tickets": "opened_at",
    "responses": "answered_at",
}
FRESH_DAYS, STALE_DAYS = 7, 90
FULL_HISTORY_DAYS = 730
ENOUGH_REPEAT_BUYERS = 500


def describe_plan(plan: Plan) -> pd.DataFrame:
    """Return what the plan promises, one row an item: ``item`` and ``text``."""
    rows = [
        ("Owner", plan.owner),
        ("Scope", plan.scope),
        ("Target market", plan.target_market),
        ("Budget", plan.budget),
        *(("Goal", goal.text) for goal in plan.goals),
        *(("Deliverable", text) for text in plan.deliverables),
    ]
    return pd.DataFrame(rows, columns=["item", "text"])


def build_inventory(
    tables: dict[str, ibis.Table], counts: pd.DataFrame, *, as_of: datetime.date
) -> pd.DataFrame:
    """Summarise every table of the contract: is it there, how complete, how fresh.

    Parameters
    ----------
    tables : dict of str to ibis.Table
        Accepted rows; one aggregate a table runs in the engine.
    counts : DataFrame
        One row a table: ``table``, ``read``, ``accepted``, ``rejected``.
    as_of : datetime.date

    Returns
    -------
    DataFrame
        One row a table of the contract: ``table``, ``answers``, ``row_count``, ``column_count``,
        ``complete_share`` (filled cells among the columns given), ``first_on``, ``last_on``,
        ``days_since_last``. Tables that the plan does not name have a ``row_count`` of 0.
    """
    rows = []
    accepted = dict(zip(counts["table"], counts["accepted"], strict=True))
    for name in TABLES:
        row = {"table": name, "answers": ANSWERS[name][0], "row_count": 0, "column_count": 0}
        if name in tables and accepted.get(name, 0):
            table = tables[name]
            known = [c for c in table.columns if c in TABLES[name].column_names]
            measures = {f"filled_{c}": table[c].notnull().mean() for c in known}
            day = DATE_COLUMNS.get(name)
            if day in table.columns:
                measures["first_on"] = table[day].min().cast("date")
                measures["last_on"] = table[day].max().cast("date")
            found = table.aggregate(**measures).to_pandas().iloc[0]
            row["row_count"], row["column_count"] = int(accepted[name]), len(known)
            row["complete_share"] = float(found[[f"filled_{c}" for c in known]].mean())
            if day in table.columns and pd.notna(found["last_on"]):
                row["first_on"] = pd.Timestamp(found["first_on"]).date()
                row["last_on"] = pd.Timestamp(found["last_on"]).date()
                row["days_since_last"] = (as_of - row["last_on"]).days
        rows.append(row)
    columns = ["table", "answers", "row_count", "column_count", "complete_share"]
    return pd.DataFrame(rows, columns=[*columns, "first_on", "last_on", "days_since_last"])


def measure_consent(tables: dict[str, ibis.Table], column: str | None) -> dict[str, float | int]:
    """Count customers who consented, who did not, and of whom it is not known.

    Without a customers table or a consent column nobody is known to have consented, and
    ``customer_count`` is 0.
    """
    if "customers" not in tables or column not in tables["customers"].columns:
        return {"customer_count": 0, "yes_count": 0, "no_count": 0, "unknown_count": 0}
    customers = tables["customers"]
    consent = customers[column].cast("boolean")
    found = customers.aggregate(
        customer_count=customers.count(),
        yes_count=consent.fill_null(False).sum(),
        no_count=(~consent.fill_null(True)).sum(),
        unknown_count=consent.isnull().sum(),
    )
    return {name: int(value) for name, value in found.to_pandas().fillna(0).iloc[0].items()}


def score_readiness(
    plan: Plan,
    tables: dict[str, ibis.Table],
    *,
    inventory: pd.DataFrame,
    gaps: pd.DataFrame,
    quality: pd.DataFrame,
    counts: pd.DataFrame,
) -> pd.DataFrame:
    """Score each practice of a good segmentation from evidence, not from opinion.

    Parameters
    ----------
    plan : Plan
    tables : dict of str to ibis.Table
        Accepted rows.
    inventory : DataFrame
        From :func:`build_inventory`.
    gaps : DataFrame
        One row a base: ``base``, ``ready``, ``missing``.
    quality, counts : DataFrame
        From the checks: one row a rule, and one row a table.

    Returns
    -------
    DataFrame
        One row a practice, weakest first: ``practice``, ``score`` (0 to 1), ``evidence`` (what was
        found) and ``improve`` (what to do first).
    """
    table = inventory.set_index("table")
    read = counts.set_index("table")
    lines = read.loc["order_lines"]
    orphans = quality.query("table == 'order_lines' and rule == 'missing_customer'")["row_count"]
    named = 1 - orphans.sum() / max(lines["read"], 1)
    age = table.loc["order_lines", "days_since_last"]
    history = (table.loc["order_lines", "last_on"] - table.loc["order_lines", "first_on"]).days
    targets = sum(goal.target is not None for goal in plan.goals)
    market = [t for t in ("market_cells", "competitors", "trends") if table.loc[t, "row_count"]]
    voice = [t for t in ("responses", "tickets") if table.loc[t, "row_count"]]
    consent = measure_consent(tables, plan.privacy.consent_column)
    repeat_buyer_count = _count_repeat_buyers(tables["order_lines"])
    has_control = _has_control(tables.get("messages"))
    cost = any("unit_cost" in tables[t].columns for t in ("order_lines", "products") if t in tables)
    known = consent["yes_count"] + consent["no_count"]
    practices = [
        (
            "Every goal has a target",
            targets / len(plan.goals),
            f"{targets} of {len(plan.goals)} goals have one",
            "Give each goal in the plan a target for its KPI",
        ),
        (
            "Orders name their customer",
            named,
            f"{named:.1%} of order lines read name one",
            "Ask for an e-mail address or a loyalty card at every sale",
        ),
        (
            "Orders pass the checks",
            lines["accepted"] / max(lines["read"], 1),
            f"{lines['accepted']:,} of {lines['read']:,} order lines were accepted",
            "Mend the largest rule of the quality table at its source",
        ),
        (
            "Data is fresh",
            _scale(STALE_DAYS - age, STALE_DAYS - FRESH_DAYS),
            f"the last order is {age:.0f} days before the last day counted",
            "Load orders at least weekly",
        ),
        (
            "History is long enough",
            _scale(history, FULL_HISTORY_DAYS),
            f"{history:,} days of orders",
            "Keep two years of orders, so that seasons can be told from trends",
        ),
        (
            "Customers come back",
            _scale(repeat_buyer_count, ENOUGH_REPEAT_BUYERS),
            f"{repeat_buyer_count:,} customers with two orders or more",
            "Wait for more repeat buyers, or segment by what customers say",
        ),
        (
            "Many bases can be used",
            gaps["ready"].mean(),
            f"{gaps['ready'].sum()} of {len(gaps)} bases",
            "Collect the columns named in the gap list",
        ),
        (
            "Profit is known",
            float(cost),
            "unit costs are given" if cost else "no unit costs are given",
            "Add unit_cost to products or to order_lines",
        ),
        (
            "Consent is known",
            known / consent["customer_count"] if consent["customer_count"] else 0.0,
            f"{known:,} of {consent['customer_count']:,} customers answered",
            "Record for each customer whether he or she may be contacted",
        ),
        (
            "Campaigns have a control group",
            float(has_control),
            "a control arm is there" if has_control else "no message carries a control arm",
            "Leave a random part of each campaign's customers without the message",
        ),
        (
            "The market is known",
            len(market) / 3,
            f"{len(market)} of the three market tables are given",
            "Fill the templates of the market review",
        ),
        (
            "Customers are heard",
            len(voice) / 2,
            f"{len(voice)} of two tables (survey answers, support tickets) are given",
            "Run a short survey; export the support tickets",
        ),
    ]
    scores = pd.DataFrame(practices, columns=["practice", "score", "evidence", "improve"])
    scores["score"] = scores["score"].clip(0, 1)
    return scores.sort_values(["score", "practice"], ignore_index=True)


def _count_repeat_buyers(order_lines: ibis.Table) -> int:
    sales = order_lines.filter(order_lines["line_type"] == "sale")
    orders = sales.group_by("customer_id").aggregate(order_count=sales["order_id"].nunique())
    return int(orders.filter(orders["order_count"] >= 2).count().execute())


def _has_control(messages: ibis.Table | None) -> bool:
    if messages is None or "arm" not in messages.columns:
        return False
    return bool(messages.filter(messages["arm"] == "control").count().execute())


def _scale(value: float, full: float) -> float:
    return float(min(max(value / full, 0), 1))


def find_overreach(plan: Plan, gaps: pd.DataFrame) -> list[str]:
    """Say where the plan asks more than the data can carry.

    Parameters
    ----------
    gaps : DataFrame
        One row a base: ``base``, ``ready``, ``missing``.
    """
    sentences = []
    by_base = gaps.set_index("base")
    for scheme in plan.schemes:
        if not by_base.loc[scheme.base, "ready"]:
            sentences.append(
                f"Scheme {scheme.name} is {scheme.base}, but the data cannot carry that base: "
                f"{by_base.loc[scheme.base, 'missing']}."
            )
        if scheme.segments[1] > plan.criteria.most_segments:
            sentences.append(
                f"Scheme {scheme.name} asks for up to {scheme.segments[1]} segments, but the "
                f"criteria allow {plan.criteria.most_segments}."
            )
    served = {scheme.goal for scheme in plan.schemes}
    sentences += [
        f"No scheme serves the goal {goal.name}." for goal in plan.goals if goal.name not in served
    ]
    return sentences
