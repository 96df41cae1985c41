"""Is the business ready to segment, and what can its tables answer? Scored from evidence."""

from __future__ import annotations

import ibis
import pandas as pd

from segkit.core.absence import is_missing
from segkit.evidence.inventory import measure_consent
from segkit.plan.models import Plan

FRESH_DAYS, STALE_DAYS = 7, 90
FULL_HISTORY_DAYS = 730
ENOUGH_REPEAT_BUYERS = 500
# Each practice, and what to do first where it is weak.
PRACTICES = {
    "Every goal has a target": "Give each goal in the plan a target for its KPI",
    "Rows pass the checks": "Mend the largest rule of the quality table at its source",
    "Many bases can be used": "Collect the columns named in the gap list",
    "Consent is known": "Record for each customer whether he or she may be contacted",
    "Campaigns have a control group": "Send nothing to a random part of each campaign's customers",
    "The market is known": "Fill the templates of the market review",
    "Customers are heard": "Run a short survey; export the support tickets",
    # These are scored where there are orders.
    "Orders name their customer": "Ask for an e-mail address or a loyalty card at every sale",
    "Data is fresh": "Load orders at least weekly",
    "History is long enough": "Keep two years of orders, so that seasons can be told from trends",
    "Customers come back": "Wait for more repeat buyers, or segment by what customers say",
    "Profit is known": "Add unit_cost to products or to order_lines",
}


def describe_plan(plan: Plan) -> pd.DataFrame:
    """Return what the plan promises, one row an item: ``item`` and ``text``."""
    rows = [("Owner", plan.owner), ("Scope", plan.scope), ("Target market", plan.target_market)]
    rows += [("Budget", plan.budget), *(("Goal", goal.text) for goal in plan.goals)]
    rows += [("Deliverable", text) for text in plan.deliverables]
    return pd.DataFrame(rows, columns=["item", "text"])


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

    The columns are practice, score (0 to 1), evidence (what was found) and improve (what to do
    first); the weakest comes first. Practices of purchases are left out where there are none.
    """
    known = inventory.set_index("table")
    read, accepted = counts["read"].sum(), counts["accepted"].sum()
    targets = sum(goal.target is not None for goal in plan.goals)
    market = (known.loc[["market_cells", "competitors", "trends"], "row_count"] > 0).sum()
    voice = (known.loc[["responses", "tickets"], "row_count"] > 0).sum()
    consent = measure_consent(tables, plan.privacy.consent_column)
    people = int(consent["customer_count"].sum())
    answered = int(consent.loc[consent["answer"] != "unknown", "customer_count"].sum())
    messages, control = tables.get("messages"), False
    if not is_missing(messages, "arm"):
        control = bool(messages.filter(messages.arm == "control").count().execute())
    evidence = [
        (targets / len(plan.goals), f"{targets} of {len(plan.goals)} goals have one"),
        (accepted / max(read, 1), f"{accepted:,} of {read:,} rows were accepted"),
        (gaps["ready"].mean(), f"{gaps['ready'].sum()} of {len(gaps)} bases"),
        (answered / max(people, 1), f"{answered:,} of {people:,} customers answered"),
        (control, "a control arm is there" if control else "no message carries a control arm"),
        (market / 3, f"{market} of the three market tables are given"),
        (voice / 2, f"{voice} of two tables (survey answers, support tickets) are given"),
    ]
    if "order_lines" in tables:
        orphans = quality.query("table == 'order_lines' and rule == 'missing_customer'")
        lines = counts.set_index("table").loc["order_lines", "read"]
        named = 1 - orphans["row_count"].sum() / max(lines, 1)
        evidence += _find_evidence_of_orders(tables, known.loc["order_lines"], named)
    rows = [(*p, *e) for p, e in zip(PRACTICES.items(), evidence, strict=False)]
    scores = pd.DataFrame(rows, columns=["practice", "improve", "score", "evidence"])
    scores["score"] = scores["score"].astype(float).clip(0, 1)
    scores = scores.sort_values(["score", "practice"], ignore_index=True)
    return scores[["practice", "score", "evidence", "improve"]]


def _find_evidence_of_orders(
    tables: dict[str, ibis.Table], orders: pd.Series, named: float
) -> list[tuple[float, str]]:
    """Return score and evidence of each of the practices of orders."""
    age, history = orders["days_since_last"], (orders["last_on"] - orders["first_on"]).days
    repeaters = _count_repeat_buyers(tables["order_lines"])
    cost = any("unit_cost" in tables[t].columns for t in ("order_lines", "products") if t in tables)
    fresh = (STALE_DAYS - age) / (STALE_DAYS - FRESH_DAYS)
    return [
        (named, f"{named:.1%} of order lines read name one"),
        (fresh, f"the last order is {age:.0f} days before the last day counted"),
        (history / FULL_HISTORY_DAYS, f"{history:,} days of orders"),
        (repeaters / ENOUGH_REPEAT_BUYERS, f"{repeaters:,} customers with two orders or more"),
        (cost, "unit costs are given" if cost else "no unit costs are given"),
    ]


def _count_repeat_buyers(order_lines: ibis.Table) -> int:
    sales = order_lines.filter(order_lines["line_type"] == "sale")
    orders = sales.group_by("customer_id").aggregate(order_count=sales["order_id"].nunique())
    return int(orders.filter(orders["order_count"] >= 2).count().execute())


def find_overreach(plan: Plan, gaps: pd.DataFrame) -> list[str]:
    """Say where the plan asks more than the data, by ``gaps`` (one row a base), can carry."""
    bases = gaps.set_index("base")
    most = plan.criteria.most_segments
    served = {scheme.goal for scheme in plan.schemes}
    sentences = []
    for scheme in plan.schemes:
        if not bases.loc[scheme.base, "ready"]:
            asked = f"Scheme {scheme.name} is {scheme.base}, but the data cannot carry that base"
            sentences.append(f"{asked}: {bases.loc[scheme.base, 'missing']}.")
        if scheme.segments[1] > most:
            asked = f"Scheme {scheme.name} asks for up to {scheme.segments[1]} segments"
            sentences.append(f"{asked}, but the criteria allow {most}.")
    unserved = [goal.name for goal in plan.goals if goal.name not in served]
    return [*sentences, *(f"No scheme serves the goal {name}." for name in unserved)]
