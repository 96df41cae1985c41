"""Is the business ready to segment, and what can its tables answer? Scored from evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis
import pandas as pd

from segkit.core.absence import is_missing
from segkit.evidence.inventory import measure_consent
from segkit.evidence.kpis import name_measure
from segkit.evidence.market import MARKET_TABLES
from segkit.features.expressions import is_control
from segkit.features.sales import leave_out_taken_back
from segkit.plan.models import Goal, Plan

FRESH_DAYS = 7
STALE_DAYS = 90
FULL_HISTORY_DAYS = 730
ENOUGH_REPEAT_BUYERS = 500
# Tables in which customers speak, and how to come by each.
VOICE_TABLES = {"responses": "Run a short survey", "tickets": "Export the support tickets"}


@dataclass(frozen=True)
class Given:
    """What the practices are scored from.

    Attributes
    ----------
    plan : Plan
    tables : mapping of str to ibis.Table
        The accepted rows.
    inventory : DataFrame
        One row a table, by its name: row_count, first_on, last_on, days_since_last.
    gaps : DataFrame
        One row a base: ``ready`` tells whether it can be used.
    quality : DataFrame
        One row a rule: table, rule, row_count.
    counts : DataFrame
        One row a table: table, read, accepted.
    """

    plan: Plan
    tables: Mapping[str, ibis.Table]
    inventory: pd.DataFrame
    gaps: pd.DataFrame
    quality: pd.DataFrame
    counts: pd.DataFrame

    def count_given(self, names: tuple[str, ...]) -> int:
        """Return how many of these tables have rows."""
        return int((self.inventory.loc[list(names), "row_count"] > 0).sum())


@dataclass(frozen=True)
class Evidence:
    """The score of a practice, from 0 (not there) to 1 (in full), and what was found.

    ``improve`` is what to do here, where what the practice says would be more than that.
    """

    score: float
    text: str
    improve: str = ""


@dataclass(frozen=True)
class Practice:
    """A practice of good segmentation: what to do where it is weak, and how it is scored.

    A practice ``needs`` a table, such as orders or messages: of a business that has none it is left
    out, for to improve it would be advice for somebody else.
    """

    name: str
    improve: str
    measure: Callable[[Given], Evidence]
    needs: str = ""


def describe_plan(plan: Plan) -> pd.DataFrame:
    """Return what the plan promises, one row an item: ``item`` and ``text``."""
    rows = [("Owner", plan.owner), ("Scope", plan.scope), ("Target market", plan.target_market)]
    rows += [
        ("Budget", plan.budget),
        *(("Goal", _describe_goal(goal, plan)) for goal in plan.goals),
    ]
    rows += [("Deliverable", text) for text in plan.deliverables]
    return pd.DataFrame(rows, columns=["item", "text"])


def _describe_goal(goal: Goal, plan: Plan) -> str:
    """Return a goal with what tells whether it is met."""
    measure = name_measure(goal.kpi, has_lines="order_lines" in plan.tables)
    return f"{goal.text} (told by: {measure[0].lower()}{measure[1:]})"


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
    first); the weakest comes first. Practices of purchases and of messages are left out where there
    are none.
    """
    known = inventory.set_index("table")
    given = Given(plan, tables, inventory=known, gaps=gaps, quality=quality, counts=counts)
    rows = []
    for practice in PRACTICES:
        if practice.needs and not known["row_count"].get(practice.needs, 0):
            continue
        found = practice.measure(given)
        rows.append(
            {
                "practice": practice.name,
                "score": float(found.score),
                "evidence": found.text,
                "improve": found.improve or practice.improve,
            }
        )
    scores = pd.DataFrame(rows)
    scores["score"] = scores["score"].clip(0, 1)
    return scores.sort_values(["score", "practice"], ignore_index=True)


def _measure_targets(given: Given) -> Evidence:
    goals = given.plan.goals
    count = sum(goal.target is not None for goal in goals)
    return Evidence(count / len(goals), f"{count} of {len(goals)} goals have one")


def _measure_checks(given: Given) -> Evidence:
    read = given.counts["read"].sum()
    accepted = given.counts["accepted"].sum()
    return Evidence(accepted / max(read, 1), f"{accepted:,} of {read:,} rows were accepted")


def _measure_bases(given: Given) -> Evidence:
    is_ready = given.gaps["ready"]
    return Evidence(is_ready.mean(), f"{is_ready.sum()} of {len(is_ready)} bases")


def _measure_consent(given: Given) -> Evidence:
    consent = measure_consent(given.tables, given.plan.privacy.consent_column)
    people = int(consent["customer_count"].sum())
    if not people:
        return Evidence(0, "there is no table of customers")
    answered = int(consent.loc[consent["answer"] != "unknown", "customer_count"].sum())
    return Evidence(answered / max(people, 1), f"{answered:,} of {people:,} customers answered")


def _measure_control(given: Given) -> Evidence:
    messages = given.tables.get("messages")
    has_control = False
    if not is_missing(messages, "arm"):
        has_control = bool(messages.filter(is_control(messages)).count().execute())
    if has_control:
        return Evidence(1, "a control arm is there")
    return Evidence(0, "no message carries a control arm")


def _measure_market(given: Given) -> Evidence:
    count = given.count_given(MARKET_TABLES)
    return Evidence(count / len(MARKET_TABLES), f"{count} of the three market tables are given")


def _measure_voice(given: Given) -> Evidence:
    count = given.count_given(tuple(VOICE_TABLES))
    text = f"{count} of two tables (survey answers, support tickets) are given"
    missing = [name for name in VOICE_TABLES if not given.count_given((name,))]
    improve = VOICE_TABLES[missing[0]] if len(missing) == 1 else ""
    return Evidence(count / len(VOICE_TABLES), text, improve)


def _measure_named(given: Given) -> Evidence:
    orphans = given.quality.query("table == 'order_lines' and rule == 'missing_customer'")
    lines = given.counts.set_index("table").loc["order_lines", "read"]
    share = 1 - orphans["row_count"].sum() / max(lines, 1)
    return Evidence(share, f"{share:.1%} of order lines read name one")


def _measure_freshness(given: Given) -> Evidence:
    age = given.inventory.loc["order_lines", "days_since_last"]
    score = (STALE_DAYS - age) / (STALE_DAYS - FRESH_DAYS)
    return Evidence(score, f"the last order is {age:.0f} days before the last day counted")


def _measure_history(given: Given) -> Evidence:
    orders = given.inventory.loc["order_lines"]
    days = (orders["last_on"] - orders["first_on"]).days
    return Evidence(days / FULL_HISTORY_DAYS, f"{days:,} days of orders")


def _measure_repeaters(given: Given) -> Evidence:
    lines = leave_out_taken_back(given.tables["order_lines"], given.plan.as_of)
    count = _count_repeat_buyers(lines)
    return Evidence(count / ENOUGH_REPEAT_BUYERS, f"{count:,} customers with two orders or more")


def _measure_costs(given: Given) -> Evidence:
    known = [given.tables[name] for name in ("order_lines", "products") if name in given.tables]
    if any("unit_cost" in table.columns for table in known):
        return Evidence(1, "unit costs are given")
    return Evidence(0, "no unit costs are given")


def _count_repeat_buyers(order_lines: ibis.Table) -> int:
    sales = order_lines.filter(order_lines["line_type"] == "sale")
    orders = sales.group_by("customer_id").aggregate(order_count=sales["order_id"].nunique())
    return int(orders.filter(orders["order_count"] >= 2).count().execute())


PRACTICES = (
    Practice(
        "Every goal has a target",
        improve="Give each goal in the plan a target for its KPI",
        measure=_measure_targets,
    ),
    Practice(
        "Rows pass the checks",
        improve="Mend the largest rule of the quality table at its source",
        measure=_measure_checks,
    ),
    Practice(
        "Many bases can be used",
        improve="Collect the columns named in the gap list",
        measure=_measure_bases,
    ),
    Practice(
        "Consent is known",
        improve="Record for each customer whether he or she may be contacted",
        measure=_measure_consent,
    ),
    Practice(
        "Campaigns have a control group",
        improve="Send nothing to a random part of each campaign's customers",
        measure=_measure_control,
        needs="messages",
    ),
    Practice(
        "The market is known",
        improve="Fill the templates of the market review",
        measure=_measure_market,
    ),
    Practice(
        "Customers are heard",
        improve="Run a short survey; export the support tickets",
        measure=_measure_voice,
    ),
    Practice(
        "Orders name their customer",
        improve="Ask for an e-mail address or a loyalty card at every sale",
        measure=_measure_named,
        needs="order_lines",
    ),
    Practice(
        "Data is fresh",
        improve="Load orders at least weekly",
        measure=_measure_freshness,
        needs="order_lines",
    ),
    Practice(
        "History is long enough",
        improve="Keep two years of orders, so that seasons can be told from trends",
        measure=_measure_history,
        needs="order_lines",
    ),
    Practice(
        "Customers come back",
        improve="Wait for more repeat buyers, or segment by what customers say",
        measure=_measure_repeaters,
        needs="order_lines",
    ),
    Practice(
        "Profit is known",
        improve="Add unit_cost to products or to order_lines",
        measure=_measure_costs,
        needs="order_lines",
    ),
)


def _quote_missing(missing: str) -> str:
    """Write what a base lacks as it reads in a sentence.

    >>> _quote_missing("events.at; orders.day or lines.day")
    '“events.at”, and no “orders.day” or “lines.day”'
    """
    groups = [group.replace(" or ", "” or “") for group in missing.split("; ")]
    return ", and no ".join(f"“{group}”" for group in groups)


def find_overreach(plan: Plan, gaps: pd.DataFrame) -> list[str]:
    """Say where the plan asks more than the data, by ``gaps`` (one row a base), can carry."""
    bases = gaps.set_index("base")
    most = plan.criteria.most_segments
    served = {scheme.goal for scheme in plan.schemes}
    sentences = []
    for scheme in plan.schemes:
        if not bases.loc[scheme.base, "ready"]:
            asked = f"The scheme “{scheme.name}” is of the base “{scheme.base}”"
            lacks = _quote_missing(str(bases.loc[scheme.base, "missing"]))
            sentences.append(f"{asked}, but the data cannot carry it: there is no {lacks}.")
        if scheme.segments[1] > most:
            asked = f"The scheme “{scheme.name}” asks for up to {scheme.segments[1]} segments"
            sentences.append(f"{asked}, but the criteria allow {most}.")
    unserved = [goal.name for goal in plan.goals if goal.name not in served]
    return [*sentences, *(f"No scheme serves the goal “{name}”." for name in unserved)]
